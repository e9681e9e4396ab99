"""What is known of agents: those that this app started, those of the control plane, and the runs
that wait for one. Knows nothing of widgets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from flowtui.agents.events import (
    AgentDied,
    AgentEvent,
    AgentGaveUp,
    AgentLine,
    AgentPreparing,
    AgentReady,
    AgentStarted,
    AgentStopped,
)
from flowtui.agents.kinds import agent_kind
from flowtui.agents.spec import AgentSpec
from flowtui.agents.takers import reasons as reasons_of
from flowtui.agents.waiting import Takers, Waiting, WaitingKind
from flowtui.deploy.events import Level
from flowtui.models import Problem
from flowtui.run_models import Agent, FlowRun, WorkPool
from flowtui.text import clean_block, redact
from flowtui.tui.logs.store import LogStore

WAITING_STATES = (
    *("Scheduled", "Submitted", "Queued", "Paused", "Pending", "Retrying", "Resume"),
    *("Late", "AwaitingRetry", "AwaitingConcurrencySlot", "Suspended"),
    *("Submitting", "InfrastructurePending"),
)
"""A run in one of these has no process yet; which of them are due is another question."""
UNDER_WAY = ("Submitted", "Running", "Retrying", "Cancelling")
_LONG_SILENT = timedelta(days=1)
_EARLY = timedelta(minutes=2)
"""Between the clock of this machine and that of the control plane."""
_PREFECTS_NAME = "agent"
"""What an agent is called that nobody named."""


_TIME = re.compile(r"\d+ (?:s|min|h|days)\b|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class Stand(StrEnum):
    """How an agent of ours stands."""

    PREPARING = "preparing"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    GAVE_UP = "gave up"


_ENDED = (Stand.STOPPED, Stand.GAVE_UP)


@dataclass(slots=True, eq=False)
class OwnAgent:
    """An agent that this app started, and all that it said."""

    key: str
    spec: AgentSpec
    api_url: str
    """The control plane's, as this app reaches it."""
    since: float
    """When it was asked for, in seconds since the epoch."""
    log: LogStore = field(default_factory=LogStore)
    stand: Stand = Stand.PREPARING
    pid: int | None = None
    prefect: str = ""
    reached_by: str = ""
    """The address that the agent, and what it starts, was given."""
    preparing: str = ""
    restart_at: float = 0.0
    problem: Problem | None = None
    """Why it died, or was given up."""
    flow_runs_left: int = 0

    @property
    def asked_twice(self) -> bool:
        """It was asked to stop before: this time it is not waited for."""
        return self.stand is Stand.STOPPING

    @property
    def ended(self) -> bool:
        return self.stand in _ENDED

    @property
    def unwell(self) -> bool:
        return self.stand in (Stand.RESTARTING, Stand.GAVE_UP)

    @property
    def name(self) -> str:
        return self.spec.name or _PREFECTS_NAME

    def asked_to_stop(self) -> None:
        if not self.ended:
            self.stand = Stand.STOPPING

    def apply(self, event: AgentEvent) -> bool:
        """The one place where an event changes what is known; whether more than the log did."""
        match event:
            case AgentLine():
                self.log.append(event.text, event.level, event.at)
                return False
            case AgentPreparing():
                self._note(event.text, event.at)
                self.preparing = event.text
            case AgentStarted():
                again = f" (start {event.attempt})" if event.attempt > 1 else ""
                words = f"process {event.pid}: Prefect {event.prefect} for {event.api_url}{again}"
                self._note(words, event.at)
                self.pid, self.prefect, self.reached_by = event.pid, event.prefect, event.api_url
                self._stands(Stand.STARTING)
            case AgentReady():
                self.problem = None
                self._stands(Stand.RUNNING)
            case AgentDied():
                words = f"{event.reason}; starting it again in {event.restart_in:.0f} s"
                self._note(words, event.at, Level.WARNING)
                self.pid, self.problem = None, Problem(event.reason, f"agent {self.name}")
                self.restart_at = event.at + event.restart_in
                self._stands(Stand.RESTARTING)
            case AgentGaveUp():
                self._note(event.what, event.at, Level.ERROR)
                where = event.where or f"agent {self.name}"
                self.pid, self.problem = None, Problem(event.what, where, event.fix)
                self.stand = Stand.GAVE_UP
            case AgentStopped():
                self._note("stopped", event.at)
                self.pid, self.problem = None, None
                self.flow_runs_left = event.flow_runs_left
                self.stand = Stand.STOPPED
        return True

    def _note(self, text: str, at: float, level: Level = Level.INFO) -> None:
        """A line of flowtui's own between those of the agent; errors may quote others."""
        self.log.append(redact(clean_block(text)), level, at)

    def _stands(self, stand: Stand) -> None:
        """Once it is to stop, nothing but its end changes that."""
        if self.stand is not Stand.STOPPING:
            self.stand = stand

    def is_agent(self, agent: Agent) -> bool:
        """Whether the control plane means this one; it has no other way to tell."""
        if self.spec.is_worker:
            return agent.name == self.name and agent.work_pool == self.spec.work_pool
        return (
            agent.name == self.name
            and agent_kind(agent) is self.spec.kind
            and set(self.spec.labels) <= set(agent.labels)
            and agent.last_seen is not None
            and agent.last_seen > datetime.fromtimestamp(self.since, UTC) - _EARLY
        )


