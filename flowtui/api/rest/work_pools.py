"""Work pools, their queues and their workers."""

from __future__ import annotations

from flowtui.api.rest.connection import Connection
from flowtui.models import Ability
from flowtui.run_models import Agent, WorkPool


async def work_pools(api: Connection) -> tuple[WorkPool, ...]:
    """See `ControlPlane.work_pools`."""
    raise api.cannot(Ability.TELL_WORK_POOLS)


async def types(api: Connection) -> tuple[str, ...]:
    """See `ControlPlane.work_pool_types`."""
    raise api.cannot(Ability.CREATE_WORK_POOLS)


async def create(api: Connection, name: str, pool_type: str) -> WorkPool:
    """See `ControlPlane.create_work_pool`."""
    raise api.cannot(Ability.CREATE_WORK_POOLS)


async def pause(api: Connection, name: str, paused: bool) -> None:
    raise api.cannot(Ability.TELL_WORK_POOLS)


async def workers(api: Connection) -> tuple[Agent, ...]:
    """See `ControlPlane.agents`: the workers of all pools."""
    raise api.cannot(Ability.TELL_AGENTS)
