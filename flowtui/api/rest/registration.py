"""Creating deployments, and changing them: only what is named, and nothing for nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flowtui.api.rest import deployments, dialect, names, payload, project_tags, work_pools
from flowtui.api.rest.connection import Connection
from flowtui.api.rest.refusals import RefusedError
from flowtui.errors import ControlPlaneError
from flowtui.json_shapes import items, mapping
from flowtui.models import FlowVersion, Json, JsonObject, Project, RegisteredDeployment

_NAMES = ("flow_name", "name")
_OF_DEPLOYS = frozenset(
    {"entrypoint", "parameter_openapi_schema", "path", "pull_steps", "version", "version_info"}
)
"""What nobody but a deploy changes."""
_DECIDED_BY_THE_SERVER = frozenset({"schedules", "paused", "work_queue_name", "work_pool_name"})
"""Others follow from these: an answer to a change is empty, so it is asked for."""


async def register(api: Connection, project: Project, wanted: JsonObject) -> FlowVersion:
    """See `ControlPlane.register`."""
    flow, name = (str(wanted.get(key) or "") for key in _NAMES)
    if not flow or not name:
        raise ControlPlaneError(
            "a deployment needs the name of its flow and one of its own", where=api.api_url
        )
    row = await deployments.named(api, flow, name)
    if row is None:
        return await _create(api, project, flow, wanted)
    fields = {
        **_but_names(wanted),
        "tags": project_tags.tagged(_texts(wanted.get("tags", payload.tags_of(row))), project.name),
    }
    return await _change(api, row, fields)


async def amend(
    api: Connection,
    deployment_id: str,
    change: Callable[[JsonObject], JsonObject],
    seen: RegisteredDeployment | None = None,
) -> FlowVersion:
    """See `ControlPlane.amend`."""
    if seen is not None:
        fields = change(seen.payload)
        spoken = await dialect.spoken(api)
        if fields.keys() <= _OF_DEPLOYS - spoken.created_only:
            if not fields.keys() <= spoken.forgets:
                body = spoken.body(fields, where=api.api_url)
                await api.patch(f"/deployments/{deployment_id}", body)
            return deployments.version_after(seen.version, fields)
    row = await deployments.existing(api, deployment_id)
    fields = change(payload.of_row(row, names.known(api, row["flow_id"])))
    for key, own in zip(_NAMES, (names.known(api, row["flow_id"]), row["name"]), strict=True):
        if fields.get(key, own) != own:
            raise ControlPlaneError(
                "a deployment and its flow keep their names",
                where=f"{api.api_url}: {own}",
                fix="deploy under the new name, and delete the deployment of the old one",
            )
    changed = _but_names(fields)
    if "tags" in changed:
        own = project_tags.only(payload.tags_of(row))
        changed["tags"] = [*project_tags.without(_texts(changed["tags"])), *own]
    return await _change(api, row, changed)


async def _create(api: Connection, project: Project, flow: str, wanted: JsonObject) -> FlowVersion:
    spoken = await dialect.spoken(api)
    # Both are made but once, however often they are asked for.
    made = mapping(await api.post("/flows/", {"name": flow}, safe=True))
    fields = {
        **{key: value for key, value in _but_names(wanted).items() if value is not None},
        "tags": project_tags.tagged(_texts(wanted.get("tags")), project.name),
    }
    body = {**spoken.body(fields, where=api.api_url), "name": wanted["name"], "flow_id": made["id"]}
    return await _put(api, body)


async def _put(api: Connection, body: JsonObject) -> FlowVersion:
    try:
        row = mapping(await api.post("/deployments/", body, safe=True))
    except RefusedError as refusal:
        pool = str(body.get("work_pool_name") or "")
        if refusal.status == 404 and pool:
            raise await work_pools.unknown(api, pool) from None
        raise
    return await deployments.version(api, str(row["id"]))


async def _change(
    api: Connection, row: Mapping[str, Any], fields: Mapping[str, Json]
) -> FlowVersion:
    """Send what differs of these fields, in which `tags` are all tags."""
    spoken = await dialect.spoken(api)
    tags = payload.tags_of(row)
    there: dict[str, Json] = {**payload.of_row(row, ""), "tags": tags}
    changed = {key: value for key, value in fields.items() if not _same(value, there.get(key))}
    if set(_texts(changed.get("tags"))) == set(tags):
        changed.pop("tags", None)
    if changed.keys() <= spoken.forgets:
        return deployments.version_of(api, row)
    if changed.get("job_variables") == {} and not spoken.empties_job_variables:
        raise ControlPlaneError(
            "Prefect 2 does not take away the last job variable of a deployment",
            where=f"{api.api_url}: {row['name']}",
            fix="leave an empty one: job_variables = { env = {} }; or delete the deployment first",
        )
    _with_whole_place(changed, there)
    pool = changed.get("work_pool_name")
    if pool and pool != there["work_pool_name"]:
        # A server that has none of this name breaks down on it.
        await work_pools.existing(api, str(pool))
    if changed.keys() & spoken.created_only:
        body = spoken.body(payload.whole(row, changed), where=api.api_url)
        return await _put(api, {**body, "name": row["name"]})
    gone = _gone(row["schedules"], changed.get("schedules"))
    if changed.get("schedules") == [] and gone:
        del changed["schedules"]
    if changed:
        body = spoken.body(changed, where=api.api_url)
        await api.patch(f"/deployments/{row['id']}", body)
    for schedule_id in gone:
        await api.delete(f"/deployments/{row['id']}/schedules/{schedule_id}")
    if gone or changed.keys() & _DECIDED_BY_THE_SERVER:
        return await deployments.version(api, str(row["id"]))
    return deployments.version_of(api, {**row, **changed})


def _with_whole_place(changed: dict[str, Json], there: Mapping[str, Json]) -> None:
    """A queue alone is taken for one of the pool that agents of early releases work for; and with
    a pool Prefect 2 looks whether the job variables fit, given or not."""
    pool = there.get("work_pool_name")
    if pool and changed.get("work_queue_name") and "work_pool_name" not in changed:
        changed["work_pool_name"] = pool
    if changed.get("work_pool_name") and "job_variables" not in changed:
        changed["job_variables"] = there["job_variables"]


def _gone(there: list[Mapping[str, Any]], wanted: Json) -> list[str]:
    """Ids of schedules that a PATCH would leave: where all have slugs it only changes and adds."""
    if wanted is None or not there or not all(each.get("slug") for each in there):
        return []
    slugs = {mapping(each).get("slug") for each in items(wanted)}
    return [str(each["id"]) for each in there if each["slug"] not in slugs]


def _same(one: Json, other: Json) -> bool:
    """Equal as JSON, where nothing said is as good as nothing there."""
    return one == other or (not one and not other and not isinstance(one, bool | int))


def _but_names(fields: JsonObject) -> dict[str, Json]:
    return {key: value for key, value in fields.items() if key not in _NAMES}


def _texts(tags: Json) -> list[str]:
    return [str(tag) for tag in items(tags)]
