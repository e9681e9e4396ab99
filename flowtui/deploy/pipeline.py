"""Runs the stages of one deploy and emits its events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import TypeVar

from flowtui.api.base import ControlPlane
from flowtui.config import ProjectConfig
from flowtui.deploy import local_storage
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.image import ImageRecipe
from flowtui.deploy.docker.registry import Registry, registry_host
from flowtui.deploy.events import (
    DeployFinished,
    Level,
    Outcome,
    Planned,
    Stage,
)
from flowtui.deploy.local_storage import LocalRecipe
from flowtui.deploy.plan import Lane, Plan
from flowtui.deploy.planner import (
    PlanRequest,
    make_plan,
    settle,
)
from flowtui.deploy.stages import serialize
from flowtui.deploy.stages.build import build_image, ensure_image
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.healthcheck import Expectation, check_image, check_local
from flowtui.deploy.stages.push import push_image
from flowtui.deploy.stages.register import find_project, register
from flowtui.deploy.uncancelled import uncancelled
from flowtui.deploy.under_way import Emit, Made, UnderWay
from flowtui.errors import ControlPlaneError, EngineError
from flowtui.models import (
    DeployTable,
    FlowVersion,
    JsonObject,
    LocalFlow,
    PickledFlow,
    Profile,
    Project,
    StorageKind,
    StorageOptions,
)


class Deployer:
    """Deploys flows of one project folder to one control plane."""

    def __init__(
        self,
        root: Path,
        config: ProjectConfig,
        profile: Profile,
        control_plane: ControlPlane | None,
    ) -> None:
        self._root = root
        self._config = config
        self._profile = profile
        self._control_plane = control_plane

    async def plan(
        self, flow: LocalFlow, overrides: DeployTable, *, force: bool = False, push: bool = True
    ) -> Plan:
        """What a deploy would do, as far as it can be known. Raises FlowtuiError subclasses."""
        request = self._request(flow, overrides, force=force, push=push)
        loaded = await serialize.load(self._config, flow)
        async with AsyncExitStack() as stack:
            settled = settle(request, loaded)
            engine = registry = None
            if settled.options.type is StorageKind.DOCKER:
                engine = await _if_reachable(stack, Engine.connect())
                if url := settled.options.registry_url:
                    registry = await _if_reachable(stack, _checked_registry(url))
            prepared = await make_plan(
                request,
                loaded,
                settled,
                control_plane=self._control_plane,
                engine=engine,
                registry=registry,
            )
        return prepared.plan

    async def deploy(
        self,
        flow: LocalFlow,
        emit: Emit,
        overrides: DeployTable,
        *,
        force: bool = False,
        push: bool = True,
        create_project: bool = False,
    ) -> DeployFinished:
        """Run all stages. See `Workspace.deploy`."""
        request = self._request(flow, overrides, force=force, push=push)
        run = _Run(request, self._control_plane, emit, create_project=create_project)
        return await run.run()

    def _request(
        self, flow: LocalFlow, overrides: DeployTable, *, force: bool, push: bool
    ) -> PlanRequest:
        return PlanRequest(
            self._root, self._config, self._profile, flow, overrides, force=force, push=push
        )


class _Run:
    """One deploy."""

    def __init__(
        self,
        request: PlanRequest,
        control_plane: ControlPlane | None,
        emit: Emit,
        *,
        create_project: bool,
    ) -> None:
        self._request = request
        self._given_control_plane = control_plane
        self._create_project = create_project
        self._under_way = UnderWay(request.flow.display_name, emit)

    async def run(self) -> DeployFinished:
        request = self._request
        return await self._under_way.carry_out(
            self._stages,
            target=request.flow.target,
            project=request.overrides.project or request.config.project_of(request.flow.name) or "",
            api_url=request.profile.api_url,
        )

    async def _stages(self) -> Made:
        async with AsyncExitStack() as stack:
            engine: Engine | None = None
            registry: Registry | None = None
            pickled: PickledFlow | None = None
            async with self._under_way.stage(Stage.SERIALIZE) as ctx:
                loaded = await serialize.load(self._request.config, self._request.flow, ctx)
                self._under_way.flow_name = loaded.name
                settled = settle(self._request, loaded)
                if settled.options.type is StorageKind.DOCKER:
                    engine, registry = await self._docker(stack, settled.options, ctx)
                prepared = await make_plan(
                    self._request,
                    loaded,
                    settled,
                    control_plane=self._control_plane,
                    engine=engine,
                    registry=registry,
                )
                plan = prepared.plan
                self._planned(plan)
                project = await find_project(
                    self._control_plane, plan.project, create=self._create_project, ctx=ctx
                )
                for problem in plan.problems:
                    ctx.log(f"{problem.what}: {problem.fix}", Level.WARNING)
                if plan.lane in (Lane.IMAGE, Lane.LOCAL):
                    pickled = await serialize.pickle(
                        self._request.config, self._request.flow, loaded, plan.attachment, ctx
                    )
            if plan.lane is Lane.NOTHING:
                return self._unchanged(plan)
            if plan.earlier is not None:
                return await self._register_again(plan, plan.earlier, project)
            assert pickled is not None  # both lanes that are left have pickled
            if prepared.local is not None:
                return await self._local(plan, prepared.local, pickled, project)
            assert prepared.image is not None and engine is not None
            return await self._image(plan, prepared.image, pickled, project, engine, registry)

    async def _docker(
        self, stack: AsyncExitStack, options: StorageOptions, ctx: StageContext
    ) -> tuple[Engine, Registry | None]:
        """Engine and registry, reached before anything is built, and the base image."""
        engine = await stack.enter_async_context(await Engine.connect())
        ctx.log(f"engine: {engine.name} at {engine.endpoint.url}")
        registry = None
        if url := options.registry_url:
            registry = await stack.enter_async_context(await _checked_registry(url))
            ctx.log(f"registry: {registry.host}")
        if options.base_image is not None:
            await ensure_image(ctx, engine, options.base_image, pull=not options.local_image)
        return engine, registry

    async def _image(
        self,
        plan: Plan,
        recipe: ImageRecipe,
        pickled: PickledFlow,
        project: Project,
        engine: Engine,
        registry: Registry | None,
    ) -> Made:
        assert plan.image is not None
        async with self._under_way.stage(Stage.BUILD) as ctx:
            built = await build_image(
                ctx, engine, recipe, pickled.pickle, image=plan.image, pull=False
            )
        if plan.options.ignore_healthchecks:
            self._under_way.skip(Stage.HEALTH_CHECK, "ignore_healthchecks is set")
        else:
            async with self._under_way.stage(Stage.HEALTH_CHECK) as ctx:
                await check_image(
                    ctx,
                    engine,
                    built.id,
                    self._expectation(plan, pickled),
                    time_limit=self._request.config.health_timeout,
                )
        digest = None
        if registry is None:
            self._under_way.skip(Stage.PUSH, "--no-push: only agents on this engine can run it")
        else:
            async with self._under_way.stage(Stage.PUSH) as ctx:
                pushed = await push_image(
                    ctx, engine, registry, image_id=built.id, image=plan.image
                )
                digest = pushed.digest
        version = await self._register(pickled.loaded.serialized, project)
        return Made(Outcome.DONE, version, plan.image, digest)

    async def _local(
        self, plan: Plan, recipe: LocalRecipe, pickled: PickledFlow, project: Project
    ) -> Made:
        try:
            async with self._under_way.stage(Stage.BUILD) as ctx:
                await asyncio.to_thread(local_storage.store, recipe, pickled.pickle)
                ctx.log(f"stored {recipe.pickle_path}")
                for path in sorted(recipe.sources):
                    ctx.log(f"stored {recipe.source_dir / path}")
            if plan.options.ignore_healthchecks:
                self._under_way.skip(Stage.HEALTH_CHECK, "ignore_healthchecks is set")
            else:
                async with self._under_way.stage(Stage.HEALTH_CHECK) as ctx:
                    await check_local(
                        ctx,
                        pickled.loaded.interpreter,
                        recipe.pickle_path,
                        self._expectation(plan, pickled),
                        time_limit=self._request.config.health_timeout,
                    )
            self._under_way.skip(Stage.PUSH, "Local storage has no registry")
            version = await self._register(pickled.loaded.serialized, project)
        except BaseException:
            await uncancelled(asyncio.to_thread(local_storage.discard, recipe))
            raise
        return Made(Outcome.DONE, version, reason=f"stored in {recipe.folder}")

    async def _register(self, serialized: JsonObject, project: Project) -> FlowVersion:
        async with self._under_way.stage(Stage.REGISTER) as ctx:
            return await register(ctx, self._control_plane, project, serialized)

    async def _register_again(self, plan: Plan, earlier: FlowVersion, project: Project) -> Made:
        """The earlier version's own serialization becomes a new version: nothing is built."""
        serialized = await self._control_plane.serialized_flow(earlier.id)
        if serialized is None:
            raise ControlPlaneError(
                f"the control plane does not return the flow of version {earlier.version}",
                where=self._request.profile.api_url,
                fix="deploy with --force to build it anew",
            )
        self._under_way.skip(Stage.BUILD, plan.reasons[0])
        self._under_way.skip(Stage.HEALTH_CHECK, f"version {earlier.version} passed it")
        self._under_way.skip(Stage.PUSH, "nothing new to push")
        version = await self._register(serialized, project)
        return Made(Outcome.DONE, version, plan.image, reason=plan.reasons[0])

    def _unchanged(self, plan: Plan) -> Made:
        for stage in (Stage.BUILD, Stage.HEALTH_CHECK, Stage.PUSH, Stage.REGISTER):
            self._under_way.skip(stage, "nothing changed")
        return Made(Outcome.UNCHANGED, plan.current, plan.image, reason=plan.reasons[0])

    def _expectation(self, plan: Plan, pickled: PickledFlow) -> Expectation:
        return Expectation.of(
            pickled, flow_path=str(plan.attachment.storage["path"]), options=plan.options
        )

    @property
    def _control_plane(self) -> ControlPlane:
        if self._given_control_plane is None:
            raise ControlPlaneError(
                "not connected to a control plane",
                where=self._request.profile.api_url,
                fix="`flowtui whoami` shows what stands in the way",
            )
        return self._given_control_plane

    def _planned(self, plan: Plan) -> None:
        self._under_way.emit(
            Planned(
                deploy=self._under_way.id,
                flow=plan.loaded.name,
                project=plan.project,
                storage=str(plan.storage),
                lane=str(plan.lane),
                reasons=plan.reasons,
                content_hash=plan.content_hash,
                image=plan.image,
            )
        )


_Resource = TypeVar("_Resource", bound=AbstractAsyncContextManager[object])


async def _if_reachable(stack: AsyncExitStack, opening: Awaitable[_Resource]) -> _Resource | None:
    """For a plan: what does not answer is left out, and the plan says what it could not know."""
    try:
        opened = await opening
    except EngineError:
        return None
    await stack.enter_async_context(opened)
    return opened


async def _checked_registry(url: str) -> Registry:
    """The registry behind a `registry_url`, reached and its credentials taken."""
    registry = await Registry.open(registry_host(url))
    try:
        await registry.check()
    except BaseException:
        await registry.close()
        raise
    return registry
