"""The stages that a deploy of either generation goes through in the same way."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from flowtui.api.base import ControlPlane
from flowtui.deploy.applied import AppliedPayload
from flowtui.deploy.changes import shown_settings
from flowtui.deploy.checkpoint import Asked, Checkpoint, differences, files_of, parts_of
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.image import ImageRecipe, prepare
from flowtui.deploy.docker.registry import ImageReference, Registry, registry_host
from flowtui.deploy.docker.shared_image import Wanted, image_named, union
from flowtui.deploy.events import Level, Outcome, Planned, Stage, log_line
from flowtui.deploy.plan import Lane, Plan
from flowtui.deploy.request import PlanRequest
from flowtui.deploy.stages.build import build_image, ensure_image
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.push import PushedImage, push_image
from flowtui.deploy.together import NamedImage, SharedImage, Together
from flowtui.deploy.under_way import Made, UnderWay
from flowtui.errors import ControlPlaneError
from flowtui.models import JsonObject, Origin, RegisteredDeployment, StorageOptions
from flowtui.run_models import WorkPool

Keep = Callable[[Checkpoint | AppliedPayload], None]
Check = Callable[[StageContext], Awaitable[object]]
"""A health check; raises DeployError for a flow that would not run."""


@dataclass(frozen=True, slots=True)
class Docker:
    """What Docker storage needs, reached; no registry where nothing is pushed."""

    engine: Engine
    registry: Registry | None


@dataclass(frozen=True, slots=True)
class ReadyImage:
    """An image that was checked, and pushed where it is to be."""

    image: str
    """`registry/name:tag`."""
    digest: str | None = None
    """None where nothing is pushed."""


class Stages:
    """One deploy: what it was asked for, how far it is, and the stages all deploys have alike."""

    def __init__(
        self,
        request: PlanRequest,
        control_plane: ControlPlane | None,
        under_way: UnderWay,
        keep: Keep,
        *,
        create_project: bool,
        taken: Checkpoint | None = None,
        together: Together | None = None,
    ) -> None:
        self.request = request
        self.under_way = under_way
        self.keep = keep
        self.create_project = create_project
        self.taken = taken
        """What an earlier deploy got done, until it shows that it cannot be gone on from."""
        self._given_control_plane = control_plane
        self._together = together
        self._deployments: dict[str, tuple[RegisteredDeployment, ...]] = {}

    @property
    def control_plane(self) -> ControlPlane:
        if self._given_control_plane is None:
            raise ControlPlaneError(
                "not connected to a control plane",
                where=self.request.profile.api_url,
                fix="`flowtui whoami` shows what stands in the way",
            )
        return self._given_control_plane

    async def deployments(self, flow_name: str) -> tuple[RegisteredDeployment, ...]:
        """Those of the flows of this name, and maybe of others; deploys made together look once."""
        ask, together = self.control_plane.deployments, self._together
        if together is not None and flow_name in together.flow_names:
            return await together.deployments.result(lambda: ask(together.flow_names))
        if flow_name not in self._deployments:
            self._deployments[flow_name] = await ask((flow_name,))
        return self._deployments[flow_name]

    async def look_up_early(self) -> None:
        """While the flow is loaded, where the source tells its name already."""
        if name := self.request.flow.name:
            await self.deployments(name)

    async def work_pools(self) -> tuple[WorkPool, ...]:
        """Those of the control plane; deploys made together look once."""
        look = self.control_plane.work_pools
        return await (self._together.work_pools.result(look) if self._together else look())

    async def new_pool(self, name: str, kind: str) -> WorkPool:
        """Create it, once for deploys made together."""

        async def create() -> WorkPool:
            return await self.control_plane.create_work_pool(name, kind)

        return await (self._together.new_pool.result(create) if self._together else create())

    async def docker(
        self, stack: AsyncExitStack, options: StorageOptions, ctx: StageContext
    ) -> Docker:
        """Engine and registry, reached before anything is built, and the base image."""
        engine = await stack.enter_async_context(await Engine.connect())
        ctx.log(f"engine: {engine.name} at {engine.endpoint.url}")
        registry = None
        if url := options.registry_url:
            registry = await stack.enter_async_context(await checked_registry(url))
            ctx.log(f"registry: {registry.host}")
        if options.base_image is not None:
            await ensure_image(ctx, engine, options.base_image, pull=not options.local_image)
        return Docker(engine, registry)

    def planned(self, plan: Plan, recipe: ImageRecipe | None = None) -> None:
        """Tells the plan; `recipe` is of an image that deploys made together may share."""
        if self._together is not None:
            shares = recipe is not None and plan.lane is Lane.IMAGE and self.taken is None
            self._together.planned(self, self._wanted(plan, recipe) if shares else None)
        self.under_way.emit(
            Planned(
                deploy=self.under_way.id,
                flow=self.under_way.flow_name,
                project=plan.project,
                storage=str(plan.storage),
                lane=str(plan.lane),
                reasons=plan.reasons,
                content_hash=plan.content_hash,
                image=plan.image,
                settings=shown_settings(plan.settings),
            )
        )

    async def take_over(
        self, plan: Plan, engine: Engine | None, ctx: StageContext
    ) -> Checkpoint | None:
        """What can be gone on from, None where everything is made anew; says why."""
        if self.taken is None:
            return None
        stage, before = self.taken.next_stage, self.taken.deploy[:8]
        reasons = await why_not_resume(plan, self.taken, engine, self.request.root)
        for reason in reasons:
            ctx.log(f"cannot go on from {stage} of deploy {before}: {reason}", Level.WARNING)
        if reasons:
            self.taken = None
            return None
        ctx.log(f"nothing changed since deploy {before}: going on from {stage}")
        return self.taken

    def _wanted(self, plan: Plan, recipe: ImageRecipe | None) -> Wanted | None:
        if recipe is None:
            return None
        named = plan.setting("image_name")
        chosen = named is not None and named.origin is not Origin.INFERRED
        return Wanted(
            recipe.spec,
            plan.options.registry_url,
            plan.options.image_name if chosen else None,
            plan.options.image_tag,
            force=self.request.force,
            entrypoint=_checked_entrypoint(plan),
        )

    async def image(
        self,
        plan: Plan,
        recipe: ImageRecipe,
        docker: Docker,
        *,
        pickle: bytes | None,
        serialized: JsonObject,
        check: Callable[[StageContext, str, SharedImage | None], Awaitable[object]],
    ) -> ReadyImage:
        """Build, health check and push, as far as an earlier deploy has not.

        Deploys made together may share the image: one of them builds and pushes it, each checks its
        own flow in it. `check` gets the id of the image that was built, and what is shared.
        """
        assert plan.image is not None
        image, reached = plan.image, self.taken
        shared = await self._together.image_of(self) if self._together is not None else None
        if reached is not None:
            shared = None
            reached = replace(reached, deploy=self.under_way.id)
            self.done_before(Stage.BUILD, f"image {reached.image_id[:19]} is on the engine")
        elif shared is not None:
            made = await self._built_together(shared, docker)
            image = made.image
            reached = await self.checkpoint(plan, serialized, image_id=made.id)
        else:
            async with self.under_way.stage(Stage.BUILD) as ctx:
                built = await build_image(
                    ctx, docker.engine, recipe, pickle, image=image, pull=False
                )
            reached = await self.checkpoint(plan, serialized, image_id=built.id)
        self.keep(reached)
        image_id = reached.image_id
        reached = await self.health_check(
            plan, reached, "in this very image", lambda ctx: check(ctx, image_id, shared)
        )
        if docker.registry is None:
            self.under_way.skip(Stage.PUSH, "--no-push: it runs on this engine only")
            return ReadyImage(image)
        if await self._is_pushed(reached, image, docker.registry):
            self.done_before(Stage.PUSH, f"the registry has {reached.digest[:19]}")
            return ReadyImage(image, reached.digest)
        pushed = await self._pushed(image, image_id, shared, docker.engine, docker.registry)
        self.keep(reached.reached(Stage.PUSH, digest=pushed.digest))
        return ReadyImage(image, pushed.digest)

    async def _built_together(self, shared: SharedImage, docker: Docker) -> NamedImage:
        assert self._together is not None
        turn = self._together.turn

        async with self.under_way.stage_at_once(Stage.BUILD) as ctx:
            ctx.log(f"one image for {len(shared.wanted)} flows")

            async def build() -> NamedImage:
                recipe = await _recipe_of(shared.wanted, docker.engine)
                image = image_named(shared.wanted[0], recipe.tag)
                async with turn(Stage.BUILD):
                    built = await build_image(
                        ctx, docker.engine, recipe, None, image=image, pull=False
                    )
                return NamedImage(built.id, image)

            made = await shared.built.result(build)
            ctx.log(f"in {made.image}")
            return made

    async def _pushed(
        self,
        image: str,
        image_id: str,
        shared: SharedImage | None,
        engine: Engine,
        registry: Registry,
    ) -> PushedImage:
        if shared is None or self._together is None:
            async with self.under_way.stage(Stage.PUSH) as ctx:
                return await push_image(ctx, engine, registry, image_id=image_id, image=image)
        turn = self._together.turn
        async with self.under_way.stage_at_once(Stage.PUSH) as ctx:

            async def push() -> PushedImage:
                async with turn(Stage.PUSH):
                    return await push_image(ctx, engine, registry, image_id=image_id, image=image)

            pushed = await shared.pushed.result(push)
            ctx.log(f"the registry has {pushed.digest[:19]}")
            return pushed

    async def health_check(
        self, plan: Plan, reached: Checkpoint, where: str, check: Check
    ) -> Checkpoint:
        """Check what was built, unless that was done before or is not wanted."""
        if plan.options.ignore_healthchecks:
            self.under_way.skip(Stage.HEALTH_CHECK, "ignore_healthchecks is set")
            return reached
        if Stage.HEALTH_CHECK in reached.done:
            self.done_before(Stage.HEALTH_CHECK, f"the flow passed it {where}")
            return reached
        async with self.under_way.stage(Stage.HEALTH_CHECK) as ctx:
            await check(ctx)
        reached = reached.reached(Stage.HEALTH_CHECK)
        self.keep(reached)
        return reached

    async def _is_pushed(self, reached: Checkpoint, image: str, registry: Registry) -> bool:
        """Whether the registry itself says that it has what the earlier deploy pushed."""
        if Stage.PUSH not in reached.done:
            return False
        reference = ImageReference.parse(image)
        found = await registry.manifest_digest(reference.repository, reference.version)
        return found == reached.digest

    def done_before(self, stage: Stage, how: str) -> None:
        why = f"done before: {how}"
        self.under_way.emit(log_line(self.under_way.id, stage, why))
        self.under_way.skip(stage, why)

    async def checkpoint(
        self,
        plan: Plan,
        serialized: JsonObject,
        *,
        image_id: str = "",
        folder: Path | None = None,
    ) -> Checkpoint:
        """What is known once there is something to check, push and register."""
        request = self.request
        root = request.root

        def make() -> Checkpoint:
            return Checkpoint(
                deploy=self.under_way.id,
                asked=Asked(request.overrides, request.push, request.salt, self.create_project),
                content_hash=plan.content_hash,
                parts=parts_of(plan, root),
                serialized=serialized,
                done=(Stage.BUILD,),
                image_id=image_id,
                folder=str(folder) if folder is not None else "",
                files=files_of(folder) if folder is not None else {},
            )

        return await asyncio.to_thread(make)

    def unchanged(self, plan: Plan) -> Made:
        for stage in (Stage.BUILD, Stage.HEALTH_CHECK, Stage.PUSH, Stage.REGISTER):
            self.under_way.skip(stage, "nothing changed")
        return Made(Outcome.UNCHANGED, plan.current, plan.image, reason=plan.reasons[0])


def _checked_entrypoint(plan: Plan) -> str:
    if plan.options.ignore_healthchecks or plan.payload is None:
        return ""
    return str(plan.payload.get("entrypoint") or "")


async def _recipe_of(wanted: Sequence[Wanted], engine: Engine) -> ImageRecipe:
    """The image with the source of them all."""
    spec = union([each.spec for each in wanted])
    base = None if spec.base_image is None else await engine.image(spec.base_image)
    named = wanted[0]
    settings = {"registry_url": named.registry_url, "image_name": named.image_name}
    return await asyncio.to_thread(
        prepare,
        spec,
        flow_sources={},
        base_identity=base.id if base is not None else "",
        settings=settings,
        salt=secrets.token_hex(8) if named.force else "",
    )


async def why_not_resume(
    plan: Plan, taken: Checkpoint, engine: Engine | None, root: Path
) -> tuple[str, ...]:
    """What differs from the time of the checkpoint, in words; nothing when it can be used."""
    reasons = await asyncio.to_thread(differences, taken, plan, root)
    if reasons or plan.lane in (Lane.NOTHING, Lane.REGISTER):
        return reasons
    if plan.lane is Lane.LOCAL:
        stored = await asyncio.to_thread(files_of, Path(taken.folder)) if taken.folder else {}
        return () if stored and stored == taken.files else ("its stored files are gone",)
    if engine is None:
        return ("the Docker engine does not answer",)
    image = await engine.image(taken.image_id) if taken.image_id else None
    if image is None or image.id != taken.image_id:
        return ("its image is not on the engine any more",)
    return ()


async def checked_registry(url: str) -> Registry:
    """The registry behind a `registry_url`, reached and its credentials taken."""
    registry = await Registry.open(registry_host(url))
    try:
        await registry.check()
    except BaseException:
        await registry.close()
        raise
    return registry
