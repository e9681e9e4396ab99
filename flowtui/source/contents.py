"""What the files of a project hold, so that only a real change counts as one."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowtui.source.ignore import IgnoreRules, skipped_folder, walk

_HASHED_LIMIT = 1_000_000
"""Bytes; larger files are data: their size and time stand for their content."""
_HASHED_SUFFIXES = frozenset(
    {"", ".py", ".toml", ".txt", ".cfg", ".ini", ".yaml", ".yml", ".json", ".sql", ".in", ".lock"}
)
_NOISE_ENDINGS = ("~", ".swp", ".swo", ".swx", ".tmp", ".part", ".pyc")
_NOISE_BEGINNINGS = (".#", "#")

Stamp = tuple[int, int, int]
"""mtime in ns, size in bytes, inode: moves when a file is written."""


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: Stamp
    content: bytes
    """A digest, or the stamp in bytes for what is not hashed."""


class Contents:
    """The files of a project that count, as they were when last looked at. Blocking."""

    def __init__(self, root: Path, exclude: Sequence[str] = ()) -> None:
        self._root = root
        self._exclude = exclude
        self._known: dict[str, _Known] = {}
        self._rules: dict[str, IgnoreRules] = {}

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that count as of the last `rescan`, relative to the root; "" is the root."""
        return tuple(self._rules)

    def rescan(self) -> frozenset[str]:
        """Look at everything; the paths that changed since the last look."""
        present: set[str] = set()
        rules: dict[str, IgnoreRules] = {}
        changed: set[str] = set()
        for folder in walk(self._root, self._exclude):
            rules[folder.path] = folder.rules
            for entry in folder.files:
                path = f"{folder.path}/{entry.name}" if folder.path else entry.name
                if not is_noise(entry.name):
                    present.add(path)
                    changed |= self._look(path, trust_stamp=True)
        gone = self._known.keys() - present
        for path in gone:
            del self._known[path]
        self._rules = rules
        return frozenset(changed | gone)

    def changed(self, paths: Iterable[str]) -> frozenset[str]:
        """Look at these paths only; those of them that changed since the last look."""
        found: set[str] = set()
        for path in paths:
            if self.counts(path):
                found |= self._look(path, trust_stamp=False)
        return frozenset(found)

    def counts(self, path: str) -> bool:
        """Whether a path, which need not exist, is one that `rescan` would come to."""
        rules = self._rules.get(path.rpartition("/")[0])
        name = path.rpartition("/")[2]
        return rules is not None and not is_noise(name) and not rules.ignores(path)

    def would_enter(self, path: str) -> bool:
        """Whether `path` is a folder that `rescan` would look into."""
        rules = self._rules.get(path.rpartition("/")[0])
        return (
            rules is not None
            and not skipped_folder(path.rpartition("/")[2])
            and (self._root / path).is_dir()
            and not rules.ignores(path, folder=True)
        )

    def stamps(self, paths: Iterable[str]) -> dict[str, Stamp | None]:
        return {path: _stamp(self._root / path) for path in paths}

    def _look(self, path: str, *, trust_stamp: bool) -> set[str]:
        before = self._known.get(path)
        now = _known(self._root / path, before if trust_stamp else None)
        if now is None:
            self._known.pop(path, None)
            return {path} if before is not None else set()
        self._known[path] = now
        return set() if before is not None and before.content == now.content else {path}


def is_noise(name: str) -> bool:
    """Files that editors put beside the one that is edited."""
    return name.endswith(_NOISE_ENDINGS) or name.startswith(_NOISE_BEGINNINGS) or name == "4913"


def _known(file: Path, before: _Known | None) -> _Known | None:
    stamp = _stamp(file)
    if stamp is None:
        return None
    if before is not None and before.stamp == stamp:
        return before
    if stamp[1] > _HASHED_LIMIT or file.suffix.lower() not in _HASHED_SUFFIXES:
        return _Known(stamp, repr(stamp[:2]).encode())
    try:
        return _Known(stamp, hashlib.blake2b(file.read_bytes(), digest_size=16).digest())
    except OSError:
        return _Known(stamp, b"unreadable")


def _stamp(file: Path) -> Stamp | None:
    try:
        status = os.stat(file)  # noqa: PTH116  (a third faster than Path.stat, thousands of times)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
