"""Projects on a Prefect REST API: the tag `project:NAME` on deployments."""

from __future__ import annotations

from flowtui.api.rest.connection import Connection
from flowtui.models import Ability, Project


async def projects(api: Connection) -> tuple[Project, ...]:
    """See `ControlPlane.projects`: those that a deployment is tagged with."""
    raise api.cannot(Ability.TELL_RUNS)


async def create(api: Connection, name: str, description: str) -> Project:
    raise api.cannot(Ability.CREATE_PROJECTS)


async def rename(api: Connection, project: Project, name: str) -> Project:
    raise api.cannot(Ability.RENAME_PROJECTS)


async def describe(api: Connection, project: Project, description: str) -> Project:
    raise api.cannot(Ability.DESCRIBE_PROJECTS)


async def delete(api: Connection, project: Project) -> None:
    raise api.cannot(Ability.DELETE_PROJECTS)


async def move(api: Connection, name: str, source: Project, target: Project) -> None:
    raise api.cannot(Ability.MOVE_FLOWS)
