"""Work pools, their queues and their workers."""

from __future__ import annotations

import asyncio
import difflib
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flowtui.api.reading import text
from flowtui.api.rest import answers
from flowtui.api.rest.connection import Connection
from flowtui.api.rest.paging import at_once
from flowtui.api.rest.refusals import RefusedError
from flowtui.errors import ControlPlaneError
from flowtui.json_shapes import mapping
from flowtui.models import Json, JsonObject
from flowtui.run_models import Agent, WorkPool, WorkQueue
from flowtui.text import clean

_TEMPLATES = "/collections/views/aggregate-worker-metadata"
_CLOUDS_TEMPLATES = "/collections/work_pool_types"


async def work_pools(api: Connection) -> tuple[WorkPool, ...]:
    """See `ControlPlane.work_pools`: a request for pools, one for queues, one for each pool."""
    rows, queue_rows = await asyncio.gather(
        api.rows("/work_pools/filter", {}), api.rows("/work_queues/filter", {})
    )
    queues: defaultdict[str, list[WorkQueue]] = defaultdict(list)
    for row, queue in zip(queue_rows, api.understood(queue_rows, answers.work_queue), strict=True):
        queues[str(row.get("work_pool_id") or "")].append(queue)
    by_pool = await at_once(rows, lambda row: _workers(api, row))
    workers = {str(row.get("id")): found for row, found in zip(rows, by_pool, strict=True)}

    def pool(row: Mapping[str, Any]) -> WorkPool:
        return _pool(row, queues[str(row["id"])], workers[str(row["id"])])

    found = api.understood(rows, pool)
    return tuple(sorted(found, key=lambda pool: pool.name))


async def workers(api: Connection) -> tuple[Agent, ...]:
    """See `ControlPlane.agents`: the workers of all pools."""
    rows = await api.rows("/work_pools/filter", {})
    by_pool = await at_once(rows, lambda row: _workers(api, row))
    every = [worker for of_it in by_pool for worker in of_it]
    return tuple(sorted(every, key=_last_seen, reverse=True))


async def types(api: Connection) -> tuple[str, ...]:
    """See `ControlPlane.work_pool_types`."""
    return tuple(sorted(await _templates(api)))


async def create(api: Connection, name: str, pool_type: str) -> WorkPool:
    """See `ControlPlane.create_work_pool`."""
    templates = await _templates(api)
    template = templates.get(pool_type)
    if template is None:
        near = _near(pool_type, templates)
        raise ControlPlaneError(
            f"the control plane has no template for work pools of type “{pool_type}”",
            where=api.api_url,
            fix=f"did you mean {near}?" if near else f"it has: {', '.join(sorted(templates))}",
        )
    body: JsonObject = {"name": name, "type": pool_type, "base_job_template": template}
    try:
        row = mapping(await api.post("/work_pools/", body, safe=False))
    except RefusedError as refusal:
        if refusal.status != 409:
            raise
        raise ControlPlaneError(
            f"a work pool named “{name}” already exists",
            where=api.api_url,
            fix="use it as it is, or choose another name",
        ) from None
    (made,) = api.understood([row], lambda row: _pool(row, [], ()))
    return made


async def pause(api: Connection, name: str, paused: bool) -> None:
    try:
        await api.patch(_path(name), {"is_paused": paused})
    except RefusedError as refusal:
        if refusal.status != 404:
            raise
        raise await unknown(api, name) from None


async def existing(api: Connection, name: str) -> JsonObject:
    """A pool's row. Raises ControlPlaneError where there is none of this name."""
    row = await api.get(_path(name), missing_ok=True)
    if row is None:
        raise await unknown(api, name)
    return mapping(row)


async def unknown(api: Connection, name: str) -> ControlPlaneError:
    """What to say of a pool that is not there."""
    known = [clean(str(row.get("name"))) for row in await api.rows("/work_pools/filter", {})]
    near = _near(name, known)
    if near:
        fix = f"did you mean {near}?"
    elif known:
        fix = f"there are: {', '.join(sorted(known))}"
    else:
        fix = "there is none yet: create one with `flowtui pools create`"
    return ControlPlaneError(
        f"there is no work pool named “{clean(name)}”", where=api.api_url, fix=fix
    )


async def _workers(api: Connection, pool: Mapping[str, Any]) -> tuple[Agent, ...]:
    name, pool_type = str(pool.get("name")), text(pool, "type")
    rows = await api.rows(f"{_path(name)}/workers/filter", {})
    found = api.understood(rows, lambda row: answers.worker(row, clean(name), pool_type))
    return tuple(
        sorted(found, key=lambda worker: (worker.online is True, _last_seen(worker)))[::-1]
    )


async def _templates(api: Connection) -> dict[str, Json]:
    """The job template of each type of pool that the control plane knows."""
    path = _CLOUDS_TEMPLATES if api.credential.is_cloud else _TEMPLATES
    packages = mapping(await api.get(path))
    return {
        pool_type: mapping(about).get("default_base_job_configuration")
        for of_package in packages.values()
        for pool_type, about in mapping(of_package).items()
    }


def _pool(row: Mapping[str, Any], queues: list[WorkQueue], workers: tuple[Agent, ...]) -> WorkPool:
    paused = bool(row.get("is_paused"))
    return WorkPool(
        id=str(row["id"]),
        name=clean(str(row["name"])),
        type=text(row, "type"),
        status="PAUSED" if paused else text(row, "status"),
        paused=paused,
        description=text(row, "description"),
        concurrency_limit=answers.limit(row),
        base_job_template=mapping(row.get("base_job_template")),
        queues=tuple(sorted(queues, key=lambda queue: (queue.priority, queue.name))),
        workers=workers,
        default_queue_id=str(row.get("default_queue_id") or ""),
    )


def _path(name: str) -> str:
    return f"/work_pools/{quote(name, safe='')}"


def _near(name: str, known: Mapping[str, object] | list[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return " or ".join(f"“{each}”" for each in near)


def _last_seen(worker: Agent) -> float:
    return worker.last_seen.timestamp() if worker.last_seen is not None else 0.0
