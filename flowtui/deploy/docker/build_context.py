"""The build context: which files are sent to the engine, in a tar that is the same every time.

Sorted names, time 0, owner 0, modes 0755 or 0644: the same input gives the same bytes, so the
engine's layer cache holds. Contents are hashed when the context is gathered and compared when it is
sent: what is built is what was planned.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import tarfile
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flowtui.deploy.docker.ignore import DockerIgnore, never_sent
from flowtui.deploy.plan import ContextSummary
from flowtui.errors import DeployError, UsageError
from flowtui.models import Problem

_CHUNK = 2**18


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in the context: a file, a symbolic link or a folder."""

    path: str
    """In the context, with forward slashes."""
    kind: bytes
    """`tarfile.REGTYPE`, `SYMTYPE` or `DIRTYPE`."""
    executable: bool = False
    size: int = 0
    digest: str = ""
    """sha256 of the content, hexadecimal; empty for links and folders."""
    source: Path | None = None
    """The file with the content; None when it is in `data`."""
    data: bytes = b""
    link: str = ""
    """Target of a symbolic link, as it is written."""

    @classmethod
    def of_bytes(cls, path: str, data: bytes) -> Entry:
        digest = hashlib.sha256(data).hexdigest()
        return cls(path, tarfile.REGTYPE, size=len(data), digest=digest, data=data)

    @classmethod
    def of_file(cls, path: str, source: Path, status: os.stat_result) -> Entry:
        """Reads the file for its hash. Raises DeployError when it cannot be read."""
        try:
            with source.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DeployError(
                f"a file of the build context cannot be read: {error.strerror}",
                where=str(source),
                fix="make it readable, or keep it out with .dockerignore",
            ) from error
        executable = bool(status.st_mode & stat.S_IXUSR)
        return cls(path, tarfile.REGTYPE, executable, status.st_size, digest, source)


@dataclass(frozen=True, slots=True)
class BuildContext:
    """Everything that is sent to the engine except the Dockerfile and the flow's pickle."""

    entries: tuple[Entry, ...]
    never_sent: tuple[str, ...] = ()
    """Paths left out by flowtui's own list."""
    problems: tuple[Problem, ...] = ()
    """Warnings; none of them stops a build."""

    def summary(self, *extra: tuple[str, int]) -> ContextSummary:
        """What a person is shown; `extra` files (path, bytes) are added later."""
        files = [
            (entry.path, entry.size) for entry in self.entries if entry.kind != tarfile.DIRTYPE
        ]
        return ContextSummary(tuple(sorted([*files, *extra])), self.never_sent)

    async def tar(self, *extra: Entry) -> AsyncIterator[bytes]:
        """The context as a tar stream in pieces; `extra` are the Dockerfile and the pickle.

        Raises DeployError when a file is not what it was when the context was gathered.
        """
        blocks = _tar_blocks(sorted((*self.entries, *extra), key=lambda entry: entry.path))
        while piece := await asyncio.to_thread(_next_piece, blocks):
            yield piece


