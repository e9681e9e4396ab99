"""Projects of a GraphQL control plane."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from flowtui.api.graphql import answers
from flowtui.api.graphql.connection import Connection
from flowtui.api.graphql.dialect import DESCRIBING, RENAMING
from flowtui.api.graphql.transport import RefusalError
from flowtui.errors import ControlPlaneError
from flowtui.models import Json, Project

_UNIQUENESS = "Uniqueness violation"
_FLOW_COUNT = (
    "flows_aggregate(where: {archived: {_eq: false}}, distinct_on: name) { aggregate { count } }"
)


async def projects(api: Connection) -> tuple[Project, ...]:
    """All projects, by name; `flow_count` counts the names of flows that are not archived."""
    rows = await api.rows(
        "project",
        {},
        "{name: asc}",
        {
            "id": "id",
            "name": "name",
            "description": "description",
            "flows_aggregate": _FLOW_COUNT,
        },
        optional=("description", "flows_aggregate"),
    )
    return api.understood(rows, answers.project)


async def create(api: Connection, name: str, description: str) -> Project:
    await api.connected()
    values: dict[str, Json] = {"name": name}
    if description:
        values["description"] = description
    if api.tenant is not None:
        values["tenant_id"] = api.tenant
    with _taken_names_told(api, name):
        answer = await api.mutate(
            "create_project", values, "id", optional=("description", "tenant_id")
        )
    (project_id,) = api.understood([answer], lambda row: str(row["id"]))
    return Project(project_id, name, description)


async def rename(api: Connection, project: Project, name: str) -> Project:
    await api.connected()
    call = api.first_known(*RENAMING)
    if call is None:
        raise api.no_such_call("renaming a project", "create a new one and deploy into it")
    with _taken_names_told(api, name):
        await api.mutate(call, {"project_id": project.id, "name": name}, "id")
    return replace(project, name=name)


async def describe(api: Connection, project: Project, description: str) -> Project:
    await api.connected()
    call = api.first_known(*DESCRIBING)
    if call is None:
        raise api.no_such_call("describing a project", "describe it in the control plane's UI")
    values: dict[str, Json] = {"project_id": project.id, "description": description}
    await api.mutate(call, values, "id", safe=True)
    return replace(project, description=description)


async def delete(api: Connection, project: Project) -> None:
    """Delete a project with all flows in it."""
    await api.connected()
    if api.first_known("delete_project") is None:
        raise api.no_such_call("deleting a project", "delete it in the control plane's UI")
    await api.succeed("delete_project", {"project_id": project.id})


@contextmanager
def _taken_names_told(api: Connection, name: str) -> Generator[None]:
    try:
        yield
    except RefusalError as refusal:
        if not refusal.mentions(_UNIQUENESS):
            raise
        raise ControlPlaneError(
            f"a project named {name!r} already exists",
            where=api.api_url,
            fix="use it as it is, or choose another name",
        ) from None
