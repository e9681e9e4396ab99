"""Rolling a deployment back: a payload that was applied before is applied again.

Nothing is built or pushed: the image or the stored files of then must still be there. What was
changed elsewhere since the last deploy stays, as at every deploy, unless it is to be exactly as
it was.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from flowtui.api.base import ControlPlane
from flowtui.deploy.applied import Applied, AppliedPayload
from flowtui.deploy.deployment.earlier import deployment_id
from flowtui.deploy.deployment.merge import Merged, merge
from flowtui.deploy.deployment.payload import SET_FOLDER
from flowtui.deploy.deployment.registration import tell
from flowtui.deploy.docker import registry
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.events import DeployFinished, Outcome, Planned, Stage
from flowtui.deploy.history import DeployRecord
from flowtui.deploy.plan import Lane
from flowtui.deploy.shared_stages import Keep
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.under_way import Emit, Made, UnderWay
from flowtui.errors import ControlPlaneError, EngineError, UsageError
from flowtui.json_shapes import items, mapping
from flowtui.models import FlowVersion, JsonObject, StorageKind

_BUILD_AGAIN = "check out the sources of that version and deploy them"


def merged_back(
    applied: Applied, last: Applied | None, current: JsonObject, *, exactly: bool
) -> Merged:
    """What has to be sent so that what was applied then counts again.

    `last` is what was applied last from here, `current` what the server has. Edits made elsewhere
    since `last` stay; `exactly` undoes them too.
    """
    base = current if exactly or last is None else last.payload
    return merge(base, applied.payload, current, same_code=False)


async def registered_now(control_plane: ControlPlane, version: FlowVersion) -> JsonObject:
    """The deployment's payload. Raises ControlPlaneError where it is not there any more."""
    payload = await control_plane.serialized_flow(deployment_id(version.id))
    if payload is None:
        raise ControlPlaneError(
            f"the deployment “{version.flow_name}” is not there any more",
            where=control_plane.api_url,
            fix=_BUILD_AGAIN,
        )
    return payload


class DeploymentRollBack:
    """One roll back, told in the events of a deploy."""

    def __init__(
        self,
        version: FlowVersion,
        control_plane: ControlPlane,
        applied: Applied,
        last: Applied | None,
        record: DeployRecord | None,
        *,
        emit: Emit,
        keep: Keep,
        exactly: bool = False,
    ) -> None:
        """`applied` is what is gone back to, `record` the deploy that applied it."""
        self._version = version
        self._control_plane = control_plane
        self._applied = applied
        self._last = last
        self._record = record
        self._keep = keep
        self._exactly = exactly
        self._under_way = UnderWay(version.flow_name, emit)

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
            ctx.log(f"“{version.flow_name}” back to {version.words}")
            self._planned()
            await registered_now(self._control_plane, version)
        under_way.skip(Stage.BUILD, f"{version.words} is taken as it was built")
        under_way.skip(Stage.HEALTH_CHECK, f"{version.words} passed it when it was deployed")
        await self._what_it_needs()
        async with under_way.stage(Stage.REGISTER) as ctx:
            made = await self._send(ctx)
            self._keep(AppliedPayload(under_way.id, made.id, self._applied.payload))
        reason = f"rolled back to {version.words}"
        return Made(Outcome.DONE, made, self._applied.image, self._applied.digest, reason=reason)

    def _planned(self) -> None:
        applied, version = self._applied, self._version
        self._under_way.emit(
            Planned(
                deploy=self._under_way.id,
                flow=version.name,
                project=version.project,
                storage=self._storage,
                lane=str(Lane.UPDATE),
                reasons=(f"rolled back to {version.words}",),
                content_hash=applied.content_hash,
                image=applied.image,
            )
        )

    async def _send(self, ctx: StageContext) -> FlowVersion:
        """What differs, from what the server has at this very moment."""

        def change(now: JsonObject) -> JsonObject:
            merged = merged_back(self._applied, self._last, now, exactly=self._exactly)
            tell(ctx, merged, nothing="it is like that already: nothing has to be sent")
            return merged.fields

        return await self._control_plane.amend(deployment_id(self._version.id), change)

    @property
    def _storage(self) -> str:
        if self._record is not None and self._record.storage:
            return self._record.storage
        return str(StorageKind.DOCKER if self._image else StorageKind.LOCAL)

    @property
    def _image(self) -> str:
        image = mapping(self._applied.payload.get("job_variables")).get("image")
        return str(image) if image else ""

    async def _what_it_needs(self) -> None:
        """Makes sure of the image or of the stored files."""
        if self._image and self._applied.digest is not None:
            async with self._under_way.stage(Stage.PUSH) as ctx:
                await self._still_pushed(ctx)
        elif self._image and self._storage == StorageKind.DOCKER:
            async with self._under_way.stage(Stage.PUSH) as ctx:
                await self._still_on_the_engine(ctx)
        else:
            await self._still_stored()

    async def _still_pushed(self, ctx: StageContext) -> None:
        found = await registry.manifest_digest(self._image)
        if found is None:
            raise EngineError(
                "its image is gone from the registry", where=self._image, fix=_BUILD_AGAIN
            )
        ctx.log(f"{self._image} is still there")

    async def _still_on_the_engine(self, ctx: StageContext) -> None:
        async with await Engine.connect() as engine:
            if await engine.image(self._image) is None:
                raise EngineError(
                    "its image is gone from the engine", where=self._image, fix=_BUILD_AGAIN
                )
        ctx.log(f"{self._image} is still on this engine")

    async def _still_stored(self) -> None:
        folder = _folder(self._applied.payload)
        if self._storage != StorageKind.LOCAL or not folder:
            self._under_way.skip(Stage.PUSH, "where its code is, is not looked at")
            return
        if not await asyncio.to_thread(Path(folder).is_dir):
            raise UsageError("its stored files are gone", where=folder, fix=_BUILD_AGAIN)
        self._under_way.skip(Stage.PUSH, f"its stored files are still there: {folder}")


def _folder(payload: JsonObject) -> str:
    """Where a run finds its code, as the pull step of Local storage sets it."""
    for step in items(payload.get("pull_steps")):
        directory = mapping(mapping(step).get(SET_FOLDER)).get("directory")
        if directory:
            return str(directory)
    return ""
