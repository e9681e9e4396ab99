"""Flow runs as the GraphQL APIs tell of them. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flowtui.api.graphql import answers
from flowtui.api.graphql.connection import Connection
from flowtui.api.graphql.dialect import LEAST_PAGE
from flowtui.api.run_search import IdBeginning, WantedRuns
from flowtui.models import Ability, Json
from flowtui.run_models import FlowRun

_OF_RUNS = (
    "state_message",
    "scheduled_start_time",
    "start_time",
    "end_time",
    "parameters",
    "labels",
    "created",
    "auto_scheduled",
    "run_config",
    "state_start_time",
    "heartbeat",
    "agent_id",
)
_OF_VERSIONS = ("archived", "storage", "core_version")
_FIELDS: Mapping[str, str] = {
    **{name: name for name in ("id", "name", "state", *_OF_RUNS)},
    "flow": "flow { id name version project { name } }",
    **{name: f"flow {{ {name} }}" for name in _OF_VERSIONS},
}
"""GraphQL merges what is selected of `flow` in several places."""
_LATEST_FIRST = "{scheduled_start_time: desc, created: desc}"
_SOONEST_FIRST = "{scheduled_start_time: asc, created: asc}"


def _where(wanted: WantedRuns) -> dict[str, Json]:
    where: dict[str, Json] = {}
    flow: dict[str, Json] = {}
    if wanted.version_id is not None:
        flow["id"] = {"_eq": wanted.version_id}
    of_names: dict[str, Json] = {}
    if wanted.name is not None:
        of_names["_eq"] = wanted.name
    if wanted.names is not None:
        of_names["_in"] = sorted(wanted.names)
    if of_names:
        flow["name"] = of_names
    if wanted.project is not None:
        flow["project"] = {"name": {"_eq": wanted.project}}
    if flow:
        where["flow"] = flow
    if wanted.states is not None:
        where["state"] = {"_in": sorted(wanted.states)}
    planned: dict[str, Json] = {}
    if wanted.planned_until is not None:
        planned["_lte"] = wanted.planned_until.isoformat()
    if wanted.planned_after is not None:
        planned["_gt"] = wanted.planned_after.isoformat()
    if planned:
        where["scheduled_start_time"] = planned
    return where


async def flow_runs(
    api: Connection, wanted: WantedRuns, *, offset: int, limit: int
) -> tuple[FlowRun, ...]:
    """See `ControlPlane.flow_runs`."""
    await api.require(Ability.TELL_RUNS)
    order = _LATEST_FIRST if wanted.planned_after is None else _SOONEST_FIRST
    return await _rows(api, _where(wanted), order, offset=offset, limit=limit)


async def flow_run(api: Connection, run_id: str) -> FlowRun | None:
    await api.require(Ability.TELL_RUNS)
    found = await _rows(api, {"id": {"_eq": run_id}}, "", limit=1)
    return found[0] if found else None


async def find_runs(api: Connection, text: str, *, limit: int) -> tuple[FlowRun, ...]:
    """See `ControlPlane.find_runs`."""
    await api.require(Ability.TELL_RUNS)
    beginning = IdBeginning.of(text)
    if beginning is not None:
        # A database compares ids, it has no patterns for them.
        by_id: dict[str, Json] = {"id": {"_gte": beginning.first, "_lte": beginning.last}}
        found = await _rows(api, by_id, _LATEST_FIRST, limit=limit)
        if found:
            return found
    return await _rows(api, {"name": {"_eq": text}}, _LATEST_FIRST, limit=limit)


async def last_runs(api: Connection, names: Collection[str]) -> tuple[FlowRun, ...]:
    """The newest run of each flow, by project and name.

    One request where the newest runs of all of them fit into a page. Else flows that are not among
    these are looked up by the version in use: the last run of an earlier version is then not told.
    """
    if not names or Ability.TELL_RUNS not in await api.abilities():
        return ()
    started: dict[str, Json] = {"start_time": {"_is_null": False}}
    of_names: dict[str, Json] = {"name": {"_in": sorted(names)}}
    newest = await _rows(api, {**started, "flow": of_names}, "{start_time: desc}", limit=LEAST_PAGE)
    found = _newest_of_each(newest)
    missing = set(names) - {run.flow for run in found}
    if len(newest) == LEAST_PAGE and missing:
        in_use: dict[str, Json] = {"name": {"_in": sorted(missing)}, "archived": {"_eq": False}}
        rest = await _rows(
            api,
            {**started, "flow": in_use},
            "{flow_id: asc, start_time: desc}",
            limit=len(missing),
            distinct="flow_id",
        )
        found += _newest_of_each(rest)
    return found


def _newest_of_each(runs: tuple[FlowRun, ...]) -> tuple[FlowRun, ...]:
    newest: dict[tuple[str, str], FlowRun] = {}
    for run in runs:
        place = (run.project, run.flow)
        known = newest.get(place)
        if known is None or _started(run) > _started(known):
            newest[place] = run
    return tuple(newest.values())


def _started(run: FlowRun) -> float:
    return run.started.timestamp() if run.started is not None else 0.0


async def _rows(
    api: Connection,
    where: Mapping[str, Json],
    order: str,
    *,
    limit: int,
    offset: int = 0,
    distinct: str = "",
) -> tuple[FlowRun, ...]:
    rows = await api.rows(
        "flow_run",
        where,
        order,
        _FIELDS,
        optional=(*_OF_RUNS, *_OF_VERSIONS),
        limit=limit,
        offset=offset,
        distinct=distinct,
    )
    return api.understood(rows, answers.flow_run)
