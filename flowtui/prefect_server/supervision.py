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
from asyncio.subprocess import DEVNULL, Process
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

from flowtui import paths
from flowtui.agents.output import AgentOutput
from flowtui.agents.restarting import Death, pause_before_restart
from flowtui.child_processes import end_with_parent
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
        starting = asyncio.ensure_future(self._started(output))
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            await uncancelled(self._end_what_starts(starting))
            raise
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
            await uncancelled(self._finish(process, output, reading))
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

    async def _started(self, output: AgentOutput) -> Process:
        descriptor = await asyncio.to_thread(output.open)
        with open(descriptor, "wb") as stream:  # noqa: ASYNC230, PTH123  (takes over the descriptor)
            return await asyncio.create_subprocess_exec(
                *self._launch.command,
                stdin=DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=self._launch.home,
                env=self._launch.environment,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )

    async def _end_what_starts(self, starting: asyncio.Future[Process]) -> None:
        """It may run already although nobody waits for it any more."""
        with contextlib.suppress(OSError):
            await self._ended(await starting)

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

    async def _finish(
        self, process: Process, output: AgentOutput, reading: asyncio.Task[None]
    ) -> None:
        """Have it ended, and all that it said read."""
        await self._ended(process)
        reading.cancel()
        await asyncio.wait({reading})
        await output.rest()

    async def _ended(self, process: Process) -> None:
        """SIGINT, as Ctrl-C would be, then SIGTERM; what is left of its session is killed."""
        for number, seconds in (
            (signal.SIGINT, INTERRUPT_SECONDS),
            (signal.SIGTERM, TERMINATE_SECONDS),
        ):
            if process.returncode is not None or self._at_once.is_set():
                break
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            await self._wait(process, seconds)
        # What listens is a child of this process.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def _wait(self, process: Process, seconds: float) -> None:
        """Until it is over, at most so long; not any longer once it is to be at once."""
        over = asyncio.ensure_future(process.wait())
        at_once = asyncio.ensure_future(self._at_once.wait())
        await asyncio.wait({over, at_once}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        at_once.cancel()

    def _line(self, text: str, level: Level) -> None:
        self._last_lines.append(text)
        self._tell(ServerLine(text=text, level=level))