class Gatherer:
    """Collects entries, what was left out, and warnings. Blocking: run it in a thread."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._never_sent: list[str] = []
        self._problems: list[Problem] = []

    def finish(self, *problems: Problem) -> BuildContext:
        entries = sorted(self._entries.values(), key=lambda entry: entry.path)
        return BuildContext(
            tuple(entries), tuple(sorted(self._never_sent)), (*self._problems, *problems)
        )

    def add_file(self, path: str, source: Path, *, what: str) -> None:
        """One file, links followed. `what` names it in the error when it is not there."""
        self._add(Entry.of_file(path, source, _status(source, what)))

    def add_named(self, path: str, source: Path, *, shown: str) -> None:
        """A file or folder that the user named: sent even if it is on the never-send list.

        Inside a folder the list holds.
        """
        status = _status(source, "files names this path, and it does not exist")
        if never_sent(shown):
            self._problems.append(
                Problem(
                    "a file that looks like a secret goes into the image, because `files` names it",
                    shown,
                    "remove it from `files` if the image may be seen by others",
                )
            )
        if stat.S_ISREG(status.st_mode):
            self._add(Entry.of_file(path, source, status))
        elif stat.S_ISDIR(status.st_mode):
            self._add(Entry(path, tarfile.DIRTYPE))
            self._walk(source, path, DockerIgnore(""), shown)
        else:
            raise UsageError(
                "`files` names something that is neither a file nor a folder", where=str(source)
            )

    def add_folder(self, root: Path, *, reserved: str) -> None:
        """The project folder, by the never-send list and its `.dockerignore`."""
        ignore = DockerIgnore(_rules(root / ".dockerignore"))
        self._walk(root, "", ignore, "", leave_out=(reserved, ".dockerignore"))

    def _add(self, entry: Entry) -> None:
        self._entries[entry.path] = entry

    def _walk(
        self,
        folder: Path,
        prefix: str,
        ignore: DockerIgnore,
        shown: str,
        leave_out: tuple[str, ...] = (),
    ) -> None:
        pending = [("", folder)]
        while pending:
            inside, current = pending.pop()
            for item in _listed(current):
                relative = f"{inside}/{item.name}" if inside else item.name
                if relative in leave_out:
                    continue
                is_folder = item.is_dir(follow_symlinks=False)
                if never_sent(item.name):
                    listed = f"{shown.rstrip('/')}/{relative}" if shown else relative
                    self._never_sent.append(listed + ("/" if is_folder else ""))
                    continue
                ignored = ignore.ignores(relative)
                if is_folder and (not ignored or ignore.has_exceptions):
                    pending.append((relative, Path(item.path)))
                if not ignored:
                    self._add_item(f"{prefix}/{relative}" if prefix else relative, item)

    def _add_item(self, path: str, item: os.DirEntry[str]) -> None:
        source = Path(item.path)
        try:
            status = item.stat(follow_symlinks=False)
            link = str(source.readlink()) if stat.S_ISLNK(status.st_mode) else ""
        except FileNotFoundError:
            return  # it went away while the folder was read
        if link:
            self._add(Entry(path, tarfile.SYMTYPE, link=link))
        elif stat.S_ISDIR(status.st_mode):
            self._add(Entry(path, tarfile.DIRTYPE))
        elif stat.S_ISREG(status.st_mode):
            self._add(Entry.of_file(path, source, status))
        else:
            self._problems.append(
                Problem("a socket, pipe or device is left out of the build context", str(source))
            )


def _status(source: Path, what: str) -> os.stat_result:
    try:
        return source.stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            f"{what}: {reason}",
            where=str(source),
            fix="correct the path; it is taken relative to the project folder",
        ) from error


def _rules(dockerignore: Path) -> str:
    try:
        return dockerignore.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"the rules of the build context cannot be read: {reason}",
            where=str(dockerignore),
            fix="make it a readable text file, or remove it",
        ) from error


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            return sorted(items, key=lambda item: item.name)
    except OSError as error:
        raise DeployError(
            f"a folder of the build context cannot be read: {error.strerror}",
            where=str(folder),
            fix="make it readable, or keep it out with .dockerignore",
        ) from error


def _next_piece(blocks: Iterator[bytes]) -> bytes:
    """At least a chunk of the stream, empty at its end: a thread is not worth less."""
    piece = bytearray()
    for block in blocks:
        piece += block
        if len(piece) >= _CHUNK:
            break
    return bytes(piece)


def _tar_blocks(entries: Iterable[Entry]) -> Iterator[bytes]:
    for entry in entries:
        info = tarfile.TarInfo(entry.path)
        info.type = entry.kind
        info.size = entry.size
        info.linkname = entry.link
        info.mode = 0o755 if entry.executable or entry.kind == tarfile.DIRTYPE else 0o644
        yield info.tobuf(tarfile.PAX_FORMAT)
        if entry.kind == tarfile.REGTYPE:
            yield from _content(entry)
            yield bytes(-entry.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _content(entry: Entry) -> Iterator[bytes]:
    if entry.source is None:
        yield entry.data
        return
    seen = hashlib.sha256()
    left = entry.size
    try:
        with entry.source.open("rb") as file:
            while chunk := file.read(min(_CHUNK, left)):
                seen.update(chunk)
                left -= len(chunk)
                yield chunk
            grown = bool(file.read(1))
    except OSError as error:
        raise _changed(entry) from error
    if left or grown or seen.hexdigest() != entry.digest:
        raise _changed(entry)


def _changed(entry: Entry) -> DeployError:
    return DeployError(
        "a file changed while it was being deployed",
        where=str(entry.source),
        fix="deploy again",
    )
