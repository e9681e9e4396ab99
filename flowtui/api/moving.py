"""Moving a flow to another project, by the API's own call or by registering it anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from flowtui.errors import ControlPlaneError
from flowtui.models import FlowVersion, Json, JsonObject, Project, Schedule


class Api(Protocol):
    """What moving needs of a connected control plane."""

    @property
    def api_url(self) -> str: ...
    def first_known(self, *names: str) -> str | None: ...
    async def mutate(
        self, name: str, values: Mapping[str, Json], selection: str, *, safe: bool = False
    ) -> JsonObject: ...
    async def flow_versions(
        self, *, project: str | None = None, name: str | None = None, archived: bool = False
    ) -> tuple[FlowVersion, ...]: ...
    async def serialized_flow(self, version_id: str) -> JsonObject | None: ...
    async def register(
        self, project: Project, serialized: JsonObject, *, set_schedule_active: bool = True
    ) -> FlowVersion: ...
    async def archive(self, version_id: str) -> None: ...


async def move(api: Api, name: str, source: Project, target: Project) -> None:
    """See `ControlPlane.move_flow`."""
    if await api.flow_versions(project=target.name, name=name):
        raise ControlPlaneError(
            f"“{target.name}” holds a flow named “{name}” already",
            where=api.api_url,
            fix="archive or delete that one first, or choose another project",
        )
    if api.first_known("update_flow_project") is not None:
        await _move_versions(api, name, source, target)
    else:
        await _register_anew(api, name, source, target)


async def _move_versions(api: Api, name: str, source: Project, target: Project) -> None:
    versions = await api.flow_versions(project=source.name, name=name, archived=True)
    _require(api, name, source, versions)
    # What is in use comes last: moving again takes up what an interruption left behind.
    for version in sorted(versions, key=lambda each: (not each.archived, each.version)):
        values: dict[str, Json] = {"flow_id": version.id, "project_id": target.id}
        await api.mutate("update_flow_project", values, "id", safe=True)


async def _register_anew(api: Api, name: str, source: Project, target: Project) -> None:
    versions = await api.flow_versions(project=source.name, name=name)
    _require(api, name, source, versions)
    newest = max(versions, key=lambda version: version.version)
    serialized = await api.serialized_flow(newest.id)
    if serialized is None:
        raise ControlPlaneError(
            "this control plane can neither move a flow nor return what is registered of it",
            where=api.api_url,
            fix=f"deploy it from its sources: flowtui deploy PATH --project “{target.name}”",
        )
    active = newest.schedule is not Schedule.PAUSED
    await api.register(target, serialized, set_schedule_active=active)
    for version in versions:
        await api.archive(version.id)


def _require(api: Api, name: str, source: Project, versions: tuple[FlowVersion, ...]) -> None:
    if not versions:
        raise ControlPlaneError(
            f"there is no flow “{name}” in “{source.name}”",
            where=api.api_url,
            fix="somebody may have moved or archived it: look again",
        )
