"""A connected workspace for the length of one command."""

from __future__ import annotations

import difflib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from flowtui.api.base import ControlPlane
from flowtui.errors import UsageError
from flowtui.models import FlowVersion, Project
from flowtui.workspace import Workspace


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
    """The version of a flow that runs now. Raises UsageError where it is none, or not the only."""
    newest: dict[str, FlowVersion] = {}
    for version in await control_plane.flow_versions(project=project, name=name):
        known = newest.get(version.project)
        if known is None or known.version < version.version:
            newest[version.project] = version
    if len(newest) == 1:
        return next(iter(newest.values()))
    if newest:
        places = ", ".join(f"“{place}”" for place in sorted(newest))
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
