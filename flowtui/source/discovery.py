"""Finds flows in a project folder by reading it: nothing of the user's is imported or run."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flowtui.errors import UsageError
from flowtui.models import BrokenFile, Discovery, LocalFlow
from flowtui.source import parsing
from flowtui.source.flowfinder import find_flows
from flowtui.source.ignore import walk

_WORD = b"prefect"
_CHUNK = 1 << 20


def discover(root: Path, *, exclude: tuple[str, ...] = ()) -> Discovery:
    """One walk over a project folder: every flow, and every file that mentions Prefect but does
    not parse, sorted by path and line. `exclude` are patterns in .gitignore's language.

    Blocking: run it in a thread. Raises UsageError when `root` is not a folder that can be read.
    """
    return Discoverer(root, exclude=exclude).discover()


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one file holds, as of one state of the file."""

    state: tuple[int, int, int]
    flows: tuple[LocalFlow, ...] = ()
    broken: BrokenFile | None = None


class Discoverer:
    """Discovery that remembers unchanged files, so that looking again after a save is quick."""

    def __init__(self, root: Path, *, exclude: tuple[str, ...] = ()) -> None:
        self._root = root
        self._exclude = exclude
        self._findings: dict[str, _Finding] = {}

    def discover(self) -> Discovery:
        """Walk the folder. A file counts as unchanged when its mtime, size and inode are."""
        _check_root(self._root)
        findings: dict[str, _Finding] = {}
        for folder in walk(self._root, self._exclude, suffix=".py"):
            for entry in folder.files:
                path = f"{folder.path}/{entry.name}" if folder.path else entry.name
                findings[path] = self._look(path, entry.path)
        self._findings = findings
        return Discovery(
            root=str(self._root),
            flows=tuple(flow for path in sorted(findings) for flow in findings[path].flows),
            broken=tuple(
                broken for path in sorted(findings) if (broken := findings[path].broken) is not None
            ),
            files_seen=len(findings),
        )

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
    if _WORD not in content:
        return _Finding(state)
    try:
        return _Finding(state, flows=find_flows(parsing.parse(content), path))
    except parsing.UnparsableError as error:
        broken = BrokenFile(path, error.line, error.column, error.message)
        return _Finding(state, broken=broken)
