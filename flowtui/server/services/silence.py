"""Which runs have been silent for so long that their process counts as gone.

A process speaks for its flow run by heartbeats, of the flow run (all versions) or of its task runs
(up to 0.12), and by setting states.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, not_, select
from sqlalchemy.orm import aliased

from flowtui.server.database import Database
from flowtui.server.operations.base import Act
from flowtui.server.operations.flow_groups import DEFAULT_SETTINGS, HEARTBEAT
from flowtui.server.services.background import Round
from flowtui.server.services.settings import ServiceSettings
from flowtui.server.tables import Flow, FlowGroup, FlowRun, Log, TaskRun

AT_ONCE = 100
"""Runs that one service deals with in one transaction; the others wait for the next round."""


def silent_since(turn: Round, settings: ServiceSettings) -> datetime | None:
    """Who has not spoken since then is silent; None while the server has not listened so long."""
    since = turn.now - settings.silent_after
    return since if since >= turn.listening_since else None


def silent_flow_runs(since: datetime) -> Select[Any]:
    """Flow runs that are silent and whose flow sends heartbeats; to be narrowed by their state."""
    wanted = select(FlowRun).join(Flow, Flow.id == FlowRun.flow_id)
    return _silent(wanted, since).order_by(FlowRun.heartbeat).limit(AT_ONCE)


def silent_task_runs(since: datetime) -> Select[Any]:
    """Task runs of such flow runs; to be narrowed by their own state."""
    wanted = (
        select(TaskRun)
        .join(FlowRun, FlowRun.id == TaskRun.flow_run_id)
        .join(Flow, Flow.id == FlowRun.flow_id)
    )
    return _silent(wanted, since).order_by(TaskRun.heartbeat).limit(AT_ONCE)


def _silent(wanted: Select[Any], since: datetime) -> Select[Any]:
    other = aliased(TaskRun)
    spoke = exists(select(1).where(other.flow_run_id == FlowRun.id, other.heartbeat > since))
    return wanted.join(FlowGroup, FlowGroup.id == Flow.flow_group_id).where(
        func.coalesce(FlowRun.heartbeat, FlowRun.state_timestamp) <= since,
        not_(spoke),
        setting(HEARTBEAT),
    )


def setting(key: str) -> ColumnElement[bool]:
    """Whether a setting of the flow group is on."""
    return func.coalesce(FlowGroup.settings[key].as_boolean(), DEFAULT_SETTINGS[key])


def has_task_run_in(states: frozenset[str]) -> ColumnElement[bool]:
    return exists(select(1).where(TaskRun.flow_run_id == FlowRun.id, TaskRun.state.in_(states)))


def are_any(database: Database, wanted: Select[Any]) -> bool:
    """Looked up without keeping anybody from writing."""
    with database.reading() as session:
        return session.execute(wanted.limit(1)).first() is not None


def note(act: Act, service: str, run: FlowRun | TaskRun, message: str, level: str) -> None:
    """Tell in the run's own log what was done to it."""
    is_task_run = isinstance(run, TaskRun)
    act.session.add(
        Log(
            tenant_id=run.tenant_id,
            flow_run_id=run.flow_run_id if is_task_run else run.id,
            task_run_id=run.id if is_task_run else None,
            timestamp=act.now,
            name=service,
            level=level,
            message=message,
        )
    )
