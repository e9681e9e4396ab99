"""Carries out the plan of a flow of Prefect 0.6 to 1.4: from its pickle to a registered version."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from flowtui.deploy import local_storage
from flowtui.deploy.docker.image import ImageRecipe
from flowtui.deploy.events import Level, Outcome, Stage
from flowtui.deploy.flow_object.planner import make_plan, settle
from flowtui.deploy.layers import known_execution
from flowtui.deploy.local_storage import LocalRecipe
from flowtui.deploy.plan import Lane, Plan
from flowtui.deploy.shared_stages import Docker, Stages
from flowtui.deploy.stages import serialize
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.healthcheck.expectation import Expectation
from flowtui.deploy.stages.healthcheck.stage import check_image, check_local
from flowtui.deploy.stages.register import find_project, register
from flowtui.deploy.together import SharedImage
from flowtui.deploy.uncancelled import uncancelled
from flowtui.deploy.under_way import Made
from flowtui.errors import ControlPlaneError
from flowtui.models import (
    Attachment,
    FlowVersion,
    JsonObject,
    PickledFlow,
    Project,
    StorageKind,
)


class FlowObjectRun:
    """One deploy of a flow object."""

    def __init__(self, stages: Stages) -> None:
        self._shared = stages
        self._request = stages.request
        self._under_way = stages.under_way

    async def carry_out(self) -> Made:
        shared, request = self._shared, self._request
        async with AsyncExitStack() as stack:
            docker: Docker | None = None
            pickled: PickledFlow | None = None
            async with self._under_way.stage(Stage.SERIALIZE) as ctx:
                loaded = await serialize.load(
                    request.config, request.flow, known_execution(request), ctx
                )
                self._under_way.flow_name = loaded.name
                settled = settle(request, loaded)
                if settled.options.type is StorageKind.DOCKER:
                    docker = await shared.docker(stack, settled.options, ctx)
                prepared = await make_plan(
                    request,
                    loaded,
                    settled,
                    control_plane=shared.control_plane,
                    engine=docker.engine if docker is not None else None,
                    registry=docker.registry if docker is not None else None,
                )
                plan = prepared.plan
                shared.planned(plan)
                project = await find_project(
                    shared.control_plane, plan.project, create=shared.create_project, ctx=ctx
                )
                for problem in plan.problems:
                    ctx.log(f"{problem.what}: {problem.fix}", Level.WARNING)
                if plan.lane in (Lane.IMAGE, Lane.LOCAL):
                    pickled = await self._pickled(plan, docker, ctx)
            if plan.lane is Lane.NOTHING:
                return shared.unchanged(plan)
            if plan.earlier is not None:
                return await self._register_again(plan, plan.earlier, project)
            assert pickled is not None  # both lanes that are left have pickled
            if prepared.local is not None:
                return await self._local(plan, prepared.local, pickled, project)
            assert prepared.image is not None and docker is not None
            return await self._image(plan, prepared.image, pickled, project, docker)

    async def _pickled(self, plan: Plan, docker: Docker | None, ctx: StageContext) -> PickledFlow:
        """The pickle; where an earlier deploy is gone on from, what it serialized."""
        engine = docker.engine if docker is not None else None
        taken = await self._shared.take_over(plan, engine, ctx)
        if taken is not None:
            return PickledFlow(replace(plan.loaded, serialized=taken.serialized), b"")
        return await serialize.pickle(
            self._request.config, self._request.flow, plan.loaded, _attached(plan), ctx
        )

    async def _image(
        self,
        plan: Plan,
        recipe: ImageRecipe,
        pickled: PickledFlow,
        project: Project,
        docker: Docker,
    ) -> Made:
        async def check(ctx: StageContext, image_id: str, _: SharedImage | None) -> None:
            await check_image(
                ctx,
                docker.engine,
                image_id,
                self._expectation(plan, pickled),
                time_limit=self._request.config.health_timeout,
            )

        ready = await self._shared.image(
            plan,
            recipe,
            docker,
            pickle=pickled.pickle,
            serialized=pickled.loaded.serialized,
            check=check,
        )
        version = await self._register(pickled.loaded.serialized, project)
        return Made(Outcome.DONE, version, ready.image, ready.digest)

    async def _local(
        self, plan: Plan, recipe: LocalRecipe, pickled: PickledFlow, project: Project
    ) -> Made:
        shared = self._shared
        reached = shared.taken
        if reached is not None:
            reached = replace(reached, deploy=self._under_way.id)
            recipe = local_storage.stored(recipe, Path(reached.folder))

        async def check(ctx: StageContext) -> None:
            await check_local(
                ctx,
                pickled.loaded.interpreter,
                recipe.pickle_path,
                self._expectation(plan, pickled),
                time_limit=self._request.config.health_timeout,
            )

        try:
            if reached is not None:
                shared.done_before(Stage.BUILD, f"stored in {recipe.folder}")
            else:
                async with self._under_way.stage(Stage.BUILD) as ctx:
                    await asyncio.to_thread(local_storage.store, recipe, pickled.pickle)
                    ctx.log(f"stored {recipe.pickle_path}")
                    for path in sorted(recipe.sources):
                        ctx.log(f"stored {recipe.source_dir / path}")
                reached = await shared.checkpoint(
                    plan, pickled.loaded.serialized, folder=recipe.folder
                )
            shared.keep(reached)
            await shared.health_check(plan, reached, "with these very files", check)
            self._under_way.skip(Stage.PUSH, "Local storage has no registry")
            version = await self._register(pickled.loaded.serialized, project)
        except BaseException:
            await uncancelled(asyncio.to_thread(local_storage.discard, recipe))
            raise
        return Made(Outcome.DONE, version, reason=f"stored in {recipe.folder}")

    async def _register(self, serialized: JsonObject, project: Project) -> FlowVersion:
        async with self._under_way.stage(Stage.REGISTER) as ctx:
            return await register(ctx, self._shared.control_plane, project, serialized)

    async def _register_again(self, plan: Plan, earlier: FlowVersion, project: Project) -> Made:
        """The earlier version's own serialization becomes a new version: nothing is built."""
        serialized = await self._shared.control_plane.serialized_flow(earlier.id)
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

    def _expectation(self, plan: Plan, pickled: PickledFlow) -> Expectation:
        return Expectation.of(
            pickled,
            flow_path=str(_attached(plan).storage["path"]),
            options=plan.options,
            execution=plan.execution,
        )


def _attached(plan: Plan) -> Attachment:
    assert plan.attachment is not None  # every plan of a flow object has one
    return plan.attachment
