"""One run from the inside: its states, its task runs, its log. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowtui.api.graphql import answers
from flowtui.api.graphql.connection import Connection
from flowtui.api.graphql.dialect import LEAST_PAGE, literal
from flowtui.json_shapes import items
from flowtui.models import Ability, Json
from flowtui.run_models import RunLine, StateChange, TaskRun

_PAGE = 1000
"""Task runs or log lines that are asked for at once."""

_TASK_RUN_OPTIONAL = ("state_message", "start_time", "end_time", "run_count")
_LINE_FIELDS = ("timestamp", "level", "message")
_LINE_OPTIONAL = ("id", "name", "task_run_id")


async def run_states(api: Connection, run_id: str) -> tuple[StateChange, ...]:
    """See `ControlPlane.run_states`."""
    await api.require(Ability.TELL_RUN_DETAILS)
    rows = await api.rows(
        "flow_run",
        {"id": {"_eq": run_id}},
        "",
        {
            "states": "states(order_by: {timestamp: asc}) { timestamp state }",
            "message": "states(order_by: {timestamp: asc}) { message }",
        },
        optional=("message",),
        limit=1,
    )
    found = api.understood(items(rows[0].get("states")) if rows else [], answers.state_change)
    return tuple(sorted(found, key=lambda change: change.moment))


async def task_runs(api: Connection, run_id: str) -> tuple[TaskRun, ...]:
    """See `ControlPlane.task_runs`."""
    await api.require(Ability.TELL_RUN_DETAILS)
    rows = await api.rows(
        "task_run",
        {"flow_run_id": {"_eq": run_id}},
        "{id: asc}",
        {
            **{name: name for name in ("id", "map_index", "state", *_TASK_RUN_OPTIONAL)},
            "task": "task { name slug }",
        },
        optional=_TASK_RUN_OPTIONAL,
        page=_PAGE,
    )
    found = api.understood(rows, answers.task_run)
    return tuple(sorted(found, key=_in_order))


def _in_order(run: TaskRun) -> tuple[bool, float, str, str, int]:
    """By when they started; what has not started stands last."""
    started = run.started.timestamp() if run.started is not None else 0.0
    return run.started is None, started, run.task, run.slug, run.map_index


async def run_log(
    api: Connection, run_id: str, *, since: datetime | None, limit: int | None
) -> tuple[RunLine, ...]:
    """See `ControlPlane.run_log`."""
    await api.require(Ability.TELL_RUN_DETAILS)
    found: dict[str, RunLine] = {}
    after, known_then = since, 0
    while True:
        wanted = _PAGE if limit is None else min(_PAGE, limit - len(found))
        if wanted <= 0:
            break
        rows = await _page(api, run_id, after, offset=known_then, limit=wanted)
        lines = api.understood(rows, answers.run_line)
        # Lines that came late push others into the next page: these are there already.
        found.update((line.id, line) for line in lines)
        if len(lines) < min(wanted, LEAST_PAGE):
            break
        last = lines[-1].moment
        known_then = sum(line.moment == last for line in lines) + known_then * (last == after)
        after = last
    return tuple(sorted(found.values(), key=lambda line: line.moment))


async def _page(
    api: Connection, run_id: str, after: datetime | None, *, offset: int, limit: int
) -> list[Any]:
    """Through the run, as Prefect's own clients read logs: not every API has a table of them."""
    arguments = [f"limit: {limit}", "order_by: {timestamp: asc}"]
    if after is not None:
        since: Mapping[str, Json] = {"timestamp": {"_gte": after.isoformat()}}
        arguments.append(f"where: {literal(since)}")
    if offset:
        arguments.append(f"offset: {offset}")
    logs = f"logs({', '.join(arguments)})"
    rows = await api.rows(
        "flow_run",
        {"id": {"_eq": run_id}},
        "",
        {
            "logs": f"{logs} {{ {' '.join(_LINE_FIELDS)} }}",
            **{name: f"{logs} {{ {name} }}" for name in _LINE_OPTIONAL},
        },
        optional=_LINE_OPTIONAL,
        limit=1,
    )
    return items(rows[0].get("logs")) if rows else []
