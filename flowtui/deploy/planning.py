"""A plan alone: what a deploy would do, of a flow of either generation, without doing any of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from flowtui.api.base import ControlPlane
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.registry import Registry
from flowtui.deploy.layers import known_execution
from flowtui.deploy.request import PlanRequest, Prepared
from flowtui.deploy.shared_stages import checked_registry
from flowtui.deploy.stages import serialize
from flowtui.errors import EngineError
from flowtui.models import FlowKind, LoadedFlow, StorageKind, StorageOptions
from flowtui.run_models import WorkPool

if TYPE_CHECKING:
    from flowtui.deploy.deployment.draft import AskDeployments


@dataclass(frozen=True, slots=True)
class Reached:
    """What answered, to look at; None for what did not."""

    engine: Engine | None = None
    registry: Registry | None = None


async def plan(
    request: PlanRequest, control_plane: ControlPlane | None, stack: AsyncExitStack
) -> tuple[Prepared, Reached]:
    """As far as it can be known; what it could not know the plan says. Raises FlowtuiError."""
    loaded = await serialize.load(
        request.config,
        request.flow,
        known_execution(request),
        anew=request.force,
    )
    if request.flow.kind is FlowKind.FLOW_FUNCTION:
        return await _deployment(request, loaded, control_plane, stack)
    from flowtui.deploy.flow_object import planner

    settled = planner.settle(request, loaded)
    reached = await _reach(settled.options, settled.options.type, stack)
    prepared = await planner.make_plan(
        request,
        loaded,
        settled,
        control_plane=control_plane,
        engine=reached.engine,
        registry=reached.registry,
    )
    return prepared, reached


async def _deployment(
    request: PlanRequest,
    loaded: LoadedFlow,
    control_plane: ControlPlane | None,
    stack: AsyncExitStack,
) -> tuple[Prepared, Reached]:
    from flowtui.deploy.deployment import draft
    from flowtui.deploy.deployment.settle import settle

    pools, known = await asyncio.gather(
        _pools(request, control_plane), draft.look_up(request, loaded, _look(control_plane))
    )
    settled = settle(request, loaded, pools, known.version)
    reached = await _reach(settled.resolved.options, settled.storage, stack)
    prepared = await draft.make_plan(
        request, loaded, settled, known, engine=reached.engine, registry=reached.registry
    )
    return prepared, reached


def _look(control_plane: ControlPlane | None) -> AskDeployments | None:
    if control_plane is None:
        return None
    return lambda flow_name: control_plane.deployments((flow_name,))


async def _pools(
    request: PlanRequest, control_plane: ControlPlane | None
) -> tuple[WorkPool, ...] | None:
    """With the one that the deploy would make first; None where nobody was asked."""
    if control_plane is None:
        return None
    pools, new = await control_plane.work_pools(), request.new_pool
    if new is None or any(pool.name == new.name for pool in pools):
        return pools
    return (*pools, WorkPool("", new.name, new.type))


async def _reach(
    options: StorageOptions, storage: StorageKind | None, stack: AsyncExitStack
) -> Reached:
    if storage is not StorageKind.DOCKER:
        return Reached()
    engine = await _if_reachable(stack, Engine.connect())
    url = options.registry_url
    registry = await _if_reachable(stack, checked_registry(url)) if url else None
    return Reached(engine, registry)


_Resource = TypeVar("_Resource", bound=AbstractAsyncContextManager[object])


async def _if_reachable(stack: AsyncExitStack, opening: Awaitable[_Resource]) -> _Resource | None:
    """For a plan: what does not answer is left out, and the plan says what it could not know."""
    try:
        opened = await opening
    except EngineError:
        return None
    await stack.enter_async_context(opened)
    return opened
