"""One flow run: its states, task runs and log."""

from __future__ import annotations

from datetime import datetime

from flowtui.api.rest.connection import Connection
from flowtui.models import Ability
from flowtui.run_models import RunLine, StateChange, TaskRun


async def run_states(api: Connection, run_id: str) -> tuple[StateChange, ...]:
    """See `ControlPlane.run_states`."""
    raise api.cannot(Ability.TELL_RUN_DETAILS)


async def task_runs(api: Connection, run_id: str) -> tuple[TaskRun, ...]:
    """See `ControlPlane.task_runs`."""
    raise api.cannot(Ability.TELL_RUN_DETAILS)


async def run_log(
    api: Connection, run_id: str, *, since: datetime | None, limit: int | None
) -> tuple[RunLine, ...]:
    """See `ControlPlane.run_log`."""
    raise api.cannot(Ability.TELL_RUN_DETAILS)
