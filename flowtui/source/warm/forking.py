"""Asks a warm Python for a fork, and starts it where there is none."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowtui import child_processes
from flowtui.source.warm import place
from flowtui.source.warm.program import PARENT, Program, identity, read_at_start

KEEP = 600.0
"""Seconds, where nothing else is said."""
_READY_SECONDS = 60.0
_TRIED_AGAIN = 3600.0
"""Seconds after which a Python that could not be kept warm is tried again."""


class _Forked:
    """A child of a warm Python, as `child_processes` knows processes."""

    def __init__(self, pid: int, status: asyncio.StreamReader, channel: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status
        self._channel = channel

    async def wait(self) -> int:
        if self.returncode is None:
            line = await self._status.readline()
            self.returncode = int(line) if line else -signal.SIGKILL
            self._channel.close()
        return self.returncode


@dataclass(frozen=True, slots=True)
class WarmStart:
    """For `child_processes.run`: forks what imports a Prefect 2 or 3.

    None, and started as ever, is what is no such program, and whatever runs elsewhere than on
    Linux or could not be forked.
    """

    keep: float
    """Seconds that a Python waits for the next program."""

    async def __call__(
        self,
        command: Sequence[str],
        *,
        stdin: int,
        stdout: int,
        stderr: int,
        cwd: str,
        env: Mapping[str, str],
    ) -> child_processes.Process | None:
        if sys.platform != "linux":
            return None
        program = await asyncio.to_thread(Program.of, command, env)
        if program is None:
            return None
        channel = await self._ready(program.executable, env)
        if channel is None:
            return None
        forked = None
        try:
            forked = await _fork(channel, program, (stdin, stdout, stderr), cwd, env)
        finally:
            if forked is None:
                channel.close()
        return forked

    async def _ready(self, executable: str, env: Mapping[str, str]) -> socket.socket | None:
        # The first one may be about to end, or have imported what is not on disk any more.
        for _ in range(2):
            channel = await asyncio.to_thread(_connected, executable, env, self.keep)
            if channel is None:
                return None
            ready = False
            try:
                ready = await _is_ready(channel)
            finally:
                if not ready:
                    channel.close()
            if ready:
                return channel
        return None


async def _is_ready(channel: socket.socket) -> bool:
    channel.setblocking(False)
    try:
        async with asyncio.timeout(_READY_SECONDS):
            return bool(await asyncio.get_running_loop().sock_recv(channel, 1))
    except (OSError, TimeoutError):
        return False


async def _fork(
    channel: socket.socket,
    program: Program,
    descriptors: Sequence[int],
    cwd: str,
    env: Mapping[str, str],
) -> _Forked | None:
    asked = {
        "argv": program.argv,
        "source": program.source,
        "folder": program.folder,
        "cwd": cwd,
        "env": dict(env),
        "umask": _umask(),
    }
    status, tells = os.pipe()
    try:
        await asyncio.to_thread(_send, channel, json.dumps(asked).encode(), [*descriptors, tells])
    except OSError:
        os.close(status)
        return None
    finally:
        os.close(tells)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(status, "rb", 0)
    )
    line = await reader.readline()
    return _Forked(int(line), reader, channel) if line else None


def _umask() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o022


def _send(channel: socket.socket, content: bytes, descriptors: list[int]) -> None:
    channel.setblocking(True)
    socket.send_fds(channel, [struct.pack("!I", len(content))], descriptors)
    channel.sendall(content)


def _connected(executable: str, env: Mapping[str, str], keep: float) -> socket.socket | None:
    """A connection to the warm Python for these, which may still be starting."""
    folder = place.folder()
    if folder is None:
        return None
    address = folder / identity(executable, env)
    channel = _connect(address)
    if channel is not None:
        return channel
    with contextlib.suppress(OSError):
        if time.time() - address.with_suffix(".failed").stat().st_mtime < _TRIED_AGAIN:
            return None
    with _alone(address):
        return _connect(address) or _started(address, executable, env, keep)


def _connect(address: Path) -> socket.socket | None:
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        channel.connect(str(address))
    except OSError:
        channel.close()
        return None
    return channel


@contextlib.contextmanager
def _alone(address: Path) -> Generator[None]:
    """Two that need the same Python start one."""
    lock = os.open(address.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _started(
    address: Path, executable: str, env: Mapping[str, str], keep: float
) -> socket.socket | None:
    home = address.with_suffix(".home")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            home.mkdir(mode=0o700, exist_ok=True)
            address.unlink(missing_ok=True)
            listener.bind(str(address))
            listener.listen(128)
            started = subprocess.run(
                [executable, "-B", "-u", str(PARENT), str(listener.fileno()), str(keep)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
                cwd=home,
                env=read_at_start(env) | _around() | {"PREFECT_HOME": str(home)},
                start_new_session=True,
                timeout=_READY_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return _connect(address) if started.returncode == 0 else None


def _around() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "USER") if name in os.environ}
