"""One run as it is looked at again and again: its states, its task runs, its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flowtui.models import JsonObject, Problem
from flowtui.run_models import Agent, FlowRun, RunLine, RunState, StateChange, TaskRun
from flowtui.tui.logs.run_log import RunLog
from flowtui.tui.view_models.run_list import STILL, moves, seconds_until_next_look
from flowtui.tui.view_models.task_runs import NOT_MAPPED, NodeState, node_states

LATE_LINES = timedelta(seconds=20)
"""How long after its end a run is looked at: flow processes send their last lines late."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a run brought."""

    run: FlowRun
    states: tuple[StateChange, ...]
    tasks: tuple[TaskRun, ...]
    lines: tuple[RunLine, ...]
    agents: tuple[Agent, ...] | None = None
    """None where they were not asked for."""


@dataclass(slots=True)
class RunWatch:
    """What is known of one run. Only the handler of its looks changes it."""

    id: str
    run: FlowRun | None = None
    states: tuple[StateChange, ...] = ()
    tasks: tuple[TaskRun, ...] = ()
    agents: tuple[Agent, ...] | None = None
    """None until they were asked for, as they are for a run that waits."""
    log: RunLog = field(default_factory=RunLog)
    serialized: JsonObject | None = None
    """Of the flow version, for the graph and the order of tasks."""
    described: bool = False
    """Whether the serialization was asked for, also where there is none."""
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

    def take(self, look: Look, now: datetime) -> bool:
        """What a look brought; True when the run came to its end with it."""
        before = self.run if self.looked else None
        self.run, self.states, self.tasks = look.run, look.states, look.tasks
        if look.agents is not None:
            self.agents = look.agents
        self.nodes = node_states(look.tasks)
        if look.lines:
            self.log.add(look.lines, task_names(look.tasks))
        self.answered, self.failures, self.problem, self.looked = now, 0, None, True
        return before is not None and not before.kind.is_over and look.run.kind.is_over

    def fail(self, problem: Problem) -> None:
        self.failures += 1
        self.problem = problem

    @property
    def over(self) -> bool:
        return self.run is not None and self.run.kind.is_over

    def next_look(self, now: datetime) -> float | None:
        """Seconds until the next one; None when nothing more is to come."""
        run = self.run
        if self.gone:
            return None
        if run is None or self.failures:
            return seconds_until_next_look((), max(self.failures, 1), now)
        if run.kind.is_over:
            ended = run.ended or now
            return STILL / 3 if now - ended < LATE_LINES else None
        return seconds_until_next_look((run,), 0, now) if moves(run, now) else STILL / 3


def task_names(tasks: tuple[TaskRun, ...]) -> dict[str, str]:
    """By the ids of task runs: the task's name, with the index of a mapped child."""
    return {
        task.id: task.task if task.map_index == NOT_MAPPED else f"{task.task}[{task.map_index}]"
        for task in tasks
    }


def waits(run: FlowRun) -> bool:
    return run.kind is RunState.PLANNED
