"""A connected workspace for the length of one command."""

from __future__ import annotations

import difflib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from flowtui.api.base import ControlPlane
from flowtui.errors import UsageError
from flowtui.models import Project
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
