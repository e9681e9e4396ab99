"""Which kind of agent a project needs, where nobody says."""

from __future__ import annotations

import asyncio

from flowtui.agents.kinds import AgentKind
from flowtui.models import StorageKind
from flowtui.workspace import Workspace

_KINDS = {StorageKind.DOCKER: AgentKind.DOCKER, StorageKind.LOCAL: AgentKind.LOCAL}


async def default_kind(workspace: Workspace) -> tuple[AgentKind, str]:
    """The kind that runs most of this project's flows, and why, in words.

    What is registered of the flows here counts; where nothing is, what the project file says;
    where that says nothing, flowtui's own default, which is an image.
    """
    names = await asyncio.to_thread(_flow_names, workspace)
    registered = await workspace.control_plane.flow_versions()
    stored = [
        str((version.storage or {}).get("type") or "")
        for version in registered
        if version.name in names
    ]
    in_images, in_files = stored.count("Docker"), stored.count("Local")
    if in_files > in_images:
        return AgentKind.LOCAL, _counted(in_files, len(stored), "in Local storage")
    if in_images:
        return AgentKind.DOCKER, _counted(in_images, len(stored), "in images")
    configured = workspace.config.table.storage.type
    if configured is not None:
        return _KINDS[configured], f"the project file says storage = {configured}"
    return AgentKind.DOCKER, "nothing is registered yet, and flows are stored in images by default"


def _flow_names(workspace: Workspace) -> frozenset[str]:
    return frozenset(flow.name for flow in workspace.discover().flows if flow.name is not None)


def _counted(some: int, all_: int, where: str) -> str:
    return f"{some} of {all_} registered flows here are {where}"
