"""Rolling back: an earlier version's own serialization is registered again, as a new version.

Nothing is built or pushed. What the version needs must still be there: its image in the registry,
or its files on this machine. The version that is rolled back from stays, archived: rolling back to
it undoes the roll back.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from flowtui.api.base import ControlPlane
from flowtui.deploy.docker import registry
from flowtui.deploy.events import DeployFinished, Outcome, Planned, Stage
from flowtui.deploy.history import DeployRecord
from flowtui.deploy.plan import Lane
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.register import find_project, register
from flowtui.deploy.under_way import Emit, Made, UnderWay
from flowtui.errors import ControlPlaneError, EngineError, UsageError
from flowtui.json_shapes import mapping
from flowtui.models import FlowVersion, JsonObject, Project, Schedule


class RollBack:
    """One roll back, told in the events of a deploy."""

    def __init__(
        self,
        version: FlowVersion,
        control_plane: ControlPlane,
        record: DeployRecord | None,
        emit: Emit,
    ) -> None:
        """`record` is the deploy that made the version, None where it was not made from here."""
        self._version = version
        self._control_plane = control_plane
        self._record = record
        self._under_way = UnderWay(version.name, emit)

    async def run(self, target: str) -> DeployFinished:
        """`target` names the flow's source, for the history."""
        return await self._under_way.carry_out(
            self._stages,
            target=target,
            project=self._version.project,
            api_url=self._control_plane.api_url,
        )

    async def _stages(self) -> Made:
        version, under_way = self._version, self._under_way
        async with under_way.stage(Stage.SERIALIZE) as ctx:
            project, current = await self._look(ctx)
            serialized = await self._serialization(ctx)
        under_way.skip(Stage.BUILD, f"{version.words} is taken as it was built")
        under_way.skip(Stage.HEALTH_CHECK, self._checked)
        digest = await self._what_it_needs()
        async with under_way.stage(Stage.REGISTER) as ctx:
            paused = current is not None and current.schedule is Schedule.PAUSED
            made = await register(
                ctx, self._control_plane, project, serialized, start_schedule=not paused
            )
        return Made(Outcome.DONE, made, version.image, digest, reason=self._reason)

    @property
    def _reason(self) -> str:
        return f"rolled back to {self._version.words}"

    @property
    def _checked(self) -> str:
        if self._record is not None:
            return f"{self._version.words} passed it when it was deployed"
        return f"{self._version.words} was deployed elsewhere and is not checked again"

    async def _look(self, ctx: StageContext) -> tuple[Project, FlowVersion | None]:
        """The project, and the version in use now. Raises UsageError when that is the one."""
        version = self._version
        ctx.log(f"“{version.flow_name}” {version.words} in “{version.project}”")
        project = await find_project(self._control_plane, version.project, create=False, ctx=ctx)
        in_use = await self._control_plane.flow_versions(project=version.project, name=version.name)
        current = max(in_use, key=lambda each: each.version, default=None)
        if current is not None and current.id == version.id:
            raise UsageError(
                f"{version.words} of “{version.flow_name}” is the one in use",
                where=self._control_plane.api_url,
                fix="choose an earlier version: flowtui versions list --archived shows them",
            )
        if current is not None:
            ctx.log(f"{current.words} is in use now and will be archived")
        self._under_way.emit(
            Planned(
                deploy=self._under_way.id,
                flow=version.name,
                project=version.project,
                storage=str((version.storage or {}).get("type") or "").lower(),
                lane=str(Lane.REGISTER),
                reasons=(self._reason,),
                content_hash=(self._record.content_hash if self._record else None) or "",
                image=version.image,
            )
        )
        return project, current

    async def _serialization(self, ctx: StageContext) -> JsonObject:
        serialized = await self._control_plane.serialized_flow(self._version.id)
        if serialized is None:
            raise ControlPlaneError(
                f"the control plane does not return the flow of {self._version.words}",
                where=self._control_plane.api_url,
                fix="check out the sources of that version and deploy them",
            )
        ctx.log("the control plane returned what was registered")
        return serialized

    async def _what_it_needs(self) -> str | None:
        """Makes sure of the image or the files; the image's digest where a registry tells it."""
        if self._version.image is None:
            await self._files()
            return None
        if not (self._version.storage or {}).get("registry_url"):
            why = "its image is in no registry: only agents on the engine that has it can run it"
            self._under_way.skip(Stage.PUSH, why)
            return None
        async with self._under_way.stage(Stage.PUSH) as ctx:
            return await self._digest(ctx, self._version.image)

    async def _digest(self, ctx: StageContext, image: str) -> str:
        digest = await registry.manifest_digest(image)
        if digest is None:
            raise EngineError(
                "its image is gone from the registry",
                where=image,
                fix="check out the sources of that version and deploy them: they are built again",
            )
        known = self._record.digest if self._record is not None else None
        if known is not None and known != digest:
            raise EngineError(
                f"the registry holds another image under its tag: {digest}",
                where=f"{image}, {known} when {self._version.words} was deployed",
                fix="check out the sources of that version and deploy them: they are built again",
            )
        ctx.log(f"{image} is still there: {digest}")
        return digest

    async def _files(self) -> None:
        path = mapping((self._version.storage or {}).get("flows")).get(self._version.name)
        if self._record is None or not isinstance(path, str):
            self._under_way.skip(
                Stage.PUSH, "its files were stored elsewhere and are not looked at"
            )
            return
        if not await asyncio.to_thread(Path(path).exists):
            raise UsageError(
                "its stored file is gone",
                where=path,
                fix="check out the sources of that version and deploy them",
            )
        self._under_way.skip(Stage.PUSH, f"its stored file is still there: {path}")
