"""The embedded server as a child of this app: started with a key, ended with the app."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from flowtui import paths
from flowtui.addresses import is_loopback
from flowtui.child_processes import end_with_parent
from flowtui.errors import ControlPlaneError
from flowtui.text import clean, redact

READY_LIMIT = 20.0
"""Seconds that the server may take until it answers."""
STOP_LIMIT = 5.0
"""Seconds between asking the server to end and ending it."""


def possible(api_url: str) -> bool:
    """Whether a server started here would answer at this address."""
    parts = urlsplit(api_url)
    return parts.scheme == "http" and is_loopback(api_url) and parts.path in ("", "/")


def log_file() -> Path:
    return paths.logs_dir() / "server.log"


class EmbeddedServer:
    """One child process `python -m flowtui server`, its output in a log file."""

    def __init__(self) -> None:
        self._process: Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, api_url: str, answers: Callable[[], Awaitable[bool]]) -> None:
        """Start it on the address's port and wait until it answers.

        Raises ControlPlaneError when it ends before that or takes longer than `READY_LIMIT`.
        """
        parts = urlsplit(api_url)
        command = [sys.executable, "-m", "flowtui", "server"]
        command += ["--host", parts.hostname or "127.0.0.1", "--port", str(parts.port or 80)]
        file = log_file()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with file.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )
        try:
            async with asyncio.timeout(READY_LIMIT):
                await self._until(answers)
        except TimeoutError:
            await self.stop()
            raise ControlPlaneError(
                f"the embedded server did not answer within {READY_LIMIT:.0f} seconds",
                where=api_url,
                fix=f"see its log: {file}",
            ) from None
        except BaseException:
            await self.stop()
            raise

    async def _until(self, answers: Callable[[], Awaitable[bool]]) -> None:
        pause = 0.05
        while not await answers():
            if not self.running:
                raise ControlPlaneError(
                    f"the embedded server ended at once: {_last_line(log_file())}",
                    where=str(log_file()),
                    fix="run `flowtui server` in another terminal to see all it says",
                )
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    async def ended(self) -> None:
        """Returns when the process has ended."""
        if self._process is not None:
            await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end, then end it. Returns when it has."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_LIMIT):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _last_line(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            stream.seek(max(file.stat().st_size - 4096, 0))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return "no log"
    said = [line for line in lines if line.strip()]
    return redact(clean(said[-1])) if said else "it said nothing"