@dataclass(frozen=True, slots=True)
class RunQueue:
    """What the control plane told of agents and of the runs that wait for one."""

    agents: tuple[Agent, ...] = ()
    waiting: tuple[FlowRun, ...] = ()
    """Runs that are due, and the next ones that will be."""
    under_way: tuple[FlowRun, ...] = ()
    more: bool = False
    """There are more waiting runs than were read."""
    pools: tuple[WorkPool, ...] | None = None
    """None where the control plane has no work pools."""

    @property
    def takers(self) -> Takers:
        return Takers(self.agents, self.pools, self.under_way)

    def runs_of(self, agent: Agent) -> int | None:
        """Runs that it has now, None where the control plane does not tell whose runs are."""
        if not any(run.agent_id for run in self.under_way):
            return 0 if not self.under_way else None
        return sum(run.agent_id == agent.id for run in self.under_way)


@dataclass(slots=True)
class AgentBook:
    """All agents."""

    own: dict[str, OwnAgent] = field(default_factory=dict[str, OwnAgent])
    """By key, in the order they were started."""
    queue: RunQueue | None = None
    """None until it was read once."""
    problem: Problem | None = None
    """Why it could not be read."""

    @property
    def alive(self) -> tuple[OwnAgent, ...]:
        return tuple(agent for agent in self.own.values() if not agent.ended)

    def problems(self) -> tuple[Problem, ...]:
        """Of agents that are not started again."""
        return tuple(
            agent.problem
            for agent in self.own.values()
            if agent.stand is Stand.GAVE_UP and agent.problem is not None
        )

    def registered(self, own: OwnAgent) -> Agent | None:
        """What the control plane knows of an agent of ours."""
        agents = self.queue.agents if self.queue is not None else ()
        return next((agent for agent in agents if own.is_agent(agent)), None)

    def others(self) -> tuple[Agent, ...]:
        """Agents that somebody else started."""
        agents = self.queue.agents if self.queue is not None else ()
        ours = {id(agent) for own in self.own.values() if (agent := self.registered(own))}
        return tuple(agent for agent in agents if id(agent) not in ours)

    def free_name(self, wanted: str) -> str:
        """This name, or with a number: by its name alone an agent of ours is known again."""
        agents = self.queue.agents if self.queue is not None else ()
        taken = {agent.name for agent in agents} | {own.name for own in self.alive}
        numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
        return wanted if wanted not in taken else next(n for n in numbered if n not in taken)


def long_silent(agent: Agent, now: datetime) -> bool:
    """So long that it is of no more use to anybody."""
    if agent.online:
        return False
    return agent.last_seen is None or now - agent.last_seen > _LONG_SILENT


@dataclass(frozen=True, slots=True)
class WaitingGroup:
    """Runs that wait for the same reasons."""

    key: str
    reasons: tuple[Waiting, ...]
    """Of the first of them, most telling first."""
    runs: tuple[FlowRun, ...]
    """Due first comes first."""

    @property
    def kind(self) -> WaitingKind:
        return self.reasons[0].kind


_ORDER = (
    WaitingKind.NO_AGENT,
    WaitingKind.NO_WORKER,
    WaitingKind.NO_POOL,
    WaitingKind.NO_AGENT_OF_KIND,
    WaitingKind.AGENT_SILENT,
    WaitingKind.LABELS,
    WaitingKind.UNLABELLED_RUN,
    WaitingKind.ARCHIVED,
    WaitingKind.PAUSED,
    WaitingKind.LIMIT,
    WaitingKind.HELD,
    WaitingKind.TAKEN,
    WaitingKind.SOON,
    WaitingKind.NOT_DUE,
)
"""What somebody must do something about comes first."""


def waiting_groups(queue: RunQueue, now: datetime) -> tuple[WaitingGroup, ...]:
    """The waiting runs by why they wait: what needs doing first, then the largest groups."""
    found: dict[str, list[tuple[FlowRun, tuple[Waiting, ...]]]] = {}
    for run in sorted(queue.waiting, key=_due):
        reasons = reasons_of(run, queue.takers, now)
        if reasons:
            found.setdefault(_same(reasons), []).append((run, reasons))
    groups = [
        WaitingGroup(key, rows[0][1], tuple(run for run, _ in rows)) for key, rows in found.items()
    ]
    groups.sort(key=lambda group: (_ORDER.index(group.kind), -len(group.runs), group.key))
    return tuple(groups)


def _due(run: FlowRun) -> float:
    due = run.state_start or run.scheduled or run.created
    return due.timestamp() if due is not None else 0.0


def _same(reasons: Sequence[Waiting]) -> str:
    """What is the same for all runs of a group: not which of them it is, nor since when."""
    return "|".join(
        reason.kind
        if reason.kind in (WaitingKind.NOT_DUE, WaitingKind.ARCHIVED)
        else f"{reason.kind}:{_TIME.sub('#', reason.what)}:{reason.fix}"
        for reason in reasons
    )
