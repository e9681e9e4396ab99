"""The zombie killer: ends what claims to be running and has no process any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select

from flowtui.server.database import Database
from flowtui.server.operations.base import Act, Caller
from flowtui.server.operations.cancelling import cancel, cancelled_state
from flowtui.server.operations.flow_groups import LAZARUS
from flowtui.server.operations.state_changes import apply_state, plain_state, retrying_state
from flowtui.server.services.background import Round
from flowtui.server.services.lazarus import WILL_GO_ON
from flowtui.server.services.settings import ServiceSettings
from flowtui.server.services.silence import (
    are_any,
    has_task_run_in,
    note,
    setting,
    silent_flow_runs,
    silent_since,
    silent_task_runs,
)
from flowtui.server.tables import FlowRun, Task, TaskRun, TaskRunState

_NAME = "ZombieKiller"
_TASK_FAILED = "No heartbeat detected from the remote task; marking the run as failed."
_FLOW_FAILED = "No heartbeat detected from the flow run; marking the run as failed."
_CANCELLED = "No heartbeat detected from the flow run; it is cancelled without its process."


@dataclass(frozen=True)
class _Rule:
    select: Callable[[datetime], Select[Any]]
    end: Callable[[Act, Any], None]


def run_once(database: Database, turn: Round, settings: ServiceSettings) -> None:
    since = silent_since(turn, settings)
    if since is None:
        return
    for rule in _RULES:
        wanted = rule.select(since)
        if are_any(database, wanted):
            database.write(
                lambda session, rule=rule, wanted=wanted: _end_all(
                    Act(session, Caller(), turn.now), rule, wanted
                )
            )


def _end_all(act: Act, rule: _Rule, wanted: Select[Any]) -> None:
    for run in act.session.scalars(wanted).all():
        rule.end(act, run)


def _cancelling(since: datetime) -> Select[Any]:
    return silent_flow_runs(since).where(FlowRun.state == "Cancelling")


def _end_cancelling(act: Act, run: FlowRun) -> None:
    cancel(act, run, cancelled_state(_CANCELLED))
    note(act, _NAME, run, _CANCELLED, "ERROR")


def _running_task_runs(since: datetime) -> Select[Any]:
    return silent_task_runs(since).where(TaskRun.state == "Running")


def _end_task_run(act: Act, run: TaskRun) -> None:
    """Retried, if its flow run goes on and it has retries left, else failed."""
    flow_run = act.row(FlowRun, run.flow_run_id)
    task = act.row(Task, run.task_id)
    retries = 1 + (
        act.session.scalar(
            select(func.count()).where(
                TaskRunState.task_run_id == run.id, TaskRunState.state == "Retrying"
            )
        )
        or 0
    )
    most = task.max_retries or 0
    if flow_run.state == "Running" and retries <= most:
        message = (
            "No heartbeat detected from the remote task; retrying the run. "
            f"This will be retry {retries} of {most}."
        )
        start = act.now + _seconds(task.retry_delay)
        apply_state(act, run, retrying_state(start, message, retries))
    else:
        message = _TASK_FAILED
        apply_state(act, run, plain_state("Failed", message))
    note(act, _NAME, run, message, "ERROR")


def _seconds(interval: str | None) -> timedelta:
    """`00:01:30` as the tasks' table has it."""
    hours, minutes, seconds = (interval or "00:00:00").split(":")
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))


def _given_up(since: datetime) -> Select[Any]:
    """Flow runs that Lazarus would hand out again, but must not."""
    return silent_flow_runs(since).where(
        FlowRun.state.in_(("Running", "Submitted")),
        ~setting(LAZARUS),
        ~has_task_run_in(WILL_GO_ON),
    )


def _fail(act: Act, run: FlowRun) -> None:
    apply_state(act, run, plain_state("Failed", _FLOW_FAILED))
    note(act, _NAME, run, _FLOW_FAILED, "ERROR")


_RULES = (
    _Rule(_cancelling, _end_cancelling),
    _Rule(_running_task_runs, _end_task_run),
    _Rule(_given_up, _fail),
)
