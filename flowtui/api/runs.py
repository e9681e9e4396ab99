"""Flow runs as the GraphQL APIs tell of them. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol, cast

from flowtui.json_shapes import items, mapping
from flowtui.models import FlowRun, Json

PAGE = 100
"""Rows asked for at once: Prefect Cloud gives no more."""

FIELDS: Mapping[str, str] = {
    **{
        name: name
        for name in (
            "id",
            "name",
            "state",
            "state_message",
            "scheduled_start_time",
            "start_time",
            "end_time",
            "parameters",
            "labels",
        )
    },
    "flow": "flow { id name version project { name } }",
}
OPTIONAL = (
    "state_message",
    "scheduled_start_time",
    "start_time",
    "end_time",
    "parameters",
    "labels",
)


class Api(Protocol):
    """What reading runs needs of a connected control plane."""

    async def run_rows(
        self, where: Mapping[str, Json], order: str, *, limit: int, distinct: str = ""
    ) -> tuple[FlowRun, ...]: ...


async def last_runs(api: Api, names: Collection[str]) -> tuple[FlowRun, ...]:
    """The newest run of each flow, by project and name.

    One request where the newest runs of all of them fit into a page. Else flows that are not among
    these are looked up by the version in use: the last run of an earlier version is then not told.
    """
    if not names:
        return ()
    started: dict[str, Json] = {"start_time": {"_is_null": False}}
    of_names: dict[str, Json] = {"name": {"_in": sorted(names)}}
    newest = await api.run_rows({**started, "flow": of_names}, "{start_time: desc}", limit=PAGE)
    found = _newest_of_each(newest)
    missing = set(names) - {run.flow for run in found}
    if len(newest) == PAGE and missing:
        in_use: dict[str, Json] = {"name": {"_in": sorted(missing)}, "archived": {"_eq": False}}
        rest = await api.run_rows(
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


def labels_in(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(label) for label in items(row.get("labels")))


def parameters_in(row: Mapping[str, Any]) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", mapping(row.get("parameters")))
