"""Another way to start a program that imports Prefect: forked from a Python that has done so."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from flowtui import child_processes
from flowtui.errors import UsageError
from flowtui.warm.meeting import (
    KEEP,
    PREFECT,
    READY_SECONDS,
    VARIABLE,
    Warm,
    request,
    send_head,
)

_MARK = "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"
"""Set for every program that imports a Prefect 2 or 3 here, and for no other."""


def keep_seconds(environ: Mapping[str, str]) -> float:
    """How long a warm Python waits. Raises UsageError."""
    said = environ.get(VARIABLE) or str(KEEP)
    try:
        seconds = float(said)
        if 0 <= seconds < float("inf"):
            return seconds
    except ValueError:
        pass  # said below
    raise UsageError(
        f"{VARIABLE} is not a number of seconds: {said}",
        where="the environment",
        fix=f"leave it away ({KEEP:.0f}), or set it to 0 for none",
    )


@dataclass(frozen=True, slots=True)
class Program:
    """A Python program and its command line."""

    executable: str
    source: str
    folder: str
    """First on `sys.path`."""
    argv: tuple[str, ...]

    @classmethod
    def of(cls, command: Sequence[str], env: Mapping[str, str]) -> Program | None:
        """`python [-B] [-u] SCRIPT`, or `python -c SOURCE ARGUMENTS`; None for all else."""
        if _MARK not in env:
            return None
        executable, *words = command
        while words and words[0] in ("-B", "-u"):
            del words[0]
        if not words:
            return None
        if words[0] == "-c" and len(words) > 1:
            return cls(executable, words[1], "", ("-c", *words[2:]))
        script = words[0]
        if not script.endswith(".py"):
            return None
        return cls(executable, _text(script), os.path.dirname(script), tuple(words))


@cache
def _text(script: str) -> str:
    """Of one of flowtui's own programs: there are few, and they stay as they are."""
    with open(script, encoding="utf-8") as text:
        return text.read()


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


async def start_warm(
    command: Sequence[str],
    *,
    stdin: int,
    stdout: int,
    stderr: int,
    cwd: str,
    env: Mapping[str, str],
) -> child_processes.Process | None:
    """A `child_processes.Start`: forks what imports a Prefect 2 or 3.

    None, and started as ever, is what is no such program, and whatever runs elsewhere than on
    Linux or could not be forked. Raises UsageError for a bad FLOWTUI_KEEP_WARM.
    """
    if sys.platform != "linux":
        return None
    program = Program.of(command, env)
    if program is None:
        return None
    warm = Warm(PREFECT, program.executable, env, keep_seconds(os.environ))
    channel = await _ready(warm)
    if channel is None:
        return None
    forked = None
    try:
        asked = request(program.argv, program.source, program.folder, cwd, env)
        forked = await _fork(channel, asked, (stdin, stdout, stderr))
    finally:
        if forked is None:
            channel.close()
    return forked


async def _ready(warm: Warm) -> socket.socket | None:
    # The first one may be about to end, or have imported what is not on disk any more.
    for _ in range(2):
        channel = warm.connect() or await asyncio.to_thread(warm.connect_or_start)
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
        async with asyncio.timeout(READY_SECONDS):
            return bool(await asyncio.get_running_loop().sock_recv(channel, 1))
    except (OSError, TimeoutError):
        return False


async def _fork(channel: socket.socket, asked: bytes, descriptors: Sequence[int]) -> _Forked | None:
    try:
        status = send_head(channel, asked, descriptors)
    except OSError:
        return None
    try:
        await asyncio.get_running_loop().sock_sendall(channel, asked)
    except BaseException as error:
        os.close(status)
        if isinstance(error, OSError):
            return None
        raise
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(status, "rb", 0)
    )
    pid = int(await reader.readline() or 0)
    return _Forked(pid, reader, channel) if pid > 0 else None
