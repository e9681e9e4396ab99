"""A real `prefect server` as a child process: started, watched, started again, stopped.

Whatever happens to flowtui, it ends: asked when flowtui stops it, by the kernel when flowtui is
killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

from flowtui import paths
from flowtui.agents import child
from flowtui.agents.output import AgentOutput
from flowtui.agents.restarting import Death, pause_before_restart
from flowtui.deploy.events import Level
from flowtui.deploy.uncancelled import uncancelled
from flowtui.errors import FlowtuiError
from flowtui.prefect_server.diagnosis import ServerDeath, why_it_ended
from flowtui.prefect_server.events import (
    ServerDied,
    ServerEnd,
    ServerEvent,
    ServerGaveUp,
    ServerLine,
    ServerReady,
    ServerStarted,
    ServerStopped,
)
from flowtui.prefect_server.launch import PrefectServerLaunch

READY_SECONDS = 180.0
"""A new database takes half a minute on a busy machine; a migration of a large one longer."""
INTERRUPT_SECONDS = 20.0
TERMINATE_SECONDS = 3.0
_LAST_LINES = 80
_PAUSE, _LONGEST_PAUSE = 0.1, 1.0

Answers = Callable[[], Awaitable[bool]]


def log_file(profile: str) -> Path:
    """All that the server of this profile writes, across starts; readable by the owner only."""
    return paths.logs_dir() / f"{profile}-server.log"


class PrefectServerProcess:
    """One server. `run` returns when it was stopped, or is not worth another start.

    Every event goes to `tell`, in the event loop; the last one is also what `run` returns.
    """

    def __init__(
        self,
        launch: PrefectServerLaunch,
        answers: Answers,
        tell: Callable[[ServerEvent], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`answers` asks the server's address whether it is healthy."""
        self._launch = launch
        self._answers = answers
        self._tell = tell
        self._clock = clock
        self._stop = asyncio.Event()
        self._at_once = asyncio.Event()
        self._ready_since: float | None = None
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self.log_file = log_file(launch.profile)

    def stop(self, *, at_once: bool = False) -> None:
        """Ask it to end; `run` returns when it has. `at_once` gives it no time to finish."""
        self._stop.set()
        if at_once:
            self._at_once.set()

    async def run(self) -> ServerEnd:
        """Start it, and start it again when it dies. Cancelling stops it too."""
        deaths: list[Death] = []
        while not self._stop.is_set():
            status, death = await self._live(len(deaths) + 1)
            if self._stop.is_set():
                break
            worked = 0.0 if self._ready_since is None else self._clock() - self._ready_since
            reason = death.error.problem.what
            deaths.append(Death(worked, reason))
            # One that never answered has something that a person must see to.
            never = all(not each.worked for each in deaths)
            pause = None if death.lasting or never else pause_before_restart(deaths)
            if pause is None:
                return self._end(ServerGaveUp.of(death.error))
            self._tell(ServerDied(status=status, reason=reason, restart_in=pause))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
        return self._end(ServerStopped())

    def _end(self, event: ServerEnd) -> ServerEnd:
        self._tell(event)
        return event

    async def _live(self, attempt: int) -> tuple[int, ServerDeath]:
        """One life of the server: how its process ended, and why."""
        self._last_lines.clear()
        self._ready_since = None
        output = AgentOutput(self.log_file, self._line)
        try:
            process = await child.start(
                self._launch.command,
                cwd=self._launch.home,
                env=self._launch.environment,
                output=output,
                end=self._ended,
            )
        except OSError as error:
            return 127, ServerDeath(
                FlowtuiError(
                    f"Prefect's server does not start: {error}", where=self._launch.command[0]
                ),
                lasting=True,
            )
        self._tell(
            ServerStarted(
                pid=process.pid,
                prefect=self._launch.prefect_version,
                python=self._launch.interpreter.executable,
                attempt=attempt,
            )
        )
        late = False
        reading = asyncio.create_task(output.follow())
        try:
            late = not await self._until_over(process)
        finally:
            await uncancelled(child.finish(process, output, reading, self._ended))
        status = process.returncode if process.returncode is not None else 0
        return status, self._too_late() if late else self._why(status)

    def _why(self, status: int) -> ServerDeath:
        return why_it_ended(self._launch, status, tuple(self._last_lines), str(self.log_file))

    def _too_late(self) -> ServerDeath:
        error = FlowtuiError(
            f"Prefect's server did not answer within {READY_SECONDS:.0f} seconds",
            where=self._launch.api_url,
            fix=f"its log may say why: {self.log_file}",
        )
        return ServerDeath(error, lasting=True)

    async def _until_over(self, process: Process) -> bool:
        """Until it has ended or is to stop; False when it did not answer in time."""
        ready = asyncio.create_task(self._until_it_answers(process))
        ends = {
            asyncio.ensure_future(process.wait()),
            asyncio.ensure_future(self._stop.wait()),
        }
        try:
            done, _ = await asyncio.wait(
                {ready, *ends}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                return False
            if ready in done:
                ready.result()
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return True
        finally:
            for each in (ready, *ends):
                each.cancel()
            await asyncio.wait({ready, *ends})

    async def _until_it_answers(self, process: Process) -> None:
        pause = _PAUSE
        while not await self._answers():
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        self._ready_since = self._clock()
        self._tell(ServerReady(pid=process.pid, url=self._launch.api_url))

    async def _ended(self, process: Process) -> None:
        """Asked to end; what is left of its session is killed."""
        await child.interrupt(
            process,
            self._at_once,
            interrupted=INTERRUPT_SECONDS,
            terminated=TERMINATE_SECONDS,
        )
        # What listens is a child of this process.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    def _line(self, text: str, level: Level) -> None:
        self._last_lines.append(text)
        self._tell(ServerLine(text=text, level=level))
