"""Tells which files of a project changed, on inotify where it works and by polling where not."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from flowtui.models import Problem
from flowtui.source.contents import Contents

_STEP = 50
"""Milliseconds without an event that end a batch."""
_DEBOUNCE = 400
"""Milliseconds; the most a batch gathers."""
_WAKE = 2_000
"""Milliseconds between looks whether the watched root is still the same folder."""
_QUIET = 0.1
"""Seconds in which no file of a batch may move before it counts as written."""
_QUIET_ROUNDS = 20
"""A file that is written without pause is reported after this many rounds anyway."""
_POLL = 1.0
"""Seconds between two polls, longer in large projects: see `_poll_pause`."""
_POLL_SHARE = 10
"""Polling may take one part in this many of a core."""
_ABSENT_PAUSE = 0.5

_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "vboxsf"}
)
_NETWORK_FUSE = ("fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.osxfs")


@dataclass(frozen=True, slots=True)
class WatchTools:
    """What a test replaces: time, and what the system says about itself."""

    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    mounts: Callable[[], str] = field(default=lambda: read_mounts())
    subscribe: Callable[[Sequence[Path]], Subscription] = field(
        default=lambda folders: _Inotify(folders)
    )


class Subscription(Protocol):
    """Events of some folders (not of those inside them) from the moment it was made."""

    def wait(self, stop: threading.Event) -> frozenset[str]:
        """Block for a batch of absolute paths; empty after a while without events."""
        ...

    def close(self) -> None: ...


async def watch(
    root: Path,
    *,
    exclude: tuple[str, ...] = (),
    notice: Callable[[Problem], None] | None = None,
    tools: WatchTools | None = None,
) -> AsyncGenerator[frozenset[str]]:
    """Sets of changed files, relative to the root, until cancelled.

    The first set is empty: watching has begun, so look at the folder now. A save that leaves a
    file's content as it was is no change. Deleted files are in the set. A root that is deleted
    and comes back is watched again. `notice` is told, once, when polling takes the place of
    events (network file systems, inotify limits), and why.
    """
    watcher = Watcher(root, exclude=exclude, notice=notice, tools=tools)
    async with aclosing(watcher.changes()) as changes:
        async for changed in changes:
            yield changed


class Watcher:
    """Watches one project folder. See `watch`."""

    def __init__(
        self,
        root: Path,
        *,
        exclude: tuple[str, ...] = (),
        notice: Callable[[Problem], None] | None = None,
        tools: WatchTools | None = None,
    ) -> None:
        self._root = Path(os.path.realpath(root))
        self._notice = notice
        self._tools = tools or WatchTools()
        self._contents = Contents(self._root, exclude)
        self._scan_cost = 0.0
        self.polling = False
        """True when events do not work here, and the folder is looked at again and again."""

    async def changes(self) -> AsyncGenerator[frozenset[str]]:
        kind = network_file_system(self._root, self._tools.mounts())
        if kind is not None:
            self._poll_because(
                f"{kind} does not report changes made elsewhere",
                "nothing to do; changes show after a second or two",
            )
        await self._rescan()
        yield frozenset()
        while True:
            if not await asyncio.to_thread(self._root.is_dir):
                await self._tools.pause(_ABSENT_PAUSE)
            elif self.polling:
                await self._tools.pause(max(_POLL, self._scan_cost * _POLL_SHARE))
            else:
                async with aclosing(self._events()) as events:
                    async for changed in events:
                        yield changed
            changed = await self._rescan_settled()
            if changed:
                yield changed

    async def _events(self) -> AsyncGenerator[frozenset[str]]:
        """Changes as events tell them; ends when the folders must be looked at anew."""
        watched = self._contents.folders
        subscription = await self._subscribe(watched)
        if subscription is None:
            return
        stop = threading.Event()
        waiting: asyncio.Task[frozenset[str]] | None = None
        try:
            root = _identity(self._root)
            missed = await self._rescan_settled()
            if missed:
                yield missed
            if self._contents.folders != watched:
                return
            while root is not None and _identity(self._root) == root:
                waiting = asyncio.create_task(asyncio.to_thread(subscription.wait, stop))
                paths = self._relative(await asyncio.shield(waiting))
                await self._settle(paths)
                changed = await self._changed(paths)
                if changed:
                    yield changed
                if any(self._is_structure(path) for path in paths):
                    return
        finally:
            stop.set()
            if waiting is not None:
                await asyncio.wait({waiting})
            subscription.close()

    async def _rescan(self) -> frozenset[str]:
        started = self._tools.clock()
        changed = await asyncio.to_thread(self._contents.rescan)
        self._scan_cost = self._tools.clock() - started
        return changed

    async def _changed(self, paths: frozenset[str]) -> frozenset[str]:
        return await asyncio.to_thread(self._contents.changed, paths) if paths else frozenset()

    async def _subscribe(self, watched: Sequence[str]) -> Subscription | None:
        """None when there is nothing to wait on: a folder just vanished, or polling takes over."""
        folders = [self._root / folder for folder in watched]
        try:
            return await asyncio.to_thread(self._tools.subscribe, folders)
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001  (watchfiles raises a plain Exception subclass)
            self._poll_because(*_explained(error))
            return None

    async def _rescan_settled(self) -> frozenset[str]:
        changed = await self._rescan()
        await self._settle(changed)
        await self._changed(changed)
        return changed

    async def _settle(self, paths: frozenset[str]) -> None:
        """Wait until none of these files is being written any more."""
        before = await asyncio.to_thread(self._contents.stamps, paths)
        for _ in range(_QUIET_ROUNDS if any(map(self._contents.counts, paths)) else 0):
            await self._tools.pause(_QUIET)
            now = await asyncio.to_thread(self._contents.stamps, paths)
            if now == before:
                return
            before = now

    def _poll_because(self, reason: str, fix: str) -> None:
        self.polling = True
        if self._notice is not None:
            self._notice(Problem(f"watching by polling: {reason}", str(self._root), fix))

    def _relative(self, batch: frozenset[str]) -> frozenset[str]:
        """Relative paths; the root itself (when it was deleted) is an empty one."""
        root = str(self._root)
        return frozenset(path[len(root) + 1 :].replace(os.sep, "/") for path in batch)

    def _is_structure(self, path: str) -> bool:
        """A folder that came or went, or a changed .gitignore: what counts is another set now."""
        return (
            path.rpartition("/")[2] == ".gitignore"
            or path in self._contents.folders
            or self._contents.would_enter(path)
        )


def network_file_system(root: Path, mounts: str) -> str | None:
    """The type of the network file system a folder lies on, None for a local one.

    `mounts` is the text of /proc/self/mountinfo; where there is none (not Linux) it is empty.
    """
    best, kind = "", None
    for line in mounts.splitlines():
        left, separator, right = line.partition(" - ")
        fields = left.split()
        if not separator or len(fields) < 5 or not right.split():
            continue
        point = fields[4].encode().decode("unicode_escape")
        if root.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, right.split()[0]
    network = kind in _NETWORK_FILE_SYSTEMS or (kind or "").startswith(_NETWORK_FUSE)
    return kind if network else None


def _explained(error: Exception) -> tuple[str, str]:
    text = str(error)
    if "watch limit" in text or "No space left" in text:
        return (
            "the system's limit of watched folders is reached (fs.inotify.max_user_watches)",
            "sudo sysctl fs.inotify.max_user_watches=524288",
        )
    if "Too many open files" in text:
        return (
            "the system's limit of watchers is reached (fs.inotify.max_user_instances)",
            "sudo sysctl fs.inotify.max_user_instances=512",
        )
    return f"file events do not work here ({text})", "nothing to do; changes show after a second"


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def read_mounts() -> str:
    """The text of /proc/self/mountinfo, empty where there is none."""
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


class _Inotify:
    """watchfiles' own backend: used directly because `awatch` does not say when it is armed."""

    def __init__(self, folders: Sequence[Path]) -> None:
        from watchfiles._rust_notify import RustNotify

        self._notify = RustNotify(
            watch_paths=[str(folder) for folder in folders],
            debug=False,
            force_polling=False,
            poll_delay_ms=0,
            recursive=False,
            ignore_permission_denied=False,  # it would swallow every other error as well
        )

    def wait(self, stop: threading.Event) -> frozenset[str]:
        answer = self._notify.watch(_DEBOUNCE, _STEP, _WAKE, stop)
        if isinstance(answer, str):
            return frozenset()
        return frozenset(path for _, path in answer)

    def close(self) -> None:
        self._notify.close()
