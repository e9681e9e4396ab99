"""Moving a flow to another project, by the API's own call or by registering it anew."""

from __future__ import annotations

from flowtui.api.graphql import registration, versions
from flowtui.api.graphql.connection import Connection
from flowtui.errors import ControlPlaneError
from flowtui.models import FlowVersion, Json, Project, Schedule


async def move(api: Connection, name: str, source: Project, target: Project) -> None:
    """See `ControlPlane.move_flow`."""
    await api.connected()
    if await versions.flow_versions(api, project=target.name, name=name):
        raise ControlPlaneError(
            f"“{target.name}” holds a flow named “{name}” already",
            where=api.api_url,
            fix="archive or delete that one first, or choose another project",
        )
    if api.first_known("update_flow_project") is not None:
        await _move_versions(api, name, source, target)
    else:
        await _register_anew(api, name, source, target)


async def _move_versions(api: Connection, name: str, source: Project, target: Project) -> None:
    found = await versions.flow_versions(api, project=source.name, name=name, archived=True)
    _require(api, name, source, found)
    # What is in use comes last: moving again takes up what an interruption left behind.
    for version in sorted(found, key=lambda each: (not each.archived, each.version)):
        values: dict[str, Json] = {"flow_id": version.id, "project_id": target.id}
        await api.mutate("update_flow_project", values, "id", safe=True)


async def _register_anew(api: Connection, name: str, source: Project, target: Project) -> None:
    found = await versions.flow_versions(api, project=source.name, name=name)
    _require(api, name, source, found)
    newest = max(found, key=lambda version: version.version)
    serialized = await versions.serialized_flow(api, newest.id)
    if serialized is None:
        raise ControlPlaneError(
            "this control plane can neither move a flow nor return what is registered of it",
            where=api.api_url,
            fix=f"deploy it from its sources: flowtui deploy PATH --project “{target.name}”",
        )
    active = newest.schedule is not Schedule.PAUSED
    await registration.register(api, target, serialized, set_schedule_active=active)
    for version in found:
        await versions.archive(api, version.id)


def _require(api: Connection, name: str, source: Project, found: tuple[FlowVersion, ...]) -> None:
    if not found:
        raise ControlPlaneError(
            f"there is no flow “{name}” in “{source.name}”",
            where=api.api_url,
            fix="somebody may have moved or archived it: look again",
        )
