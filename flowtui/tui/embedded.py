"""A server as a child of this app: started with a key, ended with the app.

The embedded one, or the project's own of Prefect 2 and 3, which `flowtui server --prefect3` runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from flowtui import paths
from flowtui.addresses import is_loopback
from flowtui.child_processes import end_with_parent
from flowtui.errors import ControlPlaneError
from flowtui.text import clean, redact

STOP_LIMIT = 5.0
"""Seconds between asking the server to end and ending it."""


@dataclass(frozen=True, slots=True)
class ServerKind:
    """What can be started."""

    words: str
    option: str
    """Of `flowtui server`."""
    ready_limit: float
    """Seconds that it may take until it answers."""


EMBEDDED = ServerKind("the embedded server", "", 20.0)
PREFECTS = ServerKind("Prefect's own server", "--prefect3", 240.0)
_KINDS = {"": EMBEDDED, "/": EMBEDDED, "/api": PREFECTS}
"""By the path of the address."""


def kind_at(api_url: str) -> ServerKind | None:
    """The kind of server that would answer at this address if it was started here."""
    parts = urlsplit(api_url)
    if parts.scheme != "http" or not is_loopback(api_url):
        return None
    return _KINDS.get(parts.path)


def possible(api_url: str) -> bool:
    """Whether a server started here would answer at this address."""
    return kind_at(api_url) is not None


def log_file() -> Path:
    return paths.logs_dir() / "server.log"


class EmbeddedServer:
    """One child process `python -m flowtui server`, its output in a log file."""

    def __init__(self, kind: ServerKind = EMBEDDED, folder: Path | None = None) -> None:
        """`folder` is the project whose Prefect it is to be."""
        self.kind = kind
        self._folder = folder
        self._process: Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, api_url: str, answers: Callable[[], Awaitable[bool]]) -> None:
        """Start it on the address's port and wait until it answers.

        Raises ControlPlaneError when it ends before that or takes too long.
        """
        parts = urlsplit(api_url)
        command = [sys.executable, "-m", "flowtui", "server"]
        command += ["--host", parts.hostname or "127.0.0.1", "--port", str(parts.port or 80)]
        if self.kind.option:
            command += [self.kind.option, "--json"]
        file = log_file()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with file.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )
        try:
            async with asyncio.timeout(self.kind.ready_limit):
                await self._until(answers)
        except TimeoutError:
            await self.stop()
            raise ControlPlaneError(
                f"{self.kind.words} did not answer within {self.kind.ready_limit:.0f} seconds",
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
                raise self._why_it_ended()
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    def _why_it_ended(self) -> ControlPlaneError:
        said = _last_lines(log_file())
        problem = _problem_told(said) if self.kind.option else None
        if problem is not None:
            return problem
        last = redact(clean(said[-1])) if said else "it said nothing"
        command = " ".join(filter(None, ("flowtui server", self.kind.option)))
        return ControlPlaneError(
            f"{self.kind.words} ended at once: {last}",
            where=str(log_file()),
            fix=f"run `{command}` in another terminal to see all it says",
        )

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


def _last_lines(file: Path) -> list[str]:
    try:
        with file.open("rb") as stream:
            stream.seek(max(file.stat().st_size - 16_384, 0))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip()]


def _problem_told(lines: list[str]) -> ControlPlaneError | None:
    """What the last event says that is a problem."""
    for line in reversed(lines):
        if not line.startswith('{"event"'):
            continue
        try:
            told = cast("dict[str, Any]", json.loads(line))
        except ValueError:
            continue
        if told.get("event") in ("error", "server_gave_up"):
            what, where, fix = (clean(str(told.get(key) or "")) for key in ("what", "where", "fix"))
            return ControlPlaneError(what, where=where, fix=fix)
    return None
