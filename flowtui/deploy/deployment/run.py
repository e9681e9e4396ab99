"""Carries out the plan of a deployment of Prefect 2 or 3."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from flowtui.deploy.applied import AppliedPayload
from flowtui.deploy.at_once import all_of
from flowtui.deploy.deployment import snapshot
from flowtui.deploy.deployment.draft import by_digest, look_up, make_plan, renewed
from flowtui.deploy.deployment.registration import Registration, tell
from flowtui.deploy.deployment.settle import settle
from flowtui.deploy.deployment.snapshot import Snapshot
from flowtui.deploy.docker.image import ImageRecipe
from flowtui.deploy.events import Level, Outcome, Stage
from flowtui.deploy.layers import known_execution
from flowtui.deploy.plan import Lane, Plan
from flowtui.deploy.shared_stages import Docker, Stages
from flowtui.deploy.stages import serialize
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.healthcheck.entrypoint import (
    EntrypointExpectation,
    check_entrypoint_in_image,
    check_entrypoint_locally,
    look_at_all_in_image,
)
from flowtui.deploy.stages.healthcheck.looks_together import Look
from flowtui.deploy.together import SharedImage
from flowtui.deploy.uncancelled import uncancelled
from flowtui.deploy.under_way import Made
from flowtui.json_shapes import mapping
from flowtui.models import FlowVersion, JsonObject, Project, RegisteredDeployment, StorageKind
from flowtui.run_models import WorkPool


class DeploymentRun:
    """One deploy of a deployment."""

    def __init__(self, stages: Stages) -> None:
        self._shared = stages
        self._request = stages.request
        self._under_way = stages.under_way

    async def carry_out(self) -> Made:
        shared, request = self._shared, self._request
        async with AsyncExitStack() as stack:
            docker: Docker | None = None
            async with self._under_way.stage(Stage.SERIALIZE) as ctx:
                loaded, pools, _ = await all_of(
                    serialize.load(
                        request.config,
                        request.flow,
                        known_execution(request),
                        ctx,
                        anew=request.force,
                    ),
                    shared.work_pools(),
                    shared.look_up_early(),
                )
                flow = replace(request.flow, name=loaded.name)
                self._under_way.flow_name = flow.display_name
                known = await look_up(request, loaded, shared.deployments)
                pools = await self._with_new_pool(pools, ctx)
                settled = settle(request, loaded, pools, known.version)
                if settled.storage is StorageKind.DOCKER:
                    docker = await shared.docker(stack, settled.resolved.options, ctx)
                prepared = await make_plan(
                    request,
                    loaded,
                    settled,
                    known,
                    engine=docker.engine if docker is not None else None,
                    registry=docker.registry if docker is not None else None,
                )
                plan, registration = prepared.plan, prepared.registration
                assert registration is not None  # every plan of a deployment has one
                shared.planned(plan, prepared.image)
                for problem in plan.problems:
                    ctx.log(f"{problem.what}: {problem.fix}", Level.WARNING)
                if plan.lane in (Lane.IMAGE, Lane.LOCAL):
                    await shared.take_over(plan, docker.engine if docker else None, ctx)
            if plan.lane is Lane.NOTHING:
                self._remember_first(registration)
                return shared.unchanged(plan)
            if plan.lane in (Lane.UPDATE, Lane.REGISTER):
                return await self._as_it_was_built(plan, registration)
            if prepared.snapshot is not None:
                return await self._local(plan, prepared.snapshot, registration)
            assert prepared.image is not None and docker is not None
            return await self._image(plan, prepared.image, registration, docker)

    async def _with_new_pool(
        self, pools: tuple[WorkPool, ...], ctx: StageContext
    ) -> tuple[WorkPool, ...]:
        new = self._request.new_pool
        if new is None or any(pool.name == new.name for pool in pools):
            return pools
        made = await self._shared.new_pool(new.name, new.type)
        ctx.log(f"created the work pool “{made.name}” of type {made.type}")
        return (*pools, made)

    async def _image(
        self, plan: Plan, recipe: ImageRecipe, registration: Registration, docker: Docker
    ) -> Made:
        expectation = EntrypointExpectation.of(
            plan.loaded,
            entrypoint=str(registration.wanted.get("entrypoint")),
            folder=recipe.spec.code_folder,
        )

        limit = self._request.config.health_timeout

        async def check(ctx: StageContext, image_id: str, shared: SharedImage | None) -> None:
            seen: Look | None = None
            if shared is not None:
                looked = await shared.looked.result(
                    lambda: look_at_all_in_image(
                        ctx,
                        docker.engine,
                        image_id,
                        expectation,
                        shared.entrypoints,
                        time_limit=limit,
                    )
                )
                seen = looked.get(expectation.entrypoint)
            await check_entrypoint_in_image(
                ctx, docker.engine, image_id, expectation, time_limit=limit, seen=seen
            )

        ready = await self._shared.image(
            plan, recipe, docker, pickle=None, serialized=registration.wanted, check=check
        )
        image = by_digest(ready.image, ready.digest) if ready.digest is not None else ready.image
        version = await self._register(registration.of_image(image))
        return Made(Outcome.DONE, version, ready.image, ready.digest)

    async def _local(self, plan: Plan, stored: Snapshot, registration: Registration) -> Made:
        shared = self._shared
        reached = shared.taken
        if reached is not None:
            reached = replace(reached, deploy=self._under_way.id)
        expectation = EntrypointExpectation.of(
            plan.loaded,
            entrypoint=str(registration.wanted.get("entrypoint")),
            folder=str(stored.folder),
            python_path=_python_path(registration),
        )

        async def check(ctx: StageContext) -> None:
            await check_entrypoint_locally(
                ctx,
                plan.loaded.interpreter,
                expectation,
                time_limit=self._request.config.health_timeout,
            )

        made = False
        try:
            if stored.in_place:
                self._under_way.skip(Stage.BUILD, f"runs take the files of {stored.folder}")
            elif reached is not None:
                shared.done_before(Stage.BUILD, f"stored in {stored.folder}")
            else:
                async with self._under_way.stage(Stage.BUILD) as ctx:
                    made = await asyncio.to_thread(snapshot.store, stored)
                    for path in stored.files:
                        ctx.log(f"{'stored' if made else 'there already:'} {stored.folder / path}")
            if reached is None:
                folder: Path | None = None if stored.in_place else stored.folder
                reached = await shared.checkpoint(plan, registration.wanted, folder=folder)
            shared.keep(reached)
            await shared.health_check(plan, reached, "with these very files", check)
            self._under_way.skip(Stage.PUSH, "Local storage has no registry")
            version = await self._register(registration)
        except BaseException:
            if made:
                await uncancelled(asyncio.to_thread(snapshot.discard, stored))
            raise
        return Made(Outcome.DONE, version, reason=f"stored in {stored.folder}")

    async def _as_it_was_built(self, plan: Plan, registration: Registration) -> Made:
        """Only what is registered changes; the code is one that was checked."""
        self._under_way.skip(Stage.BUILD, plan.reasons[0])
        why = "the code is the same that passed it before"
        self._under_way.skip(Stage.HEALTH_CHECK, why)
        self._under_way.skip(Stage.PUSH, "nothing new to push")
        version = await self._register(registration)
        return Made(Outcome.DONE, version, plan.image, reason=plan.reasons[0])

    async def _register(self, registration: Registration) -> FlowVersion:
        async with self._under_way.stage(Stage.REGISTER) as ctx:
            version = await self._sent(registration, ctx)
            self._shared.keep(AppliedPayload(self._under_way.id, version.id, registration.wanted))
            return version

    async def _sent(self, registration: Registration, ctx: StageContext) -> FlowVersion:
        control_plane, version = self._shared.control_plane, registration.version
        project = Project(registration.project, registration.project)
        if version is None or registration.current is None:
            made = await control_plane.register(project, registration.wanted)
            ctx.log(f"registered “{made.flow_name}” {made.words}{_in_project(made)}")
            return made
        merged = registration.merged()

        def change(now: JsonObject | None) -> JsonObject:
            # While it was built somebody may have paused it, or edited a schedule.
            nonlocal merged
            merged = renewed(registration, now).merged()
            return merged.fields

        if registration.moves:
            names = {key: registration.wanted[key] for key in ("flow_name", "name")}
            fields = change(await control_plane.serialized_flow(version.id))
            made = await control_plane.register(project, {**names, **fields})
        else:
            seen = RegisteredDeployment(version, registration.current)
            made = await control_plane.amend(version.id, change, seen=seen)
        tell(ctx, merged, nothing="nothing has to be sent")
        ctx.log(f"changed “{made.flow_name}”{_in_project(made)}: {made.words}")
        return made

    def _remember_first(self, registration: Registration) -> None:
        """Deployed elsewhere and just the same: from now on it is known what was applied."""
        if registration.base is None and registration.version is not None:
            applied = AppliedPayload(
                self._under_way.id, registration.version.id, registration.wanted
            )
            self._shared.keep(applied)


def _in_project(version: FlowVersion) -> str:
    return f" in “{version.project}”" if version.project else ""


def _python_path(registration: Registration) -> tuple[str, ...]:
    variables = mapping(registration.wanted.get("job_variables"))
    said = str(mapping(variables.get("env")).get("PYTHONPATH") or "")
    return tuple(filter(None, said.split(":")))
