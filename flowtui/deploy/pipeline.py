"""Runs the stages of one deploy and emits its events."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from flowtui.api.base import ControlPlane
from flowtui.config import ProjectConfig
from flowtui.deploy import planning
from flowtui.deploy.applied import AppliedPayload, Memory, NoMemory
from flowtui.deploy.checkpoint import Checkpoint
from flowtui.deploy.events import DeployFinished
from flowtui.deploy.generation import refuse_other
from flowtui.deploy.plan import Plan
from flowtui.deploy.request import PlanRequest
from flowtui.deploy.shared_stages import Keep, Stages, why_not_resume
from flowtui.deploy.together import Together
from flowtui.deploy.under_way import Emit, Made, UnderWay
from flowtui.models import Ability, DeployTable, FlowKind, LocalFlow, Profile
from flowtui.run_models import NewWorkPool


def _forget(_: Checkpoint | AppliedPayload) -> None:
    """For who does not want to go on later."""


class Deployer:
    """Deploys flows of one project folder to one control plane."""

    def __init__(
        self,
        root: Path,
        config: ProjectConfig,
        profile: Profile,
        control_plane: ControlPlane | None,
        *,
        abilities: Collection[Ability] = (),
        memory: Memory | None = None,
    ) -> None:
        """`abilities` are those of the control plane; none: they are not known.

        `memory` tells what was applied of deployments; without it each is like a first one.
        """
        self._abilities = abilities
        self._memory = memory or NoMemory()
        self._root = root
        self._config = config
        self._profile = profile
        self._control_plane = control_plane

    async def plan(
        self,
        flow: LocalFlow,
        overrides: DeployTable,
        *,
        force: bool = False,
        push: bool = True,
        new_pool: NewWorkPool | None = None,
    ) -> Plan:
        """What a deploy would do, as far as it can be known. Raises FlowtuiError subclasses."""
        request = self._request(flow, overrides, force=force, push=push, new_pool=new_pool)
        refuse_other(flow, self._abilities, self._profile.api_url)
        async with AsyncExitStack() as stack:
            prepared, _ = await planning.plan(request, self._control_plane, stack)
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
        new_pool: NewWorkPool | None = None,
        keep: Keep = _forget,
        together: Together | None = None,
    ) -> DeployFinished:
        """Run all stages. See `Workspace.deploy`. `keep` gets how far it is as stages finish."""
        request = self._request(flow, overrides, force=force, push=push, new_pool=new_pool)
        run = _Run(
            request,
            self._control_plane,
            emit,
            keep,
            abilities=self._abilities,
            create_project=create_project,
            together=together,
        )
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
            abilities=self._abilities,
            create_project=taken.asked.create_project,
            taken=taken,
        )
        return await run.run()

    async def why_not_resume(
        self, flow: LocalFlow, taken: Checkpoint
    ) -> tuple[Plan, tuple[str, ...]]:
        """The plan as it is now, and what keeps a deploy from going on, in words."""
        request = self._request_again(flow, taken)
        async with AsyncExitStack() as stack:
            prepared, reached = await planning.plan(request, self._control_plane, stack)
            reasons = await why_not_resume(prepared.plan, taken, reached.engine, self._root)
        return prepared.plan, reasons

    def _request(
        self,
        flow: LocalFlow,
        overrides: DeployTable,
        *,
        force: bool,
        push: bool,
        new_pool: NewWorkPool | None = None,
    ) -> PlanRequest:
        if new_pool is not None:
            options = replace(overrides.deployment, work_pool=new_pool.name)
            overrides = replace(overrides, deployment=options)
        return PlanRequest(
            self._root,
            self._config,
            self._profile,
            flow,
            overrides,
            force=force,
            push=push,
            salt=secrets.token_hex(8) if force else "",
            memory=self._memory,
            new_pool=new_pool,
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
        abilities: Collection[Ability],
        create_project: bool,
        taken: Checkpoint | None = None,
        together: Together | None = None,
    ) -> None:
        self._request = request
        self._abilities = abilities
        self._taken = taken
        self._together = together
        turn = together.turn if together is not None else None
        self._under_way = UnderWay(request.flow.display_name, emit, turn)
        self._stages = Stages(
            request,
            control_plane,
            self._under_way,
            keep,
            create_project=create_project,
            taken=taken,
            together=together,
        )

    async def _carry_out(self) -> Made:
        request = self._request
        refuse_other(request.flow, self._abilities, request.profile.api_url)
        # Imported where it is needed: a flow is of one generation.
        if request.flow.kind is FlowKind.FLOW_FUNCTION:
            from flowtui.deploy.deployment.run import DeploymentRun

            return await DeploymentRun(self._stages).carry_out()
        from flowtui.deploy.flow_object.run import FlowObjectRun

        return await FlowObjectRun(self._stages).carry_out()

    async def run(self) -> DeployFinished:
        if self._together is None:
            return await self._run()
        async with self._together.taking_part(self._stages):
            return await self._run()

    async def _run(self) -> DeployFinished:
        request = self._request
        return await self._under_way.carry_out(
            self._carry_out,
            target=request.flow.target,
            project=request.overrides.project
            or request.config.project_of(request.flow.name, request.flow.deployment)
            or "",
            api_url=request.profile.api_url,
            resumes=self._taken.deploy if self._taken is not None else "",
        )
