"""A connected workspace for the length of one command."""

from __future__ import annotations

import difflib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from flowtui.api.base import ControlPlane
from flowtui.errors import UsageError
from flowtui.models import Ability, FlowVersion, Project
from flowtui.workspace import Workspace


async def target_project(workspace: Workspace, name: str) -> Project:
    """The project that something is to be put into; where a project is a tag, any name will do.

    Raises UsageError when there is none.
    """
    if Ability.ANY_PROJECT in workspace.abilities:
        return Project(name, name)
    return await named_project(workspace.control_plane, name)


@asynccontextmanager
async def connected(
    profile: str | None, api_url: str | None, path: Path | None = None
) -> AsyncGenerator[Workspace]:
    """A workspace on a folder with its control plane reached, closed at the end."""
    workspace = await Workspace.open(path or Path(), profile=profile, api_url=api_url)
    try:
        await workspace.connect()
        yield workspace
    finally:
        await workspace.close()


async def named_project(control_plane: ControlPlane, name: str) -> Project:
    """The project of this name. Raises UsageError with the nearest names when there is none."""
    found = await control_plane.projects()
    for project in found:
        if project.name == name:
            return project
    near = difflib.get_close_matches(name, [project.name for project in found], n=3)
    hint = f"did you mean {', '.join(f'“{n}”' for n in near)}? " if near else ""
    raise UsageError(
        f"there is no project “{name}”",
        where=control_plane.api_url,
        fix=f"{hint}flowtui projects list shows all",
    )


async def version_in_use(
    control_plane: ControlPlane, name: str, project: str | None = None
) -> FlowVersion:
    """The version of a flow that runs now, or the deployment named like `flow/deployment`.

    Raises UsageError where it is none, or not the only one.
    """
    newest: dict[tuple[str, str], FlowVersion] = {}
    for version in await control_plane.flow_versions(project=project, name=name):
        place = version.project, version.deployment
        known = newest.get(place)
        if known is None or known.version < version.version:
            newest[place] = version
    if len(newest) == 1:
        return next(iter(newest.values()))
    if len(deployments := sorted({v.flow_name for v in newest.values() if v.deployment})) > 1:
        raise UsageError(
            f"“{name}” has {len(deployments)} deployments",
            where=control_plane.api_url,
            fix=f"name one of them: {', '.join(deployments)}",
        )
    if newest:
        places = ", ".join(f"“{place}”" for place in sorted(project for project, _ in newest))
        raise UsageError(
            f"“{name}” is registered in {len(newest)} projects: {places}",
            where=control_plane.api_url,
            fix="add --project NAME",
        )
    place = f" in “{project}”" if project is not None else ""
    raise UsageError(
        f"no flow “{name}” is registered{place}",
        where=control_plane.api_url,
        fix="flowtui versions list shows all",
    )
