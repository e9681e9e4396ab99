"""A run as it goes on: its states and log lines, each once, until it is over."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from flowtui.agents.takers import reasons as reasons_of
from flowtui.agents.takers import takers
from flowtui.agents.waiting import Waiting
from flowtui.api.base import ControlPlane
from flowtui.api.log_tail import LogTail
from flowtui.cli.run_lines import LineFilter
from flowtui.errors import ControlPlaneError, ExitCode
from flowtui.models import Ability, Problem
from flowtui.run_models import FlowRun, RunLine, RunState, StateChange
from flowtui.runs.listing import moves
from flowtui.runs.tasks import task_names

_MOVING, _STILL = 1.0, 5.0
"""Seconds between looks at a run that may change at any moment, and at one that is due later."""
_WHY_AFTER = 5.0
"""Seconds of waiting after which the reason is told."""
_TROUBLE = 120.0
"""Seconds that a control plane may be away: a server that is started again takes a while."""
_LAST_LINES = 8.0
"""Seconds after a run's end in which its last lines may come: Prefect sends them every 5."""
_BEHIND = 30.0
"""The same with Prefect 2 and 3, while its last words are missing: a run that writes thousands of
lines in a moment is ahead of its server."""
_FRESH = timedelta(seconds=30)
"""A run that ended longer ago has no lines on their way; clocks may differ a little."""
_LAST_WORDS = re.compile(r"Flow run [A-Z]+: ")
"""How the log of a run ends, from Prefect 0.6 to 1.4."""
_NEARLY_THE_END = re.compile(r"Finished in state |Crash detected!")
"""In Prefect 2 and 3: a traceback, and what the worker says of the process, may come after it."""
_ONE_MORE = 2.5
"""Seconds in which they come: Prefect 2 and 3 send lines every 2."""


class Shown(Protocol):
    """Who is told what happens."""

    def state(self, change: StateChange) -> None: ...
    def line(self, line: RunLine, label: str = "") -> None:
        """`label` is the name of the task that wrote it, where that was asked for."""
        ...

    def waiting(self, reasons: Sequence[Waiting]) -> None: ...
    def trouble(self, problem: Problem) -> None:
        """The control plane does not answer; asking goes on."""
        ...


class Following:
    """Follows one run. Clocks and pauses are given, so that tests need none."""

    def __init__(
        self,
        control_plane: ControlPlane,
        run: FlowRun,
        shown: Shown,
        *,
        abilities: frozenset[Ability],
        lines: LineFilter,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._control_plane = control_plane
        self._run = run
        self._shown = shown
        self._abilities = abilities
        self._details = Ability.TELL_RUN_DETAILS in abilities
        self._agents = Ability.TELL_AGENTS in abilities
        self._wanted = lines
        self._names: dict[str, str] = {}
        self._unshown: list[RunLine] = []
        self._pause = pause
        self._seconds = seconds
        self._tail = LogTail(control_plane, run.id)
        self._told: set[tuple[datetime, str]] = set()
        self._looked: FlowRun | None = None
        self._reasons: tuple[Waiting, ...] = ()
        self._waits_since: float | None = None
        self._said_the_end = self._nearly_said = False

    async def to_the_end(self) -> FlowRun:
        """The run as it ended. Raises ControlPlaneError when it is gone, or the control plane is
        away for too long, and CredentialsError."""
        away_since: float | None = None
        while True:
            try:
                await self._look()
                if self._run.kind.is_over:
                    await self._last_lines()
                    return self._run
                await self._say_why()
                away_since = None
            except ControlPlaneError as error:
                if isinstance(error, _GoneError):
                    raise
                now = self._seconds()
                if away_since is None:
                    away_since = now
                    self._shown.trouble(error.problem)
                elif now - away_since > _TROUBLE:
                    raise
            soon = moves(self._run, datetime.now(UTC))
            await self._pause(_MOVING if soon else _STILL)

    async def _look(self) -> None:
        run = await self._control_plane.flow_run(self._run.id)
        if run is None:
            raise _GoneError(
                "the run is gone: somebody deleted it, or its project",
                where=f"{self._control_plane.api_url}: run {self._run.id}",
            )
        changes = await self._changes(run)
        if self._details:
            self._unshown += await self._tail.more()
        self._run = run
        await self._show(changes)
        # Only now: what a look that failed half way did not show is shown by the next.
        self._looked = replace(run, heartbeat=None)

    async def _changes(self, run: FlowRun) -> tuple[StateChange, ...]:
        if self._looked == replace(run, heartbeat=None):
            return ()
        if self._details:
            return await self._control_plane.run_states(run.id)
        if self._looked is not None and self._looked.state == run.state:
            return ()
        return (StateChange(datetime.now(UTC), run.state, run.message),)

    async def _show(self, changes: Sequence[StateChange] = ()) -> None:
        writers = {line.task_run_id for line in self._unshown} - {""}
        if self._wanted.task and not writers <= self._names.keys():
            self._names = task_names(await self._control_plane.task_runs(self._run.id))
        new = [change for change in changes if (change.moment, change.state) not in self._told]
        self._told.update((change.moment, change.state) for change in new)
        happened: list[StateChange | RunLine] = [*new, *self._unshown]
        self._unshown.clear()
        for each in sorted(happened, key=lambda each: each.moment):
            if isinstance(each, StateChange):
                self._shown.state(each)
                continue
            self._said_the_end |= bool(_LAST_WORDS.match(each.text))
            self._nearly_said |= bool(_NEARLY_THE_END.match(each.text))
            label = self._names.get(each.task_run_id, "")
            if self._wanted.takes(each, label):
                self._shown.line(each, label)

    async def _say_why(self) -> None:
        if self._run.kind is not RunState.PLANNED:
            self._waits_since, self._reasons = None, ()
            return
        now = self._seconds()
        if self._waits_since is None:
            self._waits_since = now
        due = self._run.state_start
        later = due is not None and due > datetime.now(UTC)
        if not self._agents or (now - self._waits_since < _WHY_AFTER and not later):
            return
        known = await takers(self._control_plane, self._abilities)
        reasons = reasons_of(self._run, known, datetime.now(UTC))
        if [each.kind for each in reasons] != [each.kind for each in self._reasons]:
            self._reasons = reasons
            self._shown.waiting(reasons)

    async def _last_lines(self) -> None:
        if not self._details:
            return
        ended = self._run.ended or datetime.now(UTC)
        is_fresh = datetime.now(UTC) - ended < _FRESH and self._run.started is not None
        ends_in_words = self._run.state in ("Completed", "Failed")
        longest = _BEHIND if ends_in_words else _LAST_LINES
        until = self._seconds() + (longest if is_fresh else 0.0)
        said_at: float | None = None
        while not self._said_the_end and self._seconds() < until:
            if self._nearly_said and said_at is None:
                said_at = self._seconds()
                until = min(until, said_at + _ONE_MORE)
            await self._pause(_MOVING)
            self._unshown += await self._tail.more()
            await self._show()
        self._unshown += await self._tail.rest()
        await self._show()


class _GoneError(ControlPlaneError):
    """The run does not exist any more: asking again does not help."""


def exit_code(run: FlowRun) -> ExitCode:
    """What a run's end comes to for a script."""
    if run.kind is RunState.CANCELLED:
        return ExitCode.RUN_CANCELLED
    return ExitCode.OK if run.kind is RunState.GOOD else ExitCode.FAILED
