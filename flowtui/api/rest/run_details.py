"""One flow run from the inside: its states, its task runs, its log. Reads only."""

from __future__ import annotations

from datetime import datetime

from flowtui.api.reading import utc
from flowtui.api.rest import answers
from flowtui.api.rest.connection import LARGEST_PAGE, Connection
from flowtui.api.rest.paging import AT_ONCE, at_once, every, page
from flowtui.json_shapes import items, mapping
from flowtui.models import Json
from flowtui.run_models import RunLine, StateChange, TaskRun


async def run_states(api: Connection, run_id: str) -> tuple[StateChange, ...]:
    """See `ControlPlane.run_states`."""
    told = await api.get("/flow_run_states/", params={"flow_run_id": run_id})
    found = api.understood([mapping(row) for row in items(told)], answers.state_change)
    return tuple(sorted(found, key=lambda change: change.moment))


async def task_runs(api: Connection, run_id: str) -> tuple[TaskRun, ...]:
    """See `ControlPlane.task_runs`."""
    body: dict[str, Json] = {"flow_runs": {"id": {"any_": [run_id]}}}
    rows = await every(api, "task_runs", {**body, "sort": "ID_DESC"})
    return tuple(sorted(api.understood(rows, answers.task_run), key=_in_order))


def _in_order(run: TaskRun) -> tuple[bool, float, str, str]:
    """By when they started; what has not started stands last."""
    started = run.started.timestamp() if run.started is not None else 0.0
    return run.started is None, started, run.task, run.slug


async def run_log(
    api: Connection, run_id: str, *, since: datetime | None, limit: int | None
) -> tuple[RunLine, ...]:
    """See `ControlPlane.run_log`.

    Lines that come late push others on: some are read twice then, and none is missed.
    """
    wanted: dict[str, Json] = {"flow_run_id": {"any_": [run_id]}}
    if since is not None:
        wanted["timestamp"] = {"after_": utc(since)}  # and that very moment
    body: dict[str, Json] = {"logs": wanted, "sort": "TIMESTAMP_ASC"}
    found: dict[str, RunLine] = {}
    pages = 1
    offset = 0
    while limit is None or offset < limit:
        places = range(offset, offset + pages * LARGEST_PAGE, LARGEST_PAGE)
        answered = await at_once(places, lambda place: page(api, "/logs/filter", body, place))
        for rows in answered:
            found.update((line.id, line) for line in api.understood(rows, answers.run_line))
        if len(answered[-1]) < LARGEST_PAGE:
            break
        offset += pages * LARGEST_PAGE
        pages = AT_ONCE
    lines = sorted(found.values(), key=lambda line: line.moment)
    return tuple(lines[:limit])
