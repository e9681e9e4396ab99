"""Runs the stages of one deploy and emits its events."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from flowtui.api.base import ControlPlane
from flowtui.config import ProjectConfig
from flowtui.deploy.checkpoint import Checkpoint
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.events import DeployFinished
from flowtui.deploy.flow_object.run import FlowObjectRun
from flowtui.deploy.plan import Plan
from flowtui.deploy.planner import known_execution, make_plan, settle
from flowtui.deploy.request import PlanRequest
from flowtui.deploy.shared_stages import Keep, Stages, checked_registry, why_not_resume
from flowtui.deploy.stages import serialize
from flowtui.deploy.together import Together
from flowtui.deploy.under_way import Emit, UnderWay
from flowtui.errors import EngineError
from flowtui.models import DeployTable, LocalFlow, Profile, StorageKind


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
                    registry = await _if_reachable(stack, checked_registry(url))
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
        together: Together | None = None,
    ) -> DeployFinished:
        """Run all stages. See `Workspace.deploy`. `keep` gets how far it is as stages finish."""
        request = self._request(flow, overrides, force=force, push=push)
        run = _Run(
            request,
            self._control_plane,
            emit,
            keep,
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
            reasons = await why_not_resume(prepared.plan, taken, engine, self._root)
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
        together: Together | None = None,
    ) -> None:
        self._request = request
        self._taken = taken
        turn = together.turn if together is not None else None
        self._under_way = UnderWay(request.flow.display_name, emit, turn)
        self._stages = Stages(
            request,
            control_plane,
            self._under_way,
            keep,
            create_project=create_project,
            taken=taken,
        )

    async def run(self) -> DeployFinished:
        request = self._request
        return await self._under_way.carry_out(
            FlowObjectRun(self._stages).carry_out,
            target=request.flow.target,
            project=request.overrides.project or request.config.project_of(request.flow.name) or "",
            api_url=request.profile.api_url,
            resumes=self._taken.deploy if self._taken is not None else "",
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
