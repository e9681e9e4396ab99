"""What happens to an agent of ours, for every reader: the agents screen, `flowtui agent start`."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import ClassVar, TypeAlias

from flowtui.deploy.events import Level
from flowtui.errors import ExitCode, FlowtuiError
from flowtui.models import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPreparing:
    """Something is made first: an environment of flowtui's own. Comes again with each step."""

    kind: ClassVar[str] = "agent_preparing"
    at: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStarted:
    """Its process runs; it has not reached the control plane yet."""

    kind: ClassVar[str] = "agent_started"
    at: float = field(default_factory=time.time)
    pid: int
    prefect: str
    python: str
    api_url: str
    """As the agent, and what it starts, reach it."""
    attempt: int
    """1 for the first start, one more for each restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReady:
    """It has reached the control plane and asks for runs."""

    kind: ClassVar[str] = "agent_ready"
    at: float = field(default_factory=time.time)
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLine:
    """One line that it wrote: cleaned, secrets masked."""

    kind: ClassVar[str] = "agent_line"
    at: float = field(default_factory=time.time)
    text: str
    level: Level = Level.INFO


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDied:
    """It ended without being asked to, and is started again after a pause."""

    kind: ClassVar[str] = "agent_died"
    at: float = field(default_factory=time.time)
    status: int | None
    """Exit status, -n when signal n ended it; None when it could not even be started again."""
    reason: str
    restart_in: float
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentGaveUp:
    """It is not started again: why, and what to do."""

    kind: ClassVar[str] = "agent_gave_up"
    at: float = field(default_factory=time.time)
    what: str
    where: str = ""
    fix: str = ""
    exit_code: ExitCode = ExitCode.FAILED
    """What a command ends with that does nothing but run this agent."""

    @classmethod
    def of(cls, error: FlowtuiError) -> AgentGaveUp:
        problem = error.problem
        return cls(
            what=problem.what,
            where=problem.where,
            fix=problem.fix,
            exit_code=ExitCode(error.exit_code),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStopped:
    """It was asked to stop, and has."""

    kind: ClassVar[str] = "agent_stopped"
    at: float = field(default_factory=time.time)
    flow_runs_left: int = 0
    """Flow processes of a local agent that go on to their end by themselves."""


AgentEvent: TypeAlias = (
    AgentPreparing | AgentStarted | AgentReady | AgentLine | AgentDied | AgentGaveUp | AgentStopped
)
AgentEnd: TypeAlias = AgentGaveUp | AgentStopped
"""The last event of an agent is one of these."""


def to_json(event: AgentEvent) -> JsonObject:
    """The event as a JSON object; key `event` is its kind."""
    return {"event": event.kind, **asdict(event)}
