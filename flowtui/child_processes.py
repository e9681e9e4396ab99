"""Runs a command in a session of its own; when it is over, nothing of that session is left."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from asyncio import subprocess
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

Take = Callable[[bytes], None]


class Process(Protocol):
    """The leader of a session of its own."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...


class Start(Protocol):
    """Another way to start a command; None for one that it is not meant for."""

    async def __call__(
        self,
        command: Sequence[str],
        *,
        stdin: int,
        stdout: int,
        stderr: int,
        cwd: str,
        env: Mapping[str, str],
    ) -> Process | None: ...


_TERM_GRACE = 0.4
"""Seconds between SIGTERM and SIGKILL."""
_DRAIN = 0.5
"""Seconds to read what is left in a pipe when a stray child still holds it open."""
_PR_SET_PDEATHSIG = 1


async def run(
    command: Sequence[str],
    *,
    cwd: Path | str,
    env: Mapping[str, str],
    on_output: Take,
    on_errors: Take | None = None,
    stdin: IO[bytes] | None = None,
    time_limit: float,
    start: Start | None = None,
) -> int:
    """Run a command to its end; gives its exit status, -n when signal n ended it.

    `on_output` gets standard output in pieces, and standard error as well without `on_errors`;
    without `stdin` there is no input. `time_limit` is in seconds; `start` is another way to start
    it. At the limit, when cancelled, and for what the command left behind: SIGTERM, then SIGKILL to
    the whole process group.
    Raises TimeoutError, and OSError when the command does not start.
    """
    # Pipes of our own: asyncio's `wait` waits for its pipes to close, and a daemon that the
    # command left behind may hold them open.
    readers: list[asyncio.Task[None]] = []
    write_ends: list[int] = []
    try:
        try:
            for take in (on_output, on_errors):
                if take is not None:
                    read_end, write_end = os.pipe()
                    write_ends.append(write_end)
                    readers.append(asyncio.create_task(_read(read_end, take)))
            process = await _started(
                _start(command, stdin, write_ends, cwd=cwd, env=env, start=start)
            )
        finally:
            for write_end in write_ends:
                os.close(write_end)
        try:
            async with asyncio.timeout(time_limit):
                return await process.wait()
        finally:
            await _end_group(process)
    finally:
        await _drained(readers)


async def _start(
    command: Sequence[str],
    stdin: IO[bytes] | None,
    write_ends: Sequence[int],
    *,
    cwd: Path | str,
    env: Mapping[str, str],
    start: Start | None,
) -> Process:
    if start is not None:
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            made = await start(
                command,
                stdin=nothing if stdin is None else stdin.fileno(),
                stdout=write_ends[0],
                stderr=write_ends[-1],
                cwd=str(cwd),
                env=env,
            )
        finally:
            os.close(nothing)
        if made is not None:
            return made
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=write_ends[0],
        stderr=write_ends[-1],
        cwd=cwd,
        env=env,
        start_new_session=True,
    )


async def _started(starting: Coroutine[Any, Any, Process]) -> Process:
    task = asyncio.ensure_future(starting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        # It may run already and have children; asyncio would end the process alone.
        with contextlib.suppress(OSError):
            await _end_group(await task)
        raise


async def _read(read_end: int, take: Take) -> None:
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(read_end, "rb", 0)
    )
    try:
        while piece := await stream.read(65536):
            take(piece)
    finally:
        transport.close()


async def _end_group(process: Process) -> None:
    try:
        if process.returncode is None:
            _signal_group(process, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TERM_GRACE):
                    await process.wait()
    finally:
        _signal_group(process, signal.SIGKILL)
        await process.wait()


def _signal_group(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


async def _drained(readers: Sequence[asyncio.Task[None]]) -> None:
    """Wait for the end of the output, not for ever: a stray child may keep a pipe open."""
    if not readers:
        return
    await asyncio.wait(readers, timeout=_DRAIN)
    for reader in readers:
        reader.cancel()
    await asyncio.wait(readers)
    for reader in readers:
        if not reader.cancelled():
            reader.result()


def end_with_parent() -> Callable[[], None] | None:
    """A `preexec_fn` for a child that must not outlive this process, not even after kill -9.

    Linux can do that; elsewhere None.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask_the_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask_the_kernel
