"""The vocabulary of running: runs, their task runs, states, log lines, and agents. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from flowtui.models import Json, JsonObject


class RunState(StrEnum):
    """What a run's state comes to, whatever the control plane calls it."""

    PLANNED = "planned"
    RUNNING = "running"
    GOOD = "good"
    BAD = "bad"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether a run in such a state stays as it is."""
        return self not in (RunState.PLANNED, RunState.RUNNING)


_RUN_STATES = {
    **dict.fromkeys(("Pending", "Scheduled", "Submitted", "Queued", "Paused"), RunState.PLANNED),
    **dict.fromkeys(
        (
            "Late",
            "AwaitingRetry",
            "AwaitingConcurrencySlot",
            "Suspended",
            "Submitting",
            "InfrastructurePending",
        ),
        RunState.PLANNED,
    ),
    **dict.fromkeys(("Running", "Retrying", "Resume", "Looped", "Cancelling"), RunState.RUNNING),
    **dict.fromkeys(
        ("Success", "Cached", "Mapped", "Skipped", "Finished", "Completed"), RunState.GOOD
    ),
    "Cancelled": RunState.CANCELLED,
    "Aborted": RunState.CANCELLED,
    # Prefect 2 and 3
    **dict.fromkeys(("Late", "AwaitingRetry", "AwaitingConcurrencySlot"), RunState.PLANNED),
    **dict.fromkeys(("Submitting", "InfrastructurePending", "NotReady"), RunState.PLANNED),
    **dict.fromkeys(("Suspended", "Resuming"), RunState.PLANNED),
    **dict.fromkeys(("Completed", "RolledBack"), RunState.GOOD),
}
_STATE_TYPES = {
    "SCHEDULED": RunState.PLANNED,
    "PENDING": RunState.PLANNED,
    "PAUSED": RunState.PLANNED,
    "RUNNING": RunState.RUNNING,
    "CANCELLING": RunState.RUNNING,
    "COMPLETED": RunState.GOOD,
    "CANCELLED": RunState.CANCELLED,
    "FAILED": RunState.BAD,
    "CRASHED": RunState.BAD,
}


def kind_of(state: str, state_type: str = "") -> RunState:
    """A word that is not known here is a failure: Failed, TimedOut, TriggerFailed, …

    In Prefect 2 and 3 a flow names its states as it likes: their type says what they come to.
    """
    return _STATE_TYPES.get(state_type) or _RUN_STATES.get(state, RunState.BAD)


@dataclass(frozen=True, slots=True)
class FlowRun:
    """One run of a flow, as far as the control plane tells of it."""

    id: str
    name: str
    flow: str
    project: str
    version: int
    """Of the flow version that runs."""
    version_id: str
    state: str
    """The control plane's own word, for example `Scheduled`, `TimedOut`."""
    message: str = ""
    scheduled: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict[str, "Json"])
    labels: tuple[str, ...] = ()
    created: datetime | None = None
    auto_scheduled: bool = False
    """Whether a schedule made it, not a person."""
    run_config: JsonObject | None = None
    state_start: datetime | None = None
    """When a waiting state (Scheduled, Retrying, …) is due."""
    heartbeat: datetime | None = None
    version_archived: bool = False
    storage: JsonObject | None = None
    """Of the flow version: with `core_version` what an agent must be able to start."""
    core_version: str = ""
    agent_id: str = ""
    """The agent that took it; empty while none has, and where it is not told."""
    deployment: str = ""
    """Prefect 2 and 3: the name of the deployment it is of; empty where there is none."""
    version_label: str = ""
    """The deployment's `version` when the run was made."""
    work_pool: str = ""
    work_queue: str = ""
    tags: tuple[str, ...] = ()
    state_type: str = ""
    """Prefect 2 and 3: `COMPLETED`, … of a state, whatever its name is."""

    @property
    def flow_name(self) -> str:
        """`flow/deployment`, or the flow's name where there are no deployments."""
        return f"{self.flow}/{self.deployment}" if self.deployment else self.flow

    @property
    def version_words(self) -> str:
        """`v3`, or a deployment's own version; empty where neither is told."""
        return f"v{self.version}" if self.version else self.version_label

    @property
    def kind(self) -> RunState:
        return kind_of(self.state, self.state_type)

    def seconds(self, now: datetime) -> float | None:
        """How long it ran or has been running, None when it has not started."""
        if self.started is None:
            return None
        end = self.ended or (now if self.kind is RunState.RUNNING else None)
        return (end - self.started).total_seconds() if end is not None else None


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One task in one flow run, or one child of a mapped task."""

    id: str
    task: str
    """The task's name."""
    slug: str
    """What tells tasks of one name apart; a random UUID before Prefect 0.12.1."""
    map_index: int
    """Which child of a mapped task, from 0; -1 for everything else."""
    state: str
    message: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    attempts: int = 0
    """How often it went to Running."""
    state_type: str = ""
    """Prefect 2 and 3: `COMPLETED`, … of a state, whatever its name is."""

    @property
    def kind(self) -> RunState:
        return kind_of(self.state, self.state_type)

    def seconds(self, now: datetime) -> float | None:
        """How long it ran or has been running, None when it has not started."""
        if self.started is None:
            return None
        end = self.ended or (now if self.kind is RunState.RUNNING else None)
        return (end - self.started).total_seconds() if end is not None else None


