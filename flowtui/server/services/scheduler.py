"""The scheduler: keeps runs planned for every flow whose schedule is active."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flowtui.server.database import Database
from flowtui.server.operations.base import Act, Caller
from flowtui.server.operations.schedules import RUNS_AHEAD, plan_runs
from flowtui.server.services.background import Round
from flowtui.server.tables import Flow, FlowGroup, FlowRun

_FLOWS_IN_ONE_WRITE = 10
_SECONDS_OF_ONE_ROUND = 5
"""The rest waits for the next round, so that the server can stop."""
_LOOK_AGAIN = timedelta(hours=1)
"""At a schedule that has too few moments left, unless it was changed."""


@dataclass(frozen=True, slots=True)
class _Lacking:
    """A flow with too few planned runs, and when it and its group were changed last."""

    flow_id: str
    changed: tuple[datetime, datetime]


@dataclass
class Scheduler:
    """What it knows between rounds only saves work: nothing is lost with it."""

    _exhausted: dict[str, tuple[_Lacking, datetime]] = field(
        default_factory=dict[str, tuple[_Lacking, datetime]]
    )

    def run_once(self, database: Database, this_round: Round) -> None:
        """Plan the runs of flows that have too few; in short transactions, for some seconds."""
        stop = monotonic() + _SECONDS_OF_ONE_ROUND
        with database.reading() as session:
            lacking = self._worth_a_look(_lacking(session, this_round.now), this_round.now)
        for start in range(0, len(lacking), _FLOWS_IN_ONE_WRITE):
            if monotonic() > stop:
                return
            batch = lacking[start : start + _FLOWS_IN_ONE_WRITE]
            planned = database.write(partial(_plan, batch=batch, now=this_round.now))
            for flow, goes_on in zip(batch, planned, strict=True):
                if not goes_on:
                    self._exhausted[flow.flow_id] = (flow, this_round.now + _LOOK_AGAIN)

    def _worth_a_look(self, lacking: Sequence[_Lacking], now: datetime) -> list[_Lacking]:
        self._exhausted = {
            flow.flow_id: self._exhausted[flow.flow_id]
            for flow in lacking
            if flow.flow_id in self._exhausted
        }
        return [flow for flow in lacking if not self._is_exhausted(flow, now)]

    def _is_exhausted(self, flow: _Lacking, now: datetime) -> bool:
        known, again = self._exhausted.get(flow.flow_id, (None, now))
        return known == flow and now < again


def _lacking(session: Session, now: datetime) -> list[_Lacking]:
    planned = (
        select(func.count())
        .select_from(FlowRun)
        .where(
            FlowRun.flow_id == Flow.id,
            FlowRun.auto_scheduled.is_(True),
            FlowRun.scheduled_start_time > now,
        )
        .correlate(Flow)
        .scalar_subquery()
    )
    found = session.execute(
        select(Flow.id, Flow.updated, FlowGroup.updated)
        .join(FlowGroup, FlowGroup.id == Flow.flow_group_id)
        .where(Flow.is_schedule_active.is_(True), Flow.archived.is_(False), planned < RUNS_AHEAD)
        .order_by(Flow.id)
    )
    return [_Lacking(flow_id, (flow, group)) for flow_id, flow, group in found]


def _plan(session: Session, *, batch: Sequence[_Lacking], now: datetime) -> list[bool]:
    """For each flow whether its schedule goes on."""
    return [_plan_one(session, flow.flow_id, now) for flow in batch]


def _plan_one(session: Session, flow_id: str, now: datetime) -> bool:
    flow = session.get(Flow, flow_id)
    if flow is None or flow.archived or not flow.is_schedule_active:
        return False
    group = session.get_one(FlowGroup, flow.flow_group_id)
    return plan_runs(Act(session, Caller(), now), flow, group)
