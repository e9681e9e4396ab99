"""Deployments on a Prefect REST API: which there are, what each says, switching their schedules."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from flowtui.api.rest import answers, dialect, names, payload, project_tags
from flowtui.api.rest.connection import LARGEST_PAGE, Connection
from flowtui.api.rest.paging import at_once, every, page
from flowtui.errors import ControlPlaneError
from flowtui.json_shapes import mapping
from flowtui.models import FlowVersion, Json, JsonObject, RegisteredDeployment
from flowtui.run_models import Parameter
from flowtui.text import clean

_UUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


async def flow_versions(
    api: Connection, *, project: str | None, name: str | None
) -> tuple[FlowVersion, ...]:
    """See `ControlPlane.flow_versions`."""
    rows = await listed(api, project=project, name=name)
    return api.understood(rows, lambda row: _version(api, row))


async def payload_of(api: Connection, deployment_id: str) -> JsonObject | None:
    """See `ControlPlane.serialized_flow`; None where there is no such deployment."""
    row = await found(api, deployment_id)
    return payload.of_row(row, names.known(api, row["flow_id"])) if row is not None else None


async def of_flows(
    api: Connection, flow_names: Collection[str]
) -> tuple[RegisteredDeployment, ...]:
    """See `ControlPlane.deployments`: one request where it is one flow, however many it has."""
    body: dict[str, Json] = {
        "sort": "CREATED_DESC",
        "flows": {"name": {"any_": sorted(flow_names)}},
    }
    rows = await every(api, "deployments", body)
    if len(flow_names) == 1:
        (name,) = flow_names
        names.learn(api, ({"id": row["flow_id"], "name": name} for row in map(mapping, rows)))
    return tuple(
        RegisteredDeployment(
            _version(api, row), payload.of_row(row, names.known(api, row["flow_id"]))
        )
        for row in await _in_form(api, rows)
    )


async def parameters(api: Connection, deployment_id: str) -> tuple[Parameter, ...]:
    """See `ControlPlane.flow_parameters`."""
    return answers.parameters(await existing(api, deployment_id))


async def delete(api: Connection, deployment_id: str) -> None:
    await existing(api, deployment_id)
    await api.delete(f"/deployments/{deployment_id}")


async def set_schedule_active(api: Connection, deployment_id: str, active: bool) -> None:
    """Pause a deployment, or let its schedules go on: those that were off by themselves stay off.

    Where all are off by themselves, going on means all of them.
    """
    row = await existing(api, deployment_id)
    if bool(row["paused"]) is active:
        spoken = await dialect.spoken(api)
        body = spoken.body({"paused": not active}, where=api.api_url)
        await api.patch(f"/deployments/{deployment_id}", body)
    if active and row["schedules"] and not any(each.get("active") for each in row["schedules"]):

        async def switch(schedule: dict[str, Any]) -> None:
            path = f"/deployments/{deployment_id}/schedules/{schedule['id']}"
            await api.patch(path, {"active": True})

        await at_once(row["schedules"], switch)


# ------------------------------------------------------------------------------------------- rows


async def listed(
    api: Connection, *, project: str | None = None, name: str | None = None
) -> list[dict[str, Any]]:
    """Rows of deployments in the form of Prefect 3.9, newest first, the names of their flows known.

    `name` is a flow's, or `flow/deployment`; the `project` "" is that of what is in none.
    """
    body: dict[str, Json] = {"sort": "CREATED_DESC"}
    of_deployments: dict[str, Json] = {}
    flow, _, deployment = (name or "").partition("/")
    if flow:
        body["flows"] = {"name": {"any_": [flow]}}
    if deployment:
        of_deployments["name"] = {"any_": [deployment]}
    if project:
        of_deployments["tags"] = {"all_": [project_tags.tag(project)]}
    if of_deployments:
        body["deployments"] = of_deployments
    if api.names or flow:
        rows = await every(api, "deployments", body)
    else:
        # For the first time: most control planes have so few flows that one page tells all names.
        flows = page(api, "/flows/filter", {}, 0, LARGEST_PAGE)
        rows, found_flows = await asyncio.gather(every(api, "deployments", body), flows)
        names.learn(api, found_flows)
    wanted = [row for row in rows if project is None or _project_of(row) == project]
    return await _in_form(api, wanted)


async def found(api: Connection, deployment_id: str) -> dict[str, Any] | None:
    """The row of one, in the form of Prefect 3.9, its flow's name known."""
    if not _UUID.fullmatch(deployment_id):
        return None
    row = await api.get(f"/deployments/{deployment_id}", missing_ok=True)
    return (await _in_form(api, [mapping(row)]))[0] if row is not None else None


async def existing(api: Connection, deployment_id: str) -> dict[str, Any]:
    row = await found(api, deployment_id)
    if row is not None:
        return row
    if "@" in deployment_id:
        raise ControlPlaneError(
            "this is what a deployment was before: only flowtui's history knows of it",
            where=api.api_url,
            fix="roll back to it first",
        )
    raise ControlPlaneError(
        "this deployment is not registered any more",
        where=api.api_url,
        fix="look at what is registered again: flowtui versions list",
    )


async def named(api: Connection, flow: str, deployment: str) -> dict[str, Any] | None:
    path = f"/deployments/name/{quote(flow, safe='')}/{quote(deployment, safe='')}"
    row = await api.get(path, missing_ok=True)
    return (await _in_form(api, [mapping(row)]))[0] if row is not None else None


def version_of(api: Connection, row: Mapping[str, Any]) -> FlowVersion:
    """Of a row in the form of Prefect 3.9. Raises ControlPlaneError for one that is not."""
    (told,) = api.understood([dict(row)], lambda row: _version(api, row))
    return told


def version_after(before: FlowVersion, changed: JsonObject) -> FlowVersion:
    """With another label and entrypoint, where those were changed."""
    label = clean(str(changed.get("version", before.label) or ""))
    entrypoint = clean(str(changed.get("entrypoint", before.entrypoint) or ""))
    return replace(before, label=label, entrypoint=entrypoint)


async def version(api: Connection, deployment_id: str) -> FlowVersion:
    return version_of(api, await existing(api, deployment_id))


async def _in_form(api: Connection, rows: list[JsonObject]) -> list[dict[str, Any]]:
    told = list(api.understood(rows, dialect.deployment))
    names.learn(api, told)
    await names.find(api, "flows", (row["flow_id"] for row in told))
    return told


def _version(api: Connection, row: JsonObject) -> FlowVersion:
    return answers.deployment(row, names.known(api, row["flow_id"]))


def _project_of(row: JsonObject) -> str:
    return project_tags.project_of(payload.tags_of(row))
