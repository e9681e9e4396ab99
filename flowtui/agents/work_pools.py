"""Which work pool a worker of this project is for, where nobody says."""

from __future__ import annotations

import asyncio
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from flowtui.agents.kinds import AgentKind
from flowtui.agents.spec import AgentSpec
from flowtui.errors import UsageError
from flowtui.run_models import WorkPool
from flowtui.workspace import Workspace

STARTABLE = (AgentKind.PROCESS, AgentKind.DOCKER)
"""Types of work pool whose workers flowtui runs."""


async def for_a_pool(
    workspace: Workspace, wanted: AgentSpec, kind: AgentKind | None, *, create: bool
) -> tuple[AgentSpec, str]:
    """The worker that is wanted with its pool and the pool's kind, and why that pool, in words.

    `kind` is what was asked for, if anything was. A pool that is not there is made of the control
    plane's own template, if that is wanted. Raises UsageError where there is no such pool, or
    several, and what the control plane raises.
    """
    plane = workspace.control_plane
    pools = await plane.work_pools()
    if not wanted.work_pool:
        pool, why = await _chosen(workspace, [each for each in pools if _is(each, kind)], kind)
        return _for(wanted, pool), why
    pool = next((each for each in pools if each.name == wanted.work_pool), None)
    if pool is not None:
        _check_kind(pool, kind)
        return _for(wanted, pool), "as it was asked for"
    if not create:
        there = ", ".join(f"“{each.name}”" for each in pools) or "none"
        raise UsageError(
            f"there is no work pool “{wanted.work_pool}”",
            where=f"work pools of the control plane: {there}",
            fix="name one of them, or add --create-pool",
        )
    made = await plane.create_work_pool(wanted.work_pool, kind or AgentKind.PROCESS)
    return _for(wanted, made), f"made now, of type {made.type}"


def start_command(pool: str, pool_type: str) -> str:
    """What starts a worker for this pool: flowtui where it runs such, else Prefect itself."""
    named = shlex.quote(pool)
    if pool_type in STARTABLE or not pool_type:
        return f"flowtui agent start --pool {named}"
    return f"prefect worker start --pool {named}"


def _is(pool: WorkPool, kind: AgentKind | None) -> bool:
    return pool.type in STARTABLE if kind is None else pool.type == kind


def _for(wanted: AgentSpec, pool: WorkPool) -> AgentSpec:
    if pool.type not in STARTABLE:
        raise UsageError(
            f"flowtui runs no {pool.type} workers",
            where=f"work pool {pool.name}",
            fix=f"start it where it belongs: {start_command(pool.name, pool.type)}",
        )
    return replace(wanted, kind=AgentKind(pool.type), work_pool=pool.name)


def _check_kind(pool: WorkPool, kind: AgentKind | None) -> None:
    if kind is not None and pool.type != kind:
        raise UsageError(
            f"the work pool “{pool.name}” is of type {pool.type}: a {kind} worker cannot work "
            "for it",
            fix="leave --type out, or name another pool",
        )


async def _chosen(
    workspace: Workspace, pools: Sequence[WorkPool], kind: AgentKind | None
) -> tuple[WorkPool, str]:
    """The pool that most flows here are deployed to, else the project file's, else the only one."""
    by_name = {pool.name: pool for pool in pools}
    used = await _used(workspace)
    for name, count in used.most_common():
        if name in by_name:
            deployed = sum(used.values())
            return by_name[name], f"{count} of {deployed} deployments of flows here go to it"
    configured = workspace.config.table.deployment.work_pool
    if configured in by_name:
        return by_name[configured], "the project file says so"
    if len(pools) == 1:
        return pools[0], "there is no other"
    what = f"{kind} work pool" if kind is not None else "work pool"
    if not pools:
        raise UsageError(
            f"there is no {what} that a worker could work for",
            where=workspace.profile.api_url,
            fix=f"make one: flowtui agent start --pool NAME --type {kind or 'process'} "
            "--create-pool",
        )
    raise UsageError(
        f"which {what}? Nothing here tells",
        fix=f"name one with --pool: {', '.join(pool.name for pool in pools)}",
    )


async def _used(workspace: Workspace) -> Counter[str]:
    """The work pools of deployments of flows that are on disk here."""
    discovery = await asyncio.to_thread(workspace.discover)
    here = {flow.name for flow in discovery.flows}
    registered = await workspace.control_plane.flow_versions()
    return Counter(each.work_pool for each in registered if each.name in here and each.work_pool)
