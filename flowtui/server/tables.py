"""The tables of the embedded server. The GraphQL schema is derived from them (`schema.py`).

Names of tables, columns and relations are those that Prefect Server 0.10 to 1.4 showed through
Hasura, because clients ask for them by name. A column or relation with `info={"hidden": True}` is
never shown.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    false,
    select,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    declared_attr,
    mapped_column,
    relationship,
)

from flowtui.models import Json

SCHEMA_VERSION = 3
"""Raised with every change to the tables, together with a step in `migrations.py`."""


class Timestamp(TypeDecorator[datetime]):
    """A moment: aware and in UTC in Python, without a zone in SQLite, with one in PostgreSQL."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(TypeDecorator[Json]):
    """A JSON document kept as it came: key order and repeated reads give the same text."""

    impl = JSON(none_as_null=True)
    cache_ok = True


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    return str(uuid.uuid4())


class _OrderedIds:
    """UUIDs of version 7, each greater than the one before: rows of a large table are added at the
    end of its index instead of all over it, and stand in the order in which they were made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self) -> str:
        with self._lock:
            self._last = max(self._last + 1, (time.time_ns() << 12) // 1_000_000)
            milliseconds, fraction = divmod(self._last, 1 << 12)
        value = milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | secrets.randbits(62)
        return str(uuid.UUID(int=value))


ordered_id = _OrderedIds()


HIDDEN = {"hidden": True}
ALWAYS_SET = {"always_set": True}
"""For a column that the first tables let be null, and that never is."""


class Table(DeclarativeBase):
    """What every row has."""

    type_annotation_map = {datetime: Timestamp, Json: JsonText, str: Text}  # noqa: RUF012

    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True, default=new_id)
    created: Mapped[datetime] = mapped_column(default=now)
    updated: Mapped[datetime] = mapped_column(default=now, onupdate=now)


def _reference(target: str, *, on_delete: str = "CASCADE", index: bool = True):
    return mapped_column(Uuid(as_uuid=False), ForeignKey(target, ondelete=on_delete), index=index)


def _ordered_key():
    return mapped_column(Uuid(as_uuid=False), primary_key=True, default=ordered_id)


class Tenant(Table):
    __tablename__ = "tenant"

    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    info: Mapped[Json] = mapped_column(default=dict)
    settings: Mapped[Json] = mapped_column(default=dict)

    projects: Mapped[list[Project]] = relationship(back_populates="tenant", passive_deletes=True)


class Owned(Table):
    """A row that belongs to a tenant."""

    __abstract__ = True

    @declared_attr
    def tenant_id(cls) -> Mapped[str]:  # noqa: N805
        return _reference("tenant.id")


class User(Table):
    __tablename__ = "user"

    username: Mapped[str]
    email: Mapped[str | None]
    default_membership_id: Mapped[str | None] = mapped_column(Uuid(as_uuid=False))

    default_membership: Mapped[Membership | None] = relationship(
        primaryjoin="foreign(User.default_membership_id) == Membership.id", viewonly=True
    )
    memberships: Mapped[list[Membership]] = relationship(
        back_populates="user", passive_deletes=True
    )


class Membership(Owned):
    __tablename__ = "membership"

    user_id: Mapped[str] = _reference("user.id")
    role: Mapped[str] = mapped_column(default="TENANT_ADMIN")

    user: Mapped[User] = relationship(back_populates="memberships")
    tenant: Mapped[Tenant] = relationship()


class AuthApiKey(Table):
    __tablename__ = "auth_api_key"

    user_id: Mapped[str] = _reference("user.id")
    name: Mapped[str]
    expires_at: Mapped[datetime | None]
    digest: Mapped[str] = mapped_column(unique=True, info=HIDDEN)
    """SHA-256 of the key: the key itself is shown once and kept nowhere."""


class ApiToken(Owned):
    __tablename__ = "api_token"

    name: Mapped[str]
    scope: Mapped[str | None]
    digest: Mapped[str] = mapped_column(unique=True, info=HIDDEN)


class Project(Owned):
    __tablename__ = "project"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str]
    description: Mapped[str | None]

    tenant: Mapped[Tenant] = relationship(back_populates="projects")
    flows: Mapped[list[Flow]] = relationship(back_populates="project", passive_deletes=True)


class FlowGroup(Owned):
    """All versions of one flow."""

    __tablename__ = "flow_group"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str]
    """The version group id that clients send, or one made from the first version."""
    description: Mapped[str | None]
    labels: Mapped[Json] = mapped_column(nullable=True)
    run_config: Mapped[Json] = mapped_column(nullable=True)
    schedule: Mapped[Json] = mapped_column(nullable=True)
    default_parameters: Mapped[Json] = mapped_column(default=dict)
    settings: Mapped[Json] = mapped_column(default=dict)
    idempotency_key: Mapped[str | None] = mapped_column(info=HIDDEN)
    """Of the latest registration."""

    flows: Mapped[list[Flow]] = relationship(back_populates="flow_group", passive_deletes=True)


class Flow(Owned):
    __tablename__ = "flow"
    __table_args__ = (
        UniqueConstraint("flow_group_id", "version"),
        Index("ix_flow_project_name", "project_id", "name"),
    )

    project_id: Mapped[str] = _reference("project.id", index=False)
    flow_group_id: Mapped[str] = _reference("flow_group.id", index=False)
    version_group_id: Mapped[str]
    name: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    description: Mapped[str | None]
    archived: Mapped[bool] = mapped_column(default=False)
    core_version: Mapped[str | None]
    is_schedule_active: Mapped[bool] = mapped_column(default=False)
    schedule_problem: Mapped[str | None]
    """Why the active schedule starts no runs."""
    parameters: Mapped[Json] = mapped_column(default=list)
    schedule: Mapped[Json] = mapped_column(nullable=True)
    storage: Mapped[Json] = mapped_column(nullable=True)
    environment: Mapped[Json] = mapped_column(nullable=True)
    run_config: Mapped[Json] = mapped_column(nullable=True)
    serialized_flow: Mapped[Json] = mapped_column(nullable=True)
    settings: Mapped[Json] = column_property(
        select(FlowGroup.settings)
        .where(FlowGroup.id == flow_group_id)
        .correlate_except(FlowGroup)
        .scalar_subquery()
    )

    project: Mapped[Project] = relationship(back_populates="flows")
    flow_group: Mapped[FlowGroup] = relationship(back_populates="flows")
    tasks: Mapped[list[Task]] = relationship(back_populates="flow", passive_deletes=True)
    edges: Mapped[list[Edge]] = relationship(back_populates="flow", passive_deletes=True)
    flow_runs: Mapped[list[FlowRun]] = relationship(back_populates="flow", passive_deletes=True)


class Task(Owned):
    __tablename__ = "task"
    __table_args__ = (UniqueConstraint("flow_id", "slug"),)

    flow_id: Mapped[str] = _reference("flow.id", index=False)
    name: Mapped[str] = mapped_column(index=True)
    slug: Mapped[str]
    description: Mapped[str | None]
    type: Mapped[str | None]
    max_retries: Mapped[int | None]
    retry_delay: Mapped[str | None]
    """HH:MM:SS."""
    timeout: Mapped[str | None]
    trigger: Mapped[str | None]
    cache_key: Mapped[str | None]
    tags: Mapped[Json] = mapped_column(default=list)
    mapped: Mapped[bool] = mapped_column(default=False)
    auto_generated: Mapped[bool] = mapped_column(default=False)
    is_reference_task: Mapped[bool] = mapped_column(default=False)
    is_root_task: Mapped[bool] = mapped_column(default=True)
    is_terminal_task: Mapped[bool] = mapped_column(default=True)

    flow: Mapped[Flow] = relationship(back_populates="tasks")
    task_runs: Mapped[list[TaskRun]] = relationship(back_populates="task", passive_deletes=True)


class Edge(Owned):
    __tablename__ = "edge"
    __table_args__ = (
        Index("ix_edge_ends", "flow_id", "upstream_task_id", "downstream_task_id", "key"),
    )

    flow_id: Mapped[str] = _reference("flow.id", index=False)
    upstream_task_id: Mapped[str] = _reference("task.id")
    downstream_task_id: Mapped[str] = _reference("task.id")
    key: Mapped[str | None]
    mapped: Mapped[bool] = mapped_column(default=False)

    flow: Mapped[Flow] = relationship(back_populates="edges")
    upstream_task: Mapped[Task] = relationship(foreign_keys=[upstream_task_id])
    downstream_task: Mapped[Task] = relationship(foreign_keys=[downstream_task_id])


class Written(Owned):
    """A row of a table that grows with every run. All belong to a few tenants, so nothing is found
    by an index of these; it would only be written."""

    __abstract__ = True

    @declared_attr
    def tenant_id(cls) -> Mapped[str]:  # noqa: N805
        return _reference("tenant.id", index=False)


class Run(Written):
    """What flow runs and task runs have in common: the latest state, spread over columns."""

    __abstract__ = True

    name: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=0)
    """Counts the states the run has had."""
    state: Mapped[str]
    """The type of the latest state, `Scheduled` for example."""
    state_timestamp: Mapped[datetime]
    state_message: Mapped[str | None]
    state_start_time: Mapped[datetime | None]
    state_result: Mapped[Json] = mapped_column(nullable=True)
    serialized_state: Mapped[Json] = mapped_column(nullable=True)
    start_time: Mapped[datetime | None]
    end_time: Mapped[datetime | None]
    heartbeat: Mapped[datetime | None]


class FlowRun(Run):
    __tablename__ = "flow_run"
    __table_args__ = (
        UniqueConstraint("flow_id", "idempotency_key"),
        Index("ix_flow_run_queue", "state", "state_start_time"),
        Index("ix_flow_run_planned", "scheduled_start_time"),
        Index("ix_flow_run_flow_planned", "flow_id", "scheduled_start_time"),
        Index("ix_flow_run_state_planned", "state", "scheduled_start_time"),
        Index("ix_flow_run_started", "start_time"),
    )

    flow_id: Mapped[str] = _reference("flow.id", index=False)
    agent_id: Mapped[str | None] = _reference("agent.id", on_delete="SET NULL")
    parameters: Mapped[Json] = mapped_column(default=dict)
    context: Mapped[Json] = mapped_column(default=dict)
    labels: Mapped[Json] = mapped_column(default=list)
    run_config: Mapped[Json] = mapped_column(nullable=True)
    scheduled_start_time: Mapped[datetime | None] = mapped_column(info=ALWAYS_SET)
    auto_scheduled: Mapped[bool] = mapped_column(default=False)
    times_resurrected: Mapped[int] = mapped_column(default=0)
    idempotency_key: Mapped[str | None]

    flow: Mapped[Flow] = relationship(back_populates="flow_runs")
    agent: Mapped[Agent | None] = relationship()
    task_runs: Mapped[list[TaskRun]] = relationship(back_populates="flow_run", passive_deletes=True)
    states: Mapped[list[FlowRunState]] = relationship(
        back_populates="flow_run", passive_deletes=True
    )
    logs: Mapped[list[Log]] = relationship(back_populates="flow_run", passive_deletes=True)


class TaskRun(Run):
    __tablename__ = "task_run"
    __table_args__ = (
        UniqueConstraint("flow_run_id", "task_id", "map_index"),
        Index("ix_task_run_state", "state"),
    )

    flow_run_id: Mapped[str] = _reference("flow_run.id", index=False)
    task_id: Mapped[str] = _reference("task.id")
    map_index: Mapped[int] = mapped_column(default=-1)
    cache_key: Mapped[str | None] = mapped_column(index=True)
    run_count: Mapped[int] = mapped_column(default=0)

    flow_run: Mapped[FlowRun] = relationship(back_populates="task_runs")
    task: Mapped[Task] = relationship(back_populates="task_runs")
    states: Mapped[list[TaskRunState]] = relationship(
        back_populates="task_run", passive_deletes=True
    )
    logs: Mapped[list[Log]] = relationship(back_populates="task_run", passive_deletes=True)
    artifacts: Mapped[list[TaskRunArtifact]] = relationship(
        back_populates="task_run", passive_deletes=True
    )


class State(Written):
    """One state that a run has had."""

    __abstract__ = True

    id: Mapped[str] = _ordered_key()
    timestamp: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int]
    state: Mapped[str]
    message: Mapped[str | None]
    result: Mapped[Json] = mapped_column(nullable=True)
    start_time: Mapped[datetime | None]
    serialized_state: Mapped[Json] = mapped_column(nullable=True)


class FlowRunState(State):
    __tablename__ = "flow_run_state"

    flow_run_id: Mapped[str] = _reference("flow_run.id")
    flow_run: Mapped[FlowRun] = relationship(back_populates="states")


class TaskRunState(State):
    __tablename__ = "task_run_state"

    task_run_id: Mapped[str] = _reference("task_run.id")
    task_run: Mapped[TaskRun] = relationship(back_populates="states")


class Log(Written):
    __tablename__ = "log"
    __table_args__ = (Index("ix_log_flow_run_time", "flow_run_id", "timestamp"),)

    id: Mapped[str] = _ordered_key()
    flow_run_id: Mapped[str | None] = _reference("flow_run.id", index=False)
    task_run_id: Mapped[str | None] = _reference("task_run.id")
    timestamp: Mapped[datetime] = mapped_column(default=now)
    name: Mapped[str | None]
    level: Mapped[str | None]
    message: Mapped[str | None]
    info: Mapped[Json] = mapped_column(nullable=True)

    flow_run: Mapped[FlowRun | None] = relationship(back_populates="logs")
    task_run: Mapped[TaskRun | None] = relationship(back_populates="logs")


class AgentConfig(Owned):
    __tablename__ = "agent_config"

    name: Mapped[str | None]
    settings: Mapped[Json] = mapped_column(default=dict)


class Agent(Owned):
    __tablename__ = "agent"

    agent_config_id: Mapped[str | None] = _reference("agent_config.id", on_delete="SET NULL")
    name: Mapped[str | None]
    type: Mapped[str]
    labels: Mapped[Json] = mapped_column(default=list)
    core_version: Mapped[str | None]
    last_queried: Mapped[datetime | None]
    anonymous: Mapped[bool] = mapped_column(default=False, server_default=false())
    """An agent that sends no id: it stands for all that look like it."""

    agent_config: Mapped[AgentConfig | None] = relationship()


class Secret(Owned):
    """Read by name only (`secret_value`); never listed."""

    __tablename__ = "secret"
    __table_args__ = (UniqueConstraint("tenant_id", "name"), {"info": HIDDEN})

    name: Mapped[str]
    value: Mapped[Json] = mapped_column(nullable=True)


class KeyValue(Owned):
    __tablename__ = "key_value"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    key: Mapped[str]
    value: Mapped[Json] = mapped_column(nullable=True)


class TaskTagLimit(Owned):
    __tablename__ = "task_tag_limit"
    __table_args__ = (UniqueConstraint("tenant_id", "tag"),)

    tag: Mapped[str]
    limit: Mapped[int]


class TaskRunArtifact(Owned):
    __tablename__ = "task_run_artifact"

    task_run_id: Mapped[str] = _reference("task_run.id")
    kind: Mapped[str]
    data: Mapped[Json] = mapped_column(nullable=True)

    task_run: Mapped[TaskRun] = relationship(back_populates="artifacts")


class SchemaVersion(Table):
    """One row: which version of these tables the database holds."""

    __tablename__ = "schema_version"
    __table_args__ = {"info": HIDDEN}  # noqa: RUF012

    version: Mapped[int]
