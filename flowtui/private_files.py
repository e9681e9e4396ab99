"""Files that only their owner can read, written whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Generator
from pathlib import Path


class NotPrivate(Exception):  # noqa: N818  (a finding about a file, not a failure of ours)
    """The file is there but others could have written or read it; the text says how."""


def write(path: Path, text: str) -> None:
    """Replace the file by one with mode 0600, in a folder with mode 0700. Raises OSError.

    After a crash at any point either the old or the new content is there.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def read(path: Path) -> str | None:
    """The file's text, None if there is no file. Raises NotPrivate, OSError, UnicodeDecodeError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            raise NotPrivate("it is a link") from error
        raise
    with os.fdopen(descriptor, encoding="utf-8") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise NotPrivate("it is not a regular file")
        if status.st_uid != os.geteuid():
            raise NotPrivate("it belongs to another user")
        if status.st_mode & 0o077:
            raise NotPrivate(f"others may use it (mode {stat.S_IMODE(status.st_mode):04o})")
        return file.read()


def make_folder(folder: Path) -> None:
    """The folder with mode 0700; one that is there and ours is closed to others."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = folder.stat()
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        folder.chmod(0o700)


@contextlib.contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold the folder's lock, so that two processes do not undo each other's change."""
    make_folder(folder)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
