"""What the hot flows are made of, as it is on disk now. Blocking: run it in a thread."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from flowtui.errors import FlowtuiError
from flowtui.hot.state import Look
from flowtui.models import Discovery, LocalFlow
from flowtui.source.closure import static_closure
from flowtui.source.parsing import UnparsableError, parse
from flowtui.workspace import Workspace

SETTINGS_FILES = frozenset({"flowtui.toml", "pyproject.toml"})


def look_at(workspace: Workspace, targets: Iterable[str]) -> Mapping[str, Look]:
    """A look at each target, by the settings as they are on disk now."""
    problem = ""
    try:
        workspace.read_settings_again()
    except FlowtuiError as error:
        problem = f"the settings cannot be used: {error.problem.what}"
    try:
        discovery = workspace.discover()
    except FlowtuiError as error:
        return {target: Look(None, broken=error.problem.what) for target in targets}
    return {target: _look(workspace, discovery, target, problem) for target in targets}


def _look(workspace: Workspace, discovery: Discovery, target: str, problem: str) -> Look:
    path = target.rpartition(":")[0]
    found = [flow for flow in discovery.flows if flow.target == target]
    if not found:
        declaring = {file.path for file in discovery.broken if file.subject}
        needs = frozenset({path, *declaring}) | SETTINGS_FILES
        return Look(None, needs, broken=_why_gone(discovery, path, target))
    flow = found[0]
    modules = [
        _relative(workspace.root, module.path)
        for module in static_closure(workspace.root, flow.path)
        if module.path
    ]
    named = _named_in_settings(workspace, flow)
    declared = {flow.declared.path} if flow.declared is not None else set[str]()
    needs = frozenset({flow.path, *modules, *named, *declared, *SETTINGS_FILES}) - {"."}
    try:
        content = _content(workspace, flow, named)
    except OSError as error:
        return Look(None, needs, broken=f"{path} cannot be read: {error.strerror}")
    broken = problem or _double(discovery, flow) or _unparsable(workspace.root, modules)
    return Look(flow, needs, content, broken)


def _why_gone(discovery: Discovery, path: str, target: str) -> str:
    for file in discovery.broken:
        if file.path == path and not file.subject:
            return f"{path}:{file.line} does not parse: {file.message}"
    name = target.rpartition(":")[2]
    for file in discovery.broken:
        if file.subject and file.subject == name.rpartition("/")[2]:
            return f"{file.path}:{file.line}, {file.subject}: {file.message}"
    others = [flow.display_name for flow in discovery.flows if flow.path == path]
    if others:
        return f"“{name}” is gone from {path}; in it now: {', '.join(others)}"
    return f"“{name}” is gone from {path}"


def _double(discovery: Discovery, flow: LocalFlow) -> str:
    same = [
        each
        for each in discovery.flows
        if each.name is not None and (each.name, each.deployment) == (flow.name, flow.deployment)
    ]
    if len(same) < 2:
        return ""
    return f"{len(same)} flows here are named “{flow.display_name}”: rename one"


def _unparsable(root: Path, modules: Iterable[str]) -> str:
    """Why the first of the flow's modules that does not parse does not."""
    for module in modules:
        try:
            parse((root / module).read_bytes())
        except UnparsableError as error:
            return f"{module}:{error.line} does not parse: {error.message}"
        except OSError as error:
            return f"{module} cannot be read: {error.strerror}"
    return ""


def _named_in_settings(workspace: Workspace, flow: LocalFlow) -> tuple[str, ...]:
    """Files and folders that the project file sends into the image."""
    config = workspace.config
    own = (table for _, table in config.tables_of(flow.name, flow.deployment))
    named: list[str] = []
    for table in (config.table, *own):
        named += [table.storage.dockerfile] if table.storage.dockerfile else []
        named += table.storage.files or {}
    whole = (_relative(workspace.root, str(workspace.root / name)) for name in named)
    return tuple(dict.fromkeys(whole))


def _files_of(place: Path) -> list[Path]:
    """The file itself, or all files in the folder."""
    if not os.path.isdir(place):  # noqa: PTH112  (Path.is_dir raises where we may not look)
        return [place]
    return sorted(Path(folder) / name for folder, _, names in os.walk(place) for name in names)


def _content(workspace: Workspace, flow: LocalFlow, named: Iterable[str]) -> str:
    """Raises OSError when the flow's file cannot be read."""
    digest = hashlib.sha256(workspace.fingerprint(flow).encode())
    for path in named:
        for file in _files_of(workspace.root / path):
            digest.update(f"\0{file}\0".encode("utf-8", "surrogateescape"))
            try:
                digest.update(file.read_bytes())
            except OSError as error:
                digest.update(f"{error.errno}".encode())
    return digest.hexdigest()


def _relative(root: Path, path: str) -> str:
    normal = os.path.normpath(path)
    real_root = os.path.realpath(root)
    for start in (str(root), real_root):
        if normal.startswith(start + os.sep):
            return normal[len(start) + 1 :].replace(os.sep, "/")
    return normal