@dataclass(frozen=True, slots=True)
class StateChange:
    """A state that a flow run went to."""

    moment: datetime
    state: str
    message: str = ""
    state_type: str = ""
    """Prefect 2 and 3: `COMPLETED`, … of a state, whatever its name is."""

    @property
    def kind(self) -> RunState:
        return kind_of(self.state, self.state_type)


@dataclass(frozen=True, slots=True)
class RunLine:
    """One record of a flow run's log."""

    id: str
    moment: datetime
    """By the clock of the machine that wrote it."""
    level: str
    """Python's names: DEBUG, INFO, WARNING, ERROR, CRITICAL; empty where it has none."""
    logger: str
    text: str
    """Cleaned, with colour kept; may be several lines."""
    task_run_id: str = ""
    """Empty for lines of the flow run itself."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent as the control plane knows it."""

    id: str
    name: str
    type: str
    """Prefect's class name, for example `LocalAgent`, `DockerAgent`."""
    labels: tuple[str, ...] = ()
    core_version: str = ""
    last_seen: datetime | None = None
    """When it last asked for runs; a worker's last heartbeat."""
    work_pool: str = ""
    """Prefect 2 and 3, where agents are called workers: the pool that it works for."""
    online: bool | None = None
    """What the control plane says; None where it says nothing."""


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """One queue of a work pool."""

    id: str
    name: str
    priority: int
    status: str = ""
    """READY, NOT_READY or PAUSED; empty where it is not told (early Prefect 2)."""
    paused: bool = False
    concurrency_limit: int | None = None
    last_polled: datetime | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class WorkPool:
    """A work pool of Prefect 2 or 3, with its queues by priority and its workers, online first."""

    id: str
    name: str
    type: str
    """`process`, `docker`, `kubernetes`, …"""
    status: str = ""
    """READY, NOT_READY or PAUSED; empty where it is not told."""
    paused: bool = False
    description: str = ""
    concurrency_limit: int | None = None
    base_job_template: JsonObject = field(default_factory=dict[str, "Json"], hash=False)
    queues: tuple[WorkQueue, ...] = ()
    workers: tuple[Agent, ...] = ()
    default_queue_id: str = ""

    @property
    def online(self) -> int:
        """How many of its workers are online."""
        return sum(worker.online is True for worker in self.workers)


@dataclass(frozen=True, slots=True)
class NewWorkPool:
    """A work pool that is to be made where there is none of this name."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that a registered flow declares."""

    name: str
    required: bool
    default: Json = None
    schema: JsonObject | None = field(default=None, hash=False)
    """Its JSON schema (Prefect 2 and 3), with the `definitions` that it refers to; None where the
    control plane knows no types."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run that is wanted of a registered version."""

    version_id: str
    """Of a flow version, or of a deployment."""
    parameters: Mapping[str, Json]
    name: str = ""
    """Empty: the control plane makes one up."""
    start: datetime | None = None
    """None: as soon as an agent takes it."""
    labels: tuple[str, ...] | None = None
    """None: the flow's own."""
    run_config: JsonObject | None = None
    """None: the flow's own."""
    context: JsonObject | None = None
    job_variables: JsonObject | None = None
    """Prefect 2 and 3: None or what is not in it is as the deployment says."""
    tags: tuple[str, ...] = ()
    """Prefect 2 and 3: beside the deployment's own."""
    idempotency_key: str = ""
    """Asked for again with the same key, the run that is there already is told. Empty: one is
    made for this request."""
