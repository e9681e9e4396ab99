"""Projects on a Prefect REST API: the tag `project:NAME` on deployments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from flowtui.api.rest import deployments, payload, project_tags
from flowtui.api.rest.connection import Connection
from flowtui.api.rest.paging import at_once
from flowtui.errors import ControlPlaneError, FlowtuiError
from flowtui.models import Ability, Project


async def projects(api: Connection) -> tuple[Project, ...]:
    """See `ControlPlane.projects`: those that a deployment is in, the one without a name last."""
    flows: defaultdict[str, set[str]] = defaultdict(set)
    for row in await deployments.listed(api):
        flows[project_tags.project_of(payload.tags_of(row))].add(str(row["flow_id"]))
    names = sorted(flows, key=lambda name: (not name, name))
    return tuple(Project(name, name, flow_count=len(flows[name])) for name in names)


async def create(api: Connection, name: str, description: str) -> Project:
    """Nothing is sent: the project is there as soon as a deployment is in it."""
    if description:
        raise api.cannot(Ability.DESCRIBE_PROJECTS)
    return Project(_named(api, name), name)


async def rename(api: Connection, project: Project, name: str) -> Project:
    """Each of its deployments is put into the other; one that does not follow is told."""
    _named(api, name)
    if await deployments.listed(api, project=name):
        raise ControlPlaneError(
            f"a project named “{name}” already exists",
            where=api.api_url,
            fix="move its flows there one by one, or choose another name",
        )
    rows = await deployments.listed(api, project=project.name)
    _require(api, rows, f"there is nothing in the project “{project.name}”")
    await _each(api, rows, lambda row: _retag(api, row, name), f"moved to “{name}”")
    return Project(name, name, project.description, project.flow_count)


async def describe(api: Connection, project: Project, description: str) -> Project:
    raise api.cannot(Ability.DESCRIBE_PROJECTS)


async def delete(api: Connection, project: Project) -> None:
    """Delete all deployments that are in it; their runs stay."""
    rows = await deployments.listed(api, project=project.name)

    async def one(row: dict[str, Any]) -> None:
        await api.delete(f"/deployments/{row['id']}")

    await _each(api, rows, one, "deleted")


async def move(api: Connection, name: str, source: Project, target: Project) -> None:
    """See `ControlPlane.move_flow`: all deployments of a flow, or one of them."""
    rows = await deployments.listed(api, project=source.name, name=name)
    place = f"in “{source.name}”" if source.name else "outside of projects"
    _require(api, rows, f"there is no “{name}” {place}")
    to = f"moved to “{target.name}”" if target.name else "taken out of the project"
    await _each(api, rows, lambda row: _retag(api, row, target.name), to)


async def _retag(api: Connection, row: dict[str, Any], project: str) -> None:
    tags = project_tags.tagged(payload.tags_of(row), project)
    await api.patch(f"/deployments/{row['id']}", {"tags": tags})


async def _each(
    api: Connection,
    rows: list[dict[str, Any]],
    change: Callable[[dict[str, Any]], Awaitable[None]],
    done: str,
) -> None:
    """Change all of them, whichever fail; then say how far it came."""

    async def one(row: dict[str, Any]) -> FlowtuiError | None:
        try:
            await change(row)
        except FlowtuiError as error:
            return error
        return None

    outcomes = await at_once(rows, one)
    failed = [error for error in outcomes if error is not None]
    if not failed:
        return
    if len(failed) == len(rows):
        raise failed[0]
    left = [str(row["name"]) for row, error in zip(rows, outcomes, strict=True) if error]
    raise ControlPlaneError(
        f"{len(rows) - len(failed)} of {len(rows)} deployments were {done}, but not "
        f"{', '.join(left)}: {failed[0].problem.what}",
        where=api.api_url,
        fix="what was done stays done; do it again for the rest",
    )


def _named(api: Connection, name: str) -> str:
    if name.strip():
        return name
    raise ControlPlaneError("a project needs a name", where=api.api_url)


def _require(api: Connection, rows: list[dict[str, Any]], otherwise: str) -> None:
    if not rows:
        raise ControlPlaneError(
            otherwise, where=api.api_url, fix="somebody may have moved or deleted it: look again"
        )
