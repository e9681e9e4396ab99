"""What happens to a Prefect server of ours, for every reader of `flowtui server --prefect3`."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import ClassVar, TypeAlias

from flowtui.deploy.events import Level
from flowtui.errors import ExitCode, FlowtuiError
from flowtui.models import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStarted:
    """Its process runs; it does not answer yet."""

    kind: ClassVar[str] = "server_started"
    at: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    pid: int
    prefect: str
    python: str
    attempt: int
    """1 for the first start, one more for each restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReady:
    """It answers."""

    kind: ClassVar[str] = "ready"
    at: float = field(default_factory=time.time)
    pid: int
    url: str
    """The address of its API: what PREFECT_API_URL takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLine:
    """One line that it wrote: cleaned, secrets masked."""

    kind: ClassVar[str] = "server_line"
    at: float = field(default_factory=time.time)
    text: str
    level: Level = Level.INFO


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDied:
    """It ended without being asked to, and is started again after a pause."""

    kind: ClassVar[str] = "server_died"
    at: float = field(default_factory=time.time)
    status: int
    """Exit status, -n when signal n ended it."""
    reason: str
    restart_in: float
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerGaveUp:
    """It is not started again: why, and what to do."""

    kind: ClassVar[str] = "server_gave_up"
    at: float = field(default_factory=time.time)
    what: str
    where: str = ""
    fix: str = ""
    exit_code: ExitCode = ExitCode.FAILED

    @classmethod
    def of(cls, error: FlowtuiError) -> ServerGaveUp:
        problem = error.problem
        return cls(
            what=problem.what,
            where=problem.where,
            fix=problem.fix,
            exit_code=ExitCode(error.exit_code),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStopped:
    """It was asked to stop, and has."""

    kind: ClassVar[str] = "server_stopped"
    at: float = field(default_factory=time.time)


ServerEvent: TypeAlias = (
    ServerStarted | ServerReady | ServerLine | ServerDied | ServerGaveUp | ServerStopped
)
ServerEnd: TypeAlias = ServerGaveUp | ServerStopped
"""The last event of a server is one of these."""


def to_json(event: ServerEvent) -> JsonObject:
    """The event as a JSON object; key `event` is its kind."""
    return {"event": event.kind, **asdict(event)}
