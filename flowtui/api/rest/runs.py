"""Flow runs as a Prefect REST API tells of them. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

from flowtui.api.reading import utc
from flowtui.api.rest import answers, names, project_tags, states
from flowtui.api.rest.connection import LARGEST_PAGE, Connection
from flowtui.api.rest.dialect import Dialect, spoken
from flowtui.api.rest.paging import at_once, page
from flowtui.api.rest.payload import tags_of
from flowtui.api.run_search import IdBeginning, WantedRuns
from flowtui.json_shapes import mapping, whole
from flowtui.models import Json, JsonObject
from flowtui.run_models import FlowRun

_PATH = "/flow_runs/filter"
_LATEST_FIRST = "EXPECTED_START_TIME_DESC"
_SOONEST_FIRST = "EXPECTED_START_TIME_ASC"
_STARTED_LAST_FIRST = "START_TIME_DESC"

_MARGIN = 20
"""Runs that may come or go while one is looked for."""
_MOST_LOOKED_THROUGH = 20
"""Pages, for those that are in no project: they have no tag to ask for."""


def _body(wanted: WantedRuns, dialect: Dialect) -> dict[str, Json]:
    of_runs: dict[str, Json] = {}
    flow, _, deployment = (wanted.name or "").partition("/")
    flows = set(wanted.names) if wanted.names is not None else {flow}
    if wanted.names is not None and flow:
        flows &= {flow}
    body: dict[str, Json] = {}
    if flow or wanted.names is not None:
        body["flows"] = {"name": {"any_": sorted(flows)}}
    if deployment:
        body["deployments"] = {"name": {"any_": [deployment]}}
    if wanted.version_id is not None:
        of_runs["deployment_id"] = {"any_": [wanted.version_id]}
    if wanted.project:
        of_runs["tags"] = {"all_": [project_tags.tag(wanted.project)]}
    if wanted.states is not None:
        of_runs["state"] = states.state_filter(wanted.states, dialect)
    planned: dict[str, Json] = {}
    if wanted.planned_until is not None:
        planned["before_"] = utc(wanted.planned_until)
    if wanted.planned_after is not None:
        # The API includes that very moment.
        planned["after_"] = utc(wanted.planned_after + timedelta(microseconds=1))
    if planned:
        of_runs["expected_start_time"] = planned
    if of_runs:
        body["flow_runs"] = of_runs
    body["sort"] = _LATEST_FIRST if wanted.planned_after is None else _SOONEST_FIRST
    return body


async def flow_runs(
    api: Connection, wanted: WantedRuns, *, offset: int = 0, limit: int
) -> tuple[FlowRun, ...]:
    """See `ControlPlane.flow_runs`."""
    if wanted.version_id is not None and "@" in wanted.version_id:
        return ()  # the deployment's runs are those of what it is now
    body = _body(wanted, await spoken(api))
    if wanted.project == "":
        return await _in_no_project(api, body, offset=offset, limit=limit)
    return await runs_of(api, await api.rows(_PATH, body, limit=limit, offset=offset))


async def last_runs(api: Connection, flows: Collection[str]) -> tuple[FlowRun, ...]:
    """See `ControlPlane.last_runs`: by flow, deployment and project, out of the newest runs.

    Flows that are not among these are asked for one by one.
    """
    if not flows:
        return ()
    started: JsonObject = {"start_time": {"is_null_": False}}

    def body(of: Collection[str]) -> JsonObject:
        by_name: JsonObject = {"name": {"any_": sorted(of)}}
        return {"flows": by_name, "flow_runs": started, "sort": _STARTED_LAST_FIRST}

    newest = await runs_of(api, await page(api, _PATH, body(flows), 0))
    missing = sorted(set(flows) - {run.flow for run in newest})
    if len(newest) == LARGEST_PAGE and missing:
        found = await at_once(missing, lambda name: page(api, _PATH, body([name]), 0, 1))
        newest += await runs_of(api, [row for rows in found for row in rows])
    last: dict[tuple[str, str, str], FlowRun] = {}
    for run in newest:
        last.setdefault((run.project, run.flow, run.deployment), run)
    return tuple(last.values())


async def flow_run(api: Connection, run_id: str) -> FlowRun | None:
    beginning = IdBeginning.of(run_id)
    if beginning is None or not beginning.is_whole:
        return None
    row = await api.get(f"/flow_runs/{beginning.first}", missing_ok=True)
    return (await runs_of(api, [mapping(row)]))[0] if row is not None else None


async def find_runs(api: Connection, text: str, *, limit: int) -> tuple[FlowRun, ...]:
    """See `ControlPlane.find_runs`."""
    beginning = IdBeginning.of(text)
    if beginning is not None:
        found = await _beginning_with(api, beginning, limit)
        if found:
            return found
    named: JsonObject = {"flow_runs": {"name": {"any_": [text]}}, "sort": _LATEST_FIRST}
    return await runs_of(api, await api.rows(_PATH, named, limit=limit))


async def runs_of(api: Connection, rows: list[JsonObject]) -> tuple[FlowRun, ...]:
    """With the names of their flows and deployments, asked for where they are not known yet."""
    await asyncio.gather(
        names.find(api, "flows", (row.get("flow_id") for row in rows)),
        names.find(api, "deployments", (row.get("deployment_id") for row in rows)),
    )
    return api.understood(rows, lambda row: answers.flow_run(row, api.names))


async def _in_no_project(
    api: Connection, body: JsonObject, *, offset: int, limit: int
) -> tuple[FlowRun, ...]:
    found: list[JsonObject] = []
    for number in range(_MOST_LOOKED_THROUGH):
        rows = await page(api, _PATH, body, number * LARGEST_PAGE)
        found += (row for row in rows if not project_tags.project_of(tags_of(row)))
        if len(rows) < LARGEST_PAGE or len(found) >= offset + limit:
            break
    return await runs_of(api, found[offset : offset + limit])


# --------------------------------------------------------------------------- the beginning of an id


async def _beginning_with(
    api: Connection, beginning: IdBeginning, limit: int
) -> tuple[FlowRun, ...]:
    """The API compares no ids, but it sorts by them: the place is found by halving, with as many
    requests for one run as the number of runs has binary digits."""
    if beginning.is_whole:
        run = await flow_run(api, beginning.digits)
        return (run,) if run is not None else ()
    last = beginning.last
    low, high = 0, whole(await api.post("/flow_runs/count", {}, safe=True))
    while low < high:
        middle = (low + high) // 2
        rows = await page(api, _PATH, {"sort": "ID_DESC"}, middle, 1)
        if rows and str(rows[0].get("id")) > last:
            low = middle + 1
        else:
            high = middle
    place = max(0, low - _MARGIN)
    rows = await page(
        api, _PATH, {"sort": "ID_DESC"}, place, min(LARGEST_PAGE, limit + 2 * _MARGIN)
    )
    first = beginning.first
    found = await runs_of(api, [row for row in rows if first <= str(row.get("id")) <= last])
    return tuple(sorted(found, key=_planned, reverse=True)[:limit])


def _planned(run: FlowRun) -> float:
    return run.scheduled.timestamp() if run.scheduled is not None else 0.0
