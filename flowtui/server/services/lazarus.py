"""Lazarus: hands out flow runs again whose process, or whose agent, is gone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select

from flowtui.server.database import Database
from flowtui.server.operations.base import Act, Caller
from flowtui.server.operations.flow_groups import LAZARUS
from flowtui.server.operations.state_changes import (
    WAITING,
    apply_state,
    plain_state,
    scheduled_state,
)
from flowtui.server.services.background import Round
from flowtui.server.services.settings import ServiceSettings
from flowtui.server.services.silence import (
    are_any,
    has_task_run_in,
    note,
    setting,
    silent_flow_runs,
    silent_since,
)
from flowtui.server.tables import FlowRun

_NAME = "Lazarus"
WILL_GO_ON = (WAITING - {"Queued"}) | {"Running"}
"""A task run in one of these states brings its flow run to life by itself: an agent is handed it
when it is due, or the zombie killer ends it. A Queued one needs its process."""


def run_once(database: Database, turn: Round, settings: ServiceSettings) -> None:
    since = silent_since(turn, settings)
    if since is None:
        return
    wanted = _without_process(since)
    if are_any(database, wanted):
        database.write(
            lambda session: _revive_all(Act(session, Caller(), turn.now), wanted, settings)
        )


def _without_process(since: datetime) -> Select[Any]:
    return silent_flow_runs(since).where(
        FlowRun.state.in_(("Running", "Submitted")),
        setting(LAZARUS),
        ~has_task_run_in(WILL_GO_ON),
    )


def _revive_all(act: Act, wanted: Select[Any], settings: ServiceSettings) -> None:
    for run in act.session.scalars(wanted).all():
        if run.times_resurrected < settings.resurrections:
            _revive(act, run)
        else:
            _give_up(act, run)


def _revive(act: Act, run: FlowRun) -> None:
    run.times_resurrected += 1
    message = "Rescheduled by a Lazarus process."
    apply_state(act, run, scheduled_state(act.now, message))
    note(act, _NAME, run, f"{message} This is attempt {run.times_resurrected}.", "INFO")


def _give_up(act: Act, run: FlowRun) -> None:
    message = (
        f"A Lazarus process attempted to reschedule this run {run.times_resurrected} times "
        "without success. Marking as failed."
    )
    apply_state(act, run, plain_state("Failed", message))
    note(act, _NAME, run, message, "ERROR")
