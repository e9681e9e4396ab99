"""A real Prefect agent or worker as a child process: started, watched, started again, stopped.

Whatever happens to flowtui, its agents end: asked when it stops them, by the kernel when it is
killed. Flow processes that a local agent started are not the agent: they go on to their end, as
Prefect means it, and the control plane hears of it. A worker sees its own to their end before it
ends: Prefect's would kill them.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import signal
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

from flowtui import paths
from flowtui.agents import child
from flowtui.agents.diagnosis import why_it_died
from flowtui.agents.events import (
    AgentDied,
    AgentEnd,
    AgentEvent,
    AgentGaveUp,
    AgentLine,
    AgentReady,
    AgentStarted,
    AgentStopped,
)
from flowtui.agents.kinds import AgentKind
from flowtui.agents.launch import Launch
from flowtui.agents.output import AgentOutput
from flowtui.agents.restarting import Death, pause_before_restart
from flowtui.agents.session import end_session, flow_processes
from flowtui.deploy.events import Level
from flowtui.deploy.uncancelled import uncancelled
from flowtui.errors import FlowtuiError

Tell = Callable[[AgentEvent], None]
Prepare = Callable[[Tell], Awaitable[Launch]]
"""Finds out how to start the agent, telling what it makes first. Raises FlowtuiError."""

INTERRUPT_SECONDS = 15.0
"""An agent that is asked to stop finishes starting the runs that it took."""
TERMINATE_SECONDS = 3.0
DRAIN_TRIES, DRAIN_PAUSE = 20, 1.0
"""A worker that is stopped at once waits for the last words of its flow processes: so often, so
many seconds."""
_LAST_LINES = 60
_LOG_FILES_KEPT = 20
_READY = re.compile(r"Waiting for flow runs|^Worker '.*' started!")


class AgentProcess:
    """One agent of ours. `run` returns when it was stopped, or is not worth another start.

    Every event goes to `tell`, in the event loop; the last one is also what `run` returns.
    """

    def __init__(
        self,
        kind: AgentKind,
        prepare: Prepare,
        tell: Tell,
        *,
        drains: bool = False,
        log_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`drains`: asked to stop, it first sees the runs that it has to their end."""
        self.kind = kind
        self._drains = drains
        self.log_file = log_file or new_log_file(kind)
        """All that it writes, across restarts; readable by the owner only."""
        self._prepare = prepare
        self._tell = tell
        self._clock = clock
        self._stop = asyncio.Event()
        self._at_once = asyncio.Event()
        self._process: Process | None = None
        self._ready_since: float | None = None
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def stop(self, *, at_once: bool = False) -> None:
        """Ask it to end; `run` returns when it has. `at_once` gives it no time to finish."""
        self._stop.set()
        if at_once:
            self._at_once.set()

    async def run(self) -> AgentEnd:
        """Start it, and start it again when it dies. Cancelling stops it too."""
        deaths: list[Death] = []
        await asyncio.to_thread(_remove_old_logs, self.log_file.parent)
        while not self._stop.is_set():
            status, error = await self._live(len(deaths) + 1)
            if self._stop.is_set() or error is None:
                break
            never_started = self._process is None
            reason = error.problem.what
            deaths.append(Death(self._worked(), reason))
            pause = None if never_started else pause_before_restart(deaths)
            if pause is None:
                return self._end(AgentGaveUp.of(error))
            self._tell(AgentDied(status=status, reason=reason, restart_in=pause))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
        return self._end(AgentStopped(flow_runs_left=await self._flow_runs_left()))

    async def _live(self, attempt: int) -> tuple[int | None, FlowtuiError | None]:
        """One life of the agent: how its process ended, and why. (None, …) without a process."""
        self._last_lines.clear()
        self._ready_since = None
        try:
            launch = await self._unless_stopped(self._prepare(self._tell))
        except FlowtuiError as error:
            return None, error
        if launch is None:
            return None, None
        status = await self._run_once(launch, attempt)
        return status, why_it_died(launch, status, tuple(self._last_lines))

    def _worked(self) -> float:
        return 0.0 if self._ready_since is None else self._clock() - self._ready_since

    def _end(self, event: AgentEnd) -> AgentEnd:
        self._tell(event)
        return event

    async def _unless_stopped(self, work: Awaitable[Launch]) -> Launch | None:
        """The result, or None as soon as it is to stop."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            for each in (task, stopped):
                each.cancel()
            await asyncio.wait({task, stopped})

    async def _run_once(self, launch: Launch, attempt: int) -> int:
        output = AgentOutput(self.log_file, self._line)
        try:
            process = await child.start(
                launch.command,
                cwd=launch.folder,
                env=launch.environment,
                output=output,
                end=self._ended,
            )
        except OSError as error:
            self._line(f"it does not start: {error}", Level.ERROR)
            return 127
        self._process = process
        self._tell(
            AgentStarted(
                pid=process.pid,
                prefect=launch.prefect_version,
                python=launch.command[0],
                api_url=launch.api_url,
                attempt=attempt,
            )
        )
        reading = asyncio.create_task(output.follow())
        try:
            await self._until_over(process)
        except asyncio.CancelledError:
            if self._drains:  # nobody is there to wait for its runs
                self._at_once.set()
            raise
        finally:
            await uncancelled(child.finish(process, output, reading, self._ended))
        return process.returncode if process.returncode is not None else 0

    async def _until_over(self, process: Process) -> None:
        """Until it has ended or is to stop."""
        over = asyncio.ensure_future(process.wait())
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({over, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            stopped.cancel()

    async def _ended(self, process: Process) -> None:
        if self._drains:
            await self._drained(process)
        else:
            await child.interrupt(
                process,
                self._at_once,
                interrupted=INTERRUPT_SECONDS,
                terminated=TERMINATE_SECONDS,
            )
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        if self.kind not in (AgentKind.LOCAL, AgentKind.PROCESS):
            # What is left are copies of containers' logs.
            await asyncio.to_thread(end_session, process.pid)

    async def _drained(self, process: Process) -> None:
        """SIGTERM, and as long as its runs take; then SIGINT ends those (see `worker_launcher`)."""
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await child.until_over(process, self._at_once, None)
        # Again and again: one that comes before it has dealt with the SIGTERM counts as that.
        for _ in range(DRAIN_TRIES):
            if process.returncode is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), DRAIN_PAUSE)

    async def _flow_runs_left(self) -> int:
        if self._process is None or self.kind is not AgentKind.LOCAL:
            return 0
        return len(await asyncio.to_thread(flow_processes, self._process.pid))

    def _line(self, text: str, level: Level) -> None:
        self._last_lines.append(text)
        self._tell(AgentLine(text=text, level=level))
        if _READY.search(text) and self._process is not None:
            self._ready_since = self._clock()
            self._tell(AgentReady(pid=self._process.pid))


def new_log_file(kind: AgentKind) -> Path:
    """The path of a file for one agent alone."""
    moment = time.strftime("%Y%m%d-%H%M%S")
    return paths.logs_dir() / "agents" / f"{kind}-{moment}-{secrets.token_hex(3)}.log"


def _remove_old_logs(folder: Path) -> None:
    for old in sorted(folder.glob("*.log"), key=_changed)[:-_LOG_FILES_KEPT]:
        old.unlink(missing_ok=True)


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
