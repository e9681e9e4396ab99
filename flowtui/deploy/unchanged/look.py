"""Whether files are as they were: by size, moments of change and inode, without reading them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MOST_FILES = 10_000
"""A folder with more is not looked at: loading the flow is quicker, or not much slower."""
_SKIPPED = frozenset({"__pycache__", "node_modules"})
_NOISE = frozenset(
    {"_", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "OLDPWD", "PWD", "SHLVL", "STY", "TERM"}
)
_NOISY = ("DBUS_", "KITTY_", "SSH_", "TERM_", "TMUX", "VTE_", "WEZTERM_", "WINDOWID", "XDG_SESSION")
"""What differs from terminal to terminal and means nothing to a flow."""


class CannotTellError(Exception):
    """These files cannot be compared without reading them all."""


@dataclass(frozen=True)
class Look:
    """A file or a folder as it was found."""

    digest: str
    changed_ns: int
    """When the newest of it changed last, in nanoseconds since the epoch. Nobody can set that."""


def file(path: str) -> Look:
    """One file, or a folder itself without what is in it; that nothing is there is seen too."""
    try:
        found = os.stat(path)  # noqa: PTH116  (a text, not a Path: there are many)
    except OSError:
        return Look("", 0)
    return Look(_told("", found), found.st_ctime_ns)


def tree(folder: str, *, hidden: bool = False) -> Look:
    """All files below a folder, without environments, caches and (unless `hidden`) hidden folders.

    Raises CannotTellError for one with too many files, with links to folders, or unreadable.
    """
    digest, newest, count = hashlib.sha256(), 0, 0
    try:
        for name, found in _files(folder, "", hidden):
            count += 1
            if count > MOST_FILES:
                raise CannotTellError(folder)
            digest.update(_told(name, found).encode("utf-8", "surrogateescape"))
            newest = max(newest, found.st_ctime_ns)
    except OSError as error:
        raise CannotTellError(folder) from error
    return Look(digest.hexdigest(), newest)


def environment(environ: Mapping[str, str]) -> str:
    """A hash of the variables that may mean something to a flow or to settings."""
    seen = {
        name: text
        for name, text in environ.items()
        if name not in _NOISE and not name.startswith(_NOISY)
    }
    return hashlib.sha256(repr(sorted(seen.items())).encode("utf-8", "surrogateescape")).hexdigest()


def _files(folder: str, place: str, hidden: bool) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        inside = sorted(entries, key=lambda entry: entry.name)
    if place and any(entry.name == "pyvenv.cfg" for entry in inside):
        return
    for entry in inside:
        name = f"{place}/{entry.name}"
        if not entry.is_dir():
            try:
                yield name, entry.stat()
            except FileNotFoundError:
                yield name, entry.stat(follow_symlinks=False)
        elif entry.name not in _SKIPPED and (hidden or not entry.name.startswith(".")):
            if entry.is_symlink():
                raise CannotTellError(entry.path)
            yield from _files(entry.path, name, hidden)


def _told(name: str, found: os.stat_result) -> str:
    return f"{name}\0{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}\0"
