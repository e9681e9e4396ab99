"""Retention: deletes what is older than it should be kept, a little at a time.

A write transaction here deletes some thousand rows at most, so that those who write meanwhile wait
for moments only; a round ends after some seconds and the next one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from time import monotonic

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select
from sqlalchemy.orm import Session

from flowtui.server.database import Database
from flowtui.server.operations.state_changes import FINISHED
from flowtui.server.services.background import Round
from flowtui.server.services.settings import ServiceSettings
from flowtui.server.tables import FlowRun, Log, TaskRun

_SECONDS_OF_ONE_ROUND = 5
_RUNS_OF_ONE_ROUND = 20_000
_RUNS_AT_ONCE = 50
_LINES_AT_ONCE = 2_000
_TASK_RUNS_AT_ONCE = 500

_Delete = Callable[[Session, Sequence[str]], bool]
"""Deletes a part of what belongs to some runs; True when nothing of it is left."""


def run_once(database: Database, turn: Round, settings: ServiceSettings) -> None:
    """Delete runs with all that belongs to them, and the log lines of runs, that ended too long
    ago. Runs that a schedule planned and no agent ever took end with their time."""
    stop = monotonic() + _SECONDS_OF_ONE_ROUND
    if settings.keep_runs is not None:
        over = _over_before(turn.now - settings.keep_runs)
        _delete_all(database, over, _delete_runs, stop)
    if settings.keep_logs is not None:
        has_lines = exists(select(1).where(Log.flow_run_id == FlowRun.id))
        over = _over_before(turn.now - settings.keep_logs) & has_lines
        _delete_all(database, over, _delete_lines, stop)


def _over_before(moment: datetime) -> ColumnElement[bool]:
    ended = and_(FlowRun.state.in_(FINISHED), FlowRun.end_time < moment)
    never_taken = and_(
        FlowRun.state == "Scheduled",
        FlowRun.auto_scheduled.is_(True),
        FlowRun.scheduled_start_time < moment,
    )
    return or_(ended, never_taken)


def _delete_all(database: Database, over: ColumnElement[bool], work: _Delete, stop: float) -> None:
    with database.reading() as session:
        ids = session.scalars(select(FlowRun.id).where(over).limit(_RUNS_OF_ONE_ROUND)).all()
    for start in range(0, len(ids), _RUNS_AT_ONCE):
        some = ids[start : start + _RUNS_AT_ONCE]
        while not database.write(partial(_delete_some, ids=some, over=over, work=work)):
            if monotonic() > stop:
                return
        if monotonic() > stop:
            return


def _delete_some(
    session: Session, *, ids: Sequence[str], over: ColumnElement[bool], work: _Delete
) -> bool:
    """Some of them may run again by now."""
    return work(session, session.scalars(select(FlowRun.id).where(FlowRun.id.in_(ids), over)).all())


def _delete_lines(session: Session, runs: Sequence[str]) -> bool:
    lines = select(Log.id).where(Log.flow_run_id.in_(runs)).limit(_LINES_AT_ONCE)
    ids = session.scalars(lines).all()
    session.execute(delete(Log).where(Log.id.in_(ids)))
    return len(ids) < _LINES_AT_ONCE


def _delete_runs(session: Session, runs: Sequence[str]) -> bool:
    if not _delete_lines(session, runs):
        return False
    task_runs = select(TaskRun.id).where(TaskRun.flow_run_id.in_(runs)).limit(_TASK_RUNS_AT_ONCE)
    ids = session.scalars(task_runs).all()
    session.execute(delete(TaskRun).where(TaskRun.id.in_(ids)))
    if len(ids) == _TASK_RUNS_AT_ONCE:
        return False
    session.execute(delete(FlowRun).where(FlowRun.id.in_(runs)))
    return True
