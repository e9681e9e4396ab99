"""From the words after `flowtui deploy` to flows on disk."""

from __future__ import annotations

import difflib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from flowtui.config import find_root, is_project
from flowtui.errors import UsageError
from flowtui.models import BrokenFile, Discovery, FlowKind, LocalFlow, Problem


@dataclass(frozen=True, slots=True)
class Targets:
    flows: tuple[LocalFlow, ...]
    broken: tuple[BrokenFile, ...]
    """What is broken in files that were named or lie in a named folder."""


def root_of(targets: tuple[str, ...]) -> Path:
    """The project folder that the targets lie in; names of flows are looked for in this folder.

    What lies in this folder without being in a project of its own belongs to this folder's.
    """
    here = Path.cwd()
    for word in targets:
        path = Path(word) if Path(word).exists() else Path(word.rpartition(":")[0])
        if path.exists() and str(path) != ".":
            folder = path.resolve() if path.is_dir() else path.resolve().parent
            root = find_root(folder)
            loose = root == folder and not is_project(root) and here in root.parents
            return find_root(here) if loose else root
    return find_root(here)


def wanted(words: tuple[str, ...], discovery: Discovery, *, everything: bool) -> Targets:
    """The targets that are named, or `everything`. Raises UsageError for neither and for both."""
    if everything and words:
        raise UsageError("--all stands beside targets", fix="leave out one of them")
    if everything:
        if not discovery.flows and not discovery.broken:
            raise UsageError(
                "no Prefect flows found here",
                where=discovery.root,
                fix="flowtui flows shows what is found; ignored folders are not searched",
            )
        _refuse_double_names(discovery.flows)
        return Targets(discovery.flows, discovery.broken)
    if not words:
        raise UsageError("no target is named", fix="name a path or a flow, or give --all")
    return find_targets(words, discovery)


def find_targets(words: tuple[str, ...], discovery: Discovery) -> Targets:
    """`PATH` (all flows in it), `PATH:NAME`, or a flow name. Raises UsageError for no match."""
    flows: dict[LocalFlow, None] = {}
    broken: dict[BrokenFile, None] = {}
    for word in words:
        found = _find(word, discovery)
        flows.update(dict.fromkeys(found.flows))
        broken.update(dict.fromkeys(found.broken))
    _refuse_double_names(tuple(flows))
    return Targets(tuple(flows), tuple(broken))


def _find(word: str, discovery: Discovery) -> Targets:
    root = Path(discovery.root)
    if Path(word).exists():
        place = _relative(Path(word), root)
        found = Targets(
            tuple(flow for flow in discovery.flows if _is_in(flow, place)),
            tuple(file for file in discovery.broken if _inside(file.path, place)),
        )
        if not found.flows and not found.broken:
            raise UsageError(
                f"no Prefect flows found in “{word}”",
                fix="flowtui flows shows what is found; ignored folders are not searched",
            )
        return found
    path, separator, name = word.rpartition(":")
    if separator and Path(path).exists():
        return _in_file(path, name, _relative(Path(path), root), discovery)
    named = tuple(flow for flow in discovery.flows if word in _names(flow))
    if not named:
        names = sorted({name for flow in discovery.flows for name in _names(flow)})
        near = difflib.get_close_matches(word, names, n=3)
        raise UsageError(
            f"“{word}” is neither a path nor the name of a flow",
            where=discovery.root,
            fix=f"did you mean {' or '.join(f'“{n}”' for n in near)}?"
            if near
            else "flowtui flows lists the flows of this folder",
        )
    return Targets(named, ())


def _in_file(path: str, name: str, place: str, discovery: Discovery) -> Targets:
    inside = [flow for flow in discovery.flows if _is_in(flow, place)]
    named = [flow for flow in inside if name in (*_names(flow), *_names(flow, flow.variable))]
    if named:
        return Targets(tuple(named), ())
    in_file = [file for file in discovery.broken if _inside(file.path, place)]
    broken = [file for file in in_file if file.subject in ("", name)]
    if broken:
        return Targets((), tuple(broken))
    known = [each for flow in inside for each in (*_names(flow), *_names(flow, flow.variable))]
    near = difflib.get_close_matches(name, known, n=1)
    names = ", ".join(f"“{flow.display_name}”" for flow in inside) or "none at all"
    meant = f"did you mean “{near[0]}”? " if near else ""
    raise UsageError(f"no flow “{name}” in {path}", fix=f"{meant}flows found there: {names}")


def _names(flow: LocalFlow, name: str | None = None) -> tuple[str, ...]:
    """What a flow is called by: its name means all of its deployments, `name/deployment` one."""
    called = name or flow.name
    if called is None:
        return ()
    return (called, f"{called}/{flow.deployment}") if flow.deployment else (called,)


def _relative(path: Path, root: Path) -> str:
    resolved = path.resolve()
    if not resolved.is_relative_to(root):
        raise UsageError(
            f"“{path}” is outside the project folder", where=str(root), fix="name one project only"
        )
    return resolved.relative_to(root).as_posix()


def _is_in(flow: LocalFlow, place: str) -> bool:
    """Its own file lies there, or the one that declares its deployment."""
    declared = flow.declared.path if flow.declared is not None else ""
    return _inside(flow.path, place) or bool(declared and _inside(declared, place))


def _inside(path: str, place: str) -> bool:
    return place in (".", path) or path.startswith(f"{place}/")


def _refuse_double_names(flows: tuple[LocalFlow, ...]) -> None:
    """Each would take the place of the other."""
    places: dict[str, set[str]] = defaultdict(set)
    kinds: dict[str, FlowKind] = {}
    for flow in flows:
        if flow.name is not None:
            full = f"{flow.name}/{flow.deployment}" if flow.deployment else flow.name
            places[full].add(f"{flow.path}:{flow.line}")
            kinds[full] = flow.kind
    for name, found in places.items():
        if len(found) > 1:
            what = "flows" if kinds[name] is FlowKind.FLOW_OBJECT else "deployments"
            raise UsageError(
                f"{len(found)} {what} are named “{name}”",
                where=", ".join(sorted(found)),
                fix="give each its own name, or deploy one of them: PATH:VARIABLE",
            )


def problem_of(file: BrokenFile) -> Problem:
    """What is told of something broken that was named."""
    unseen = "; its flows cannot be seen until it parses" if not file.subject else ""
    return Problem(file.words, f"{file.path}:{file.line}", f"mend the file{unseen}")
