"""Finds flows in a project folder by reading it: nothing of the user's is imported or run."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from flowtui.errors import UsageError
from flowtui.models import BrokenFile, Discovery
from flowtui.source import parsing
from flowtui.source.flowfinder import FlowFile, look_into
from flowtui.source.ignore import walk
from flowtui.source.linking import ReadAgain, link
from flowtui.source.names import Names, defined

if TYPE_CHECKING:
    from flowtui.source.prefect_yaml import PrefectYaml

PREFECT_YAML = "prefect.yaml"
_WORD = b"prefect"
_CALLS = (b".deploy(", b".serve(", b".to_deployment(")
"""What declares a deployment may stand in a file that only imports a flow."""
_CHUNK = 1 << 20
_NO_FLOWS = FlowFile()


def discover(root: Path, *, exclude: tuple[str, ...] = ()) -> Discovery:
    """One walk over a project folder: every flow, once for each deployment that is declared of it,
    and every file that mentions Prefect but does not parse, sorted by path and line.

    `exclude` are patterns in .gitignore's language.

    Blocking: run it in a thread. Raises UsageError when `root` is not a folder that can be read.
    """
    return Discoverer(root, exclude=exclude).discover()


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one file holds, as of one state of the file."""

    state: tuple[int, int, int]
    file: FlowFile = _NO_FLOWS
    broken: BrokenFile | None = None


@dataclass(frozen=True, slots=True)
class _YamlFinding:
    state: tuple[int, int, int]
    yaml: PrefectYaml


class Discoverer:
    """Discovery that remembers unchanged files, so that looking again after a save is quick."""

    def __init__(self, root: Path, *, exclude: tuple[str, ...] = ()) -> None:
        self._root = root
        self._exclude = exclude
        self._findings: dict[str, _Finding] = {}
        self._yamls: dict[str, _YamlFinding] = {}

    def discover(self) -> Discovery:
        """Walk the folder. A file counts as unchanged when its mtime, size and inode are."""
        _check_root(self._root)
        findings: dict[str, _Finding] = {}
        yamls: dict[str, _YamlFinding] = {}
        for folder in walk(self._root, self._exclude, suffix=(".py", PREFECT_YAML)):
            for entry in folder.files:
                path = f"{folder.path}/{entry.name}" if folder.path else entry.name
                if entry.name == PREFECT_YAML:
                    yamls[path] = self._look_at_yaml(path, entry.path)
                elif not entry.name.endswith(PREFECT_YAML):
                    findings[path] = self._look(path, entry.path)
        self._findings, self._yamls = findings, yamls
        return self._linked(findings, yamls)

    def _linked(
        self, findings: Mapping[str, _Finding], yamls: Mapping[str, _YamlFinding]
    ) -> Discovery:
        linked = link(
            os.path.realpath(self._root),
            {path: finding.file for path, finding in findings.items()},
            {path: finding.yaml for path, finding in yamls.items()},
            os.environ,
            self._read,
        )
        broken = [finding.broken for finding in findings.values() if finding.broken is not None]
        return Discovery(
            root=str(self._root),
            flows=linked.flows,
            broken=tuple(
                sorted([*broken, *linked.broken], key=lambda each: (each.path, each.line))
            ),
            files_seen=len(findings),
        )

    def _read(self, path: str) -> ReadAgain:
        try:
            tree = parsing.parse((self._root / path).read_bytes())
        except (OSError, parsing.UnparsableError):
            return ReadAgain({}, frozenset())
        return ReadAgain(Names.of(tree).imported, defined(tree))

    def _look_at_yaml(self, path: str, file: str) -> _YamlFinding:
        from flowtui.source.prefect_yaml import SIZE_LIMIT, PrefectYaml, read_prefect_yaml

        try:
            with open(file, "rb", opener=_open_at_once) as source:
                status = os.fstat(source.fileno())
                state = (status.st_mtime_ns, status.st_size, status.st_ino)
                known = self._yamls.get(path)
                if known is not None and known.state == state:
                    return known
                regular = stat.S_ISREG(status.st_mode)
                content = source.read(SIZE_LIMIT + 1) if regular else b""
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}"
            return _YamlFinding((0, 0, 0), PrefectYaml(broken=(BrokenFile(path, 1, 1, reason),)))
        return _YamlFinding(state, read_prefect_yaml(content, path))

    def _look(self, path: str, file: str) -> _Finding:
        try:
            with open(file, "rb", opener=_open_at_once) as source:
                status = os.fstat(source.fileno())
                state = (status.st_mtime_ns, status.st_size, status.st_ino)
                known = self._findings.get(path)
                if known is not None and known.state == state:
                    return known
                if not stat.S_ISREG(status.st_mode):
                    return _Finding(state)
                if status.st_size > parsing.SIZE_LIMIT:
                    return _too_large(path, source, state)
                content = source.read()
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}"
            return _Finding((0, 0, 0), broken=BrokenFile(path, 1, 1, reason))
        return _examine(path, content, state)


def _check_root(root: Path) -> None:
    """The walk passes over folders that cannot be read; the root must not be one of them."""
    try:
        with os.scandir(root):
            return
    except NotADirectoryError:
        what = "this is not a folder"
    except FileNotFoundError:
        what = "this folder does not exist"
    except OSError as error:
        what = f"this folder cannot be read: {error.strerror}"
    raise UsageError(what, where=str(root), fix="give the folder that holds your flows")


def _open_at_once(path: str, flags: int) -> int:
    """A named pipe in the project must not make the walk wait for a writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _too_large(path: str, source: BinaryIO, state: tuple[int, int, int]) -> _Finding:
    tail = b""
    while chunk := source.read(_CHUNK):
        if _WORD in tail + chunk:
            message = f"too large to parse ({state[1] / 1e6:.0f} MB)"
            return _Finding(state, broken=BrokenFile(path, 1, 1, message))
        tail = chunk[-len(_WORD) :]
    return _Finding(state)


def _examine(path: str, content: bytes, state: tuple[int, int, int]) -> _Finding:
    mentioned = _WORD in content
    if not mentioned and not any(call in content for call in _CALLS):
        return _Finding(state)
    try:
        return _Finding(state, look_into(parsing.parse(content), path))
    except parsing.UnparsableError as error:
        if not mentioned:
            return _Finding(state)
        broken = BrokenFile(path, error.line, error.column, error.message)
        return _Finding(state, broken=broken)
