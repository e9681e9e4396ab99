"""Pythons that have imported Prefect already, for work that needs many of them.

Importing Prefect 2 or 3 takes a second of a processor; a fork of a process that has done so takes
hundredths. Each program still has a fresh process of its own, in which nothing of the user's ran
before.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import tempfile
from asyncio import subprocess
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flowtui import child_processes

_PARENT = Path(__file__).with_name("warm_parent.py")
_READY_SECONDS = 60.0
_MARK = "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"
"""Set for every program that imports a Prefect 2 or 3 here, and for no other."""
_OWN = frozenset({"PREFECT_HOME"})
"""Differs from one program to the next without a difference to what Prefect is."""


@contextlib.asynccontextmanager
async def warm_pythons() -> AsyncGenerator[None]:
    """Within it, programs that import a Prefect 2 or 3 are forked."""
    pythons = WarmPythons()
    before = child_processes.started_by.set(pythons.start)
    try:
        yield
    finally:
        child_processes.started_by.reset(before)
        await pythons.close()


@dataclass(frozen=True, slots=True)
class _Program:
    executable: str
    source: str
    folder: str
    """First on `sys.path`."""
    argv: tuple[str, ...]

    @classmethod
    def of(cls, command: Sequence[str]) -> _Program | None:
        """`python [-B] [-u] SCRIPT`, or `python -c SOURCE ARGUMENTS`; None for all else."""
        executable, *words = command
        while words and words[0] in ("-B", "-u"):
            del words[0]
        if not words:
            return None
        if words[0] == "-c" and len(words) > 1:
            return cls(executable, words[1], "", ("-c", *words[2:]))
        script = Path(words[0])
        if script.suffix != ".py":
            return None
        text = script.read_text(encoding="utf-8")
        return cls(executable, text, str(script.parent), tuple(words))


class _Forked:
    """A child of a warm Python, as `child_processes` knows processes."""

    def __init__(self, pid: int, status: asyncio.StreamReader) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    async def wait(self) -> int:
        if self.returncode is None:
            line = await self._status.readline()
            self.returncode = int(line) if line else -signal.SIGKILL
        return self.returncode


@dataclass(slots=True)
class _Parent:
    process: subprocess.Process
    channel: socket.socket
    home: tempfile.TemporaryDirectory[str]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def fork(
        self, program: _Program, descriptors: Sequence[int], cwd: str, env: Mapping[str, str]
    ) -> _Forked | None:
        asked = {
            "argv": program.argv,
            "source": program.source,
            "folder": program.folder,
            "cwd": cwd,
            "env": dict(env),
        }
        content = json.dumps(asked).encode()
        status, tells = os.pipe()
        try:
            async with self.turn:
                await asyncio.to_thread(self._send, content, [*descriptors, tells])
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
        return _Forked(int(line), reader) if line else None

    def _send(self, content: bytes, descriptors: list[int]) -> None:
        socket.send_fds(self.channel, [struct.pack("!I", len(content))], descriptors)
        self.channel.sendall(content)

    async def end(self) -> None:
        self.channel.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        await asyncio.to_thread(self.home.cleanup)


class WarmPythons:
    """One for each interpreter and environment, started when it is first needed.

    `start` is for `child_processes.started_by`; where a program cannot be forked (no such Prefect,
    no fork), it says None, and a process is started as ever.
    """

    def __init__(self) -> None:
        self._parents: dict[object, asyncio.Future[_Parent | None]] = {}

    async def start(
        self,
        command: Sequence[str],
        *,
        stdin: int,
        stdout: int,
        stderr: int,
        cwd: str,
        env: Mapping[str, str],
    ) -> child_processes.Process | None:
        """None where it has to be started as ever."""
        meant = _MARK in env and hasattr(os, "fork")
        program = await asyncio.to_thread(_Program.of, command) if meant else None
        if program is None:
            return None
        parent = await self._parent(program.executable, env)
        if parent is None:
            return None
        return await parent.fork(program, (stdin, stdout, stderr), cwd, env)

    async def _parent(self, executable: str, env: Mapping[str, str]) -> _Parent | None:
        same = {name: value for name, value in env.items() if name not in _OWN}
        key = (executable, frozenset(same.items()))
        if key not in self._parents:
            self._parents[key] = asyncio.ensure_future(_started(executable, same))
        return await asyncio.shield(self._parents[key])

    async def close(self) -> None:
        """End them; what they forked goes on to its end."""
        for starting in self._parents.values():
            starting.cancel()
        for each in await asyncio.gather(*self._parents.values(), return_exceptions=True):
            if isinstance(each, _Parent):
                await each.end()


async def _started(executable: str, env: Mapping[str, str]) -> _Parent | None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    home = tempfile.TemporaryDirectory(prefix="flowtui-warm-", ignore_cleanup_errors=True)
    with theirs:
        try:
            process = await asyncio.create_subprocess_exec(
                *(executable, "-B", "-u", str(_PARENT), str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd=home.name,
                env={**env, "PREFECT_HOME": home.name},
                start_new_session=True,
                preexec_fn=child_processes.end_with_parent(),
            )
        except OSError:
            ours.close()
            home.cleanup()
            return None
    parent = _Parent(process, ours, home)
    ours.setblocking(False)
    try:
        async with asyncio.timeout(_READY_SECONDS):
            ready = await asyncio.get_running_loop().sock_recv(ours, 1)
    except (OSError, TimeoutError):
        ready = b""
    except asyncio.CancelledError:
        await parent.end()
        raise
    ours.setblocking(True)
    if ready:
        return parent
    await parent.end()
    return None
