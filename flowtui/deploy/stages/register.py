"""The last stage: the checked serialization becomes a registered version."""

from __future__ import annotations

import difflib

from flowtui.api.base import ControlPlane
from flowtui.deploy.stages.context import StageContext
from flowtui.errors import ControlPlaneError
from flowtui.models import FlowVersion, JsonObject, Project


async def find_project(
    control_plane: ControlPlane, name: str, *, create: bool, ctx: StageContext
) -> Project:
    """The project of this name, created if asked to. Raises ControlPlaneError when there is none.

    Called before anything is built: a missing project must not cost a build.
    """
    found = await control_plane.projects()
    for project in found:
        if project.name == name:
            return project
    if create:
        project = await control_plane.create_project(name)
        ctx.log(f"created project “{name}”")
        return project
    near = difflib.get_close_matches(name, [project.name for project in found], n=1)
    hint = f"did you mean “{near[0]}”? Or create it" if near else "create it"
    raise ControlPlaneError(
        f"there is no project “{name}”",
        where=control_plane.api_url,
        fix=f"{hint}: add --create-project, or flowtui projects create “{name}”",
    )


async def register(
    ctx: StageContext,
    control_plane: ControlPlane,
    project: Project,
    serialized: JsonObject,
    *,
    start_schedule: bool = True,
) -> FlowVersion:
    """Register exactly this serialization, with its schedule active if it has one."""
    scheduled = start_schedule and serialized.get("schedule") is not None
    version = await control_plane.register(project, serialized, set_schedule_active=scheduled)
    ctx.log(f"registered “{version.flow_name}” {version.words} in “{project.name}”")
    if scheduled:
        ctx.log("its schedule is active")
    return version
