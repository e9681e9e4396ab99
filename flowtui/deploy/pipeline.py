"""Runs the stages of one deploy and emits its events."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from flowtui.api.base import ControlPlane
from flowtui.config import ProjectConfig
from flowtui.deploy import local_storage
from flowtui.deploy.changes import shown_settings
from flowtui.deploy.checkpoint import Asked, Checkpoint, differences, files_of, parts_of
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.image import ImageRecipe
from flowtui.deploy.docker.registry import ImageReference, Registry, registry_host
from flowtui.deploy.events import (
    DeployFinished,
    Level,
    Outcome,
    Planned,
    Stage,
    log_line,
)
from flowtui.deploy.local_storage import LocalRecipe
from flowtui.deploy.plan import Lane, Plan
from flowtui.deploy.planner import (
    PlanRequest,
    known_execution,
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
    Attachment,
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

Keep = Callable[[Checkpoint], None]


def _forget(_: Checkpoint) -> None:
    """For who does not want to go on later."""


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
        loaded = await serialize.load(self._config, flow, known_execution(request))
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
        keep: Keep = _forget,
    ) -> DeployFinished:
        """Run all stages. See `Workspace.deploy`. `keep` gets how far it is as stages finish."""
        request = self._request(flow, overrides, force=force, push=push)
        run = _Run(request, self._control_plane, emit, keep, create_project=create_project)
        return await run.run()

    async def resume(
        self, flow: LocalFlow, emit: Emit, taken: Checkpoint, keep: Keep = _forget
    ) -> DeployFinished:
        """Go on where an earlier deploy ended; from the start, and said so, if that cannot be."""
        run = _Run(
            self._request_again(flow, taken),
            self._control_plane,
            emit,
            keep,
            create_project=taken.asked.create_project,
            taken=taken,
        )
        return await run.run()

    async def why_not_resume(
        self, flow: LocalFlow, taken: Checkpoint
    ) -> tuple[Plan, tuple[str, ...]]:
        """The plan as it is now, and what keeps a deploy from going on, in words."""
        request = self._request_again(flow, taken)
        loaded = await serialize.load(self._config, flow, known_execution(request))
        async with AsyncExitStack() as stack:
            settled = settle(request, loaded)
            engine = None
            if settled.options.type is StorageKind.DOCKER:
                engine = await _if_reachable(stack, Engine.connect())
            prepared = await make_plan(
                request,
                loaded,
                settled,
                control_plane=self._control_plane,
                engine=engine,
                registry=None,
            )
            reasons = await _why_not_resume(prepared.plan, taken, engine, self._root)
        return prepared.plan, reasons

    def _request(
        self, flow: LocalFlow, overrides: DeployTable, *, force: bool, push: bool
    ) -> PlanRequest:
        return PlanRequest(
            self._root,
            self._config,
            self._profile,
            flow,
            overrides,
            force=force,
            push=push,
            salt=secrets.token_hex(8) if force else "",
        )

    def _request_again(self, flow: LocalFlow, taken: Checkpoint) -> PlanRequest:
        asked = taken.asked
        return replace(
            self._request(flow, asked.overrides, force=False, push=asked.push),
            force=bool(asked.salt),
            salt=asked.salt,
        )


class _Run:
    """One deploy."""

    def __init__(
        self,
        request: PlanRequest,
        control_plane: ControlPlane | None,
        emit: Emit,
        keep: Keep,
        *,
        create_project: bool,
        taken: Checkpoint | None = None,
    ) -> None:
        self._request = request
        self._given_control_plane = control_plane
        self._create_project = create_project
        self._keep = keep
        self._taken = taken
        """What an earlier deploy got done, until it shows that it cannot be gone on from."""
        self._under_way = UnderWay(request.flow.display_name, emit)

    async def run(self) -> DeployFinished:
        request = self._request
        return await self._under_way.carry_out(
            self._stages,
            target=request.flow.target,
            project=request.overrides.project or request.config.project_of(request.flow.name) or "",
            api_url=request.profile.api_url,
            resumes=self._taken.deploy if self._taken is not None else "",
        )

    async def _stages(self) -> Made:
        async with AsyncExitStack() as stack:
            engine: Engine | None = None
            registry: Registry | None = None
            pickled: PickledFlow | None = None
            async with self._under_way.stage(Stage.SERIALIZE) as ctx:
                loaded = await serialize.load(
                    self._request.config, self._request.flow, known_execution(self._request), ctx
                )
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
                    taken = await self._take_over(plan, engine, ctx)
                    pickled = (
                        PickledFlow(replace(loaded, serialized=taken.serialized), b"")
                        if taken is not None
                        else await serialize.pickle(
                            self._request.config,
                            self._request.flow,
                            loaded,
                            _attached(plan),
                            ctx,
                        )
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
        reached = self._taken
        if reached is not None:
            reached = replace(reached, deploy=self._under_way.id)
            self._done_before(Stage.BUILD, f"image {reached.image_id[:19]} is on the engine")
        else:
            async with self._under_way.stage(Stage.BUILD) as ctx:
                built = await build_image(
                    ctx, engine, recipe, pickled.pickle, image=plan.image, pull=False
                )
            reached = await self._checkpoint(plan, pickled, image_id=built.id)
        self._keep(reached)
        if plan.options.ignore_healthchecks:
            self._under_way.skip(Stage.HEALTH_CHECK, "ignore_healthchecks is set")
        elif Stage.HEALTH_CHECK in reached.done:
            self._done_before(Stage.HEALTH_CHECK, "the flow passed it in this very image")
        else:
            async with self._under_way.stage(Stage.HEALTH_CHECK) as ctx:
                await check_image(
                    ctx,
                    engine,
                    reached.image_id,
                    self._expectation(plan, pickled),
                    time_limit=self._request.config.health_timeout,
                )
            reached = reached.reached(Stage.HEALTH_CHECK)
            self._keep(reached)
        digest = None
        if registry is None:
            self._under_way.skip(Stage.PUSH, "--no-push: only agents on this engine can run it")
        elif await self._is_pushed(reached, plan.image, registry):
            digest = reached.digest
            self._done_before(Stage.PUSH, f"the registry has {reached.digest[:19]}")
        else:
            async with self._under_way.stage(Stage.PUSH) as ctx:
                pushed = await push_image(
                    ctx, engine, registry, image_id=reached.image_id, image=plan.image
                )
                digest = pushed.digest
            self._keep(reached.reached(Stage.PUSH, digest=digest))
        version = await self._register(pickled.loaded.serialized, project)
        return Made(Outcome.DONE, version, plan.image, digest)

    async def _is_pushed(self, reached: Checkpoint, image: str, registry: Registry) -> bool:
        """Whether the registry itself says that it has what the earlier deploy pushed."""
        if Stage.PUSH not in reached.done:
            return False
        reference = ImageReference.parse(image)
        found = await registry.manifest_digest(reference.repository, reference.version)
        return found == reached.digest

    async def _local(
        self, plan: Plan, recipe: LocalRecipe, pickled: PickledFlow, project: Project
    ) -> Made:
        reached = self._taken
        if reached is not None:
            reached = replace(reached, deploy=self._under_way.id)
            recipe = local_storage.stored(recipe, Path(reached.folder))
        try:
            if reached is not None:
                self._done_before(Stage.BUILD, f"stored in {recipe.folder}")
            else:
                async with self._under_way.stage(Stage.BUILD) as ctx:
                    await asyncio.to_thread(local_storage.store, recipe, pickled.pickle)
                    ctx.log(f"stored {recipe.pickle_path}")
                    for path in sorted(recipe.sources):
                        ctx.log(f"stored {recipe.source_dir / path}")
                reached = await self._checkpoint(plan, pickled, folder=recipe.folder)
            self._keep(reached)
            if plan.options.ignore_healthchecks:
                self._under_way.skip(Stage.HEALTH_CHECK, "ignore_healthchecks is set")
            elif Stage.HEALTH_CHECK in reached.done:
                self._done_before(Stage.HEALTH_CHECK, "the flow passed it with these very files")
            else:
                async with self._under_way.stage(Stage.HEALTH_CHECK) as ctx:
                    await check_local(
                        ctx,
                        pickled.loaded.interpreter,
                        recipe.pickle_path,
                        self._expectation(plan, pickled),
                        time_limit=self._request.config.health_timeout,
                    )
                self._keep(reached.reached(Stage.HEALTH_CHECK))
            self._under_way.skip(Stage.PUSH, "Local storage has no registry")
            version = await self._register(pickled.loaded.serialized, project)
        except BaseException:
            await uncancelled(asyncio.to_thread(local_storage.discard, recipe))
            raise
        return Made(Outcome.DONE, version, reason=f"stored in {recipe.folder}")

    async def _take_over(
        self, plan: Plan, engine: Engine | None, ctx: StageContext
    ) -> Checkpoint | None:
        """What can be gone on from, None where everything is made anew; says why."""
        if self._taken is None:
            return None
        stage, before = self._taken.next_stage, self._taken.deploy[:8]
        reasons = await _why_not_resume(plan, self._taken, engine, self._request.root)
        for reason in reasons:
            ctx.log(f"cannot go on from {stage} of deploy {before}: {reason}", Level.WARNING)
        if reasons:
            self._taken = None
            return None
        ctx.log(f"nothing changed since deploy {before}: going on from {stage}")
        return self._taken

    def _done_before(self, stage: Stage, how: str) -> None:
        why = f"done before: {how}"
        self._under_way.emit(log_line(self._under_way.id, stage, why))
        self._under_way.skip(stage, why)

    async def _checkpoint(
        self, plan: Plan, pickled: PickledFlow, *, image_id: str = "", folder: Path | None = None
    ) -> Checkpoint:
        """What is known once there is something to check, push and register."""
        request = self._request
        root = request.root

        def make() -> Checkpoint:
            return Checkpoint(
                deploy=self._under_way.id,
                asked=Asked(request.overrides, request.push, request.salt, self._create_project),
                content_hash=plan.content_hash,
                parts=parts_of(plan, root),
                serialized=pickled.loaded.serialized,
                done=(Stage.BUILD,),
                image_id=image_id,
                folder=str(folder) if folder is not None else "",
                files=files_of(folder) if folder is not None else {},
            )

        return await asyncio.to_thread(make)

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
            pickled,
            flow_path=str(_attached(plan).storage["path"]),
            options=plan.options,
            execution=plan.execution,
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
                settings=shown_settings(plan.settings),
            )
        )


def _attached(plan: Plan) -> Attachment:
    assert plan.attachment is not None  # every plan of a flow object has one
    return plan.attachment


async def _why_not_resume(
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
