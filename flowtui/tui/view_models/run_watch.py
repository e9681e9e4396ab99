"""One run as it is looked at again and again: its states, its task runs, its log."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from flowtui.agents.waiting import Takers
from flowtui.models import JsonObject, Problem
from flowtui.run_models import FlowRun, RunLine, RunState, StateChange, TaskRun
from flowtui.runs.listing import MOVING, moves
from flowtui.runs.tasks import NodeState, node_states, task_names
from flowtui.tui.logs.run_log import RunLog

if TYPE_CHECKING:
    from flowtui.tui.looks.graph import DrawnGraph

LATE_LINES = 35.0
"""Seconds that a run is looked at after its end: flow processes send their last lines late, and
one that writes thousands of lines in a moment is ahead of its server by half a minute."""
SLICE = 1_000
"""Lines that go into the log before keys are heard again: some milliseconds."""
_SLOWER = 5.0
"""Seconds between two looks at what does not move, or only its log may."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a run brought."""

    run: FlowRun
    states: tuple[StateChange, ...]
    tasks: tuple[TaskRun, ...]
    lines: tuple[RunLine, ...]
    takers: Takers | None = None
    """None where they were not asked for."""


@dataclass(slots=True)
class RunWatch:
    """What is known of one run. Only the handler of its looks changes it."""

    id: str
    run: FlowRun | None = None
    states: tuple[StateChange, ...] = ()
    tasks: tuple[TaskRun, ...] = ()
    takers: Takers | None = None
    """None until they were asked for, as they are for a run that waits."""
    log: RunLog = field(default_factory=RunLog)
    serialized: JsonObject | None = None
    """Of the flow version, for the graph and the order of tasks."""
    described: bool = False
    """Whether the serialization was asked for, also where there is none."""
    drawn: DrawnGraph | None = None
    """The graph of its tasks, with room for their states."""
    nodes: Mapping[str, NodeState] = field(default_factory=dict[str, NodeState])
    """How each task stands, by slug."""
    answered: datetime | None = None
    failures: int = 0
    problem: Problem | None = None
    """Why the last look failed; what is shown is of before."""
    gone: bool = False
    """The control plane does not know this run."""
    looked: bool = False
    """It was looked at in full at least once."""
    _coming: deque[RunLine] = field(default_factory=deque[RunLine])
    """Lines that came and are not in the log yet."""

    def take(self, look: Look, now: datetime) -> bool:
        """What a look brought; True when the run came to its end with it."""
        before = self.run if self.looked else None
        self.run, self.states, self.tasks = look.run, look.states, look.tasks
        if look.takers is not None:
            self.takers = look.takers
        self.nodes = node_states(look.tasks)
        self._coming.extend(look.lines)
        self.answered, self.failures, self.problem, self.looked = now, 0, None, True
        return before is not None and not before.kind.is_over and look.run.kind.is_over

    def take_lines(self) -> bool:
        """Some of the lines that came go into the log; True when that was all."""
        some = [self._coming.popleft() for _ in range(min(len(self._coming), SLICE))]
        if some:
            self.log.add(some, task_names(self.tasks))
        return not self._coming

    def fail(self, problem: Problem) -> None:
        self.failures += 1
        self.problem = problem

    @property
    def over(self) -> bool:
        return self.run is not None and self.run.kind.is_over


def seconds_until_next(run: FlowRun, now: datetime, *, over_for: float) -> float | None:
    """Until the next look at a run that was told so; None when nothing more is to come.

    `over_for` is how long it has been seen to be over, in seconds.
    """
    if run.kind.is_over:
        return _SLOWER if over_for < LATE_LINES else None
    return MOVING if moves(run, now) else _SLOWER


def waits(run: FlowRun) -> bool:
    return run.kind is RunState.PLANNED
