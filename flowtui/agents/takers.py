"""Asking a control plane who could take runs, and why one is not taken."""

from __future__ import annotations

from datetime import datetime

from flowtui.agents.waiting import Takers, Waiting, why_waiting
from flowtui.agents.waiting_worker import why_waiting_for_worker
from flowtui.api.base import ControlPlane
from flowtui.models import Ability
from flowtui.run_models import FlowRun, WorkPool

UNDER_WAY = ("Running", "Pending", "Submitting", "InfrastructurePending", "Cancelling")
"""States in which a run of a deployment counts against the limits of pool and queue."""
_MOST_UNDER_WAY = 200


async def takers(plane: ControlPlane, abilities: frozenset[Ability]) -> Takers:
    """Agents; or work pools with their workers, and what counts against their limits.

    Raises ControlPlaneError.
    """
    if Ability.TELL_WORK_POOLS not in abilities:
        return Takers(await plane.agents() if Ability.TELL_AGENTS in abilities else ())
    pools = await plane.work_pools()
    workers = tuple(worker for pool in pools for worker in pool.workers)
    if not any(_is_limited(pool) for pool in pools):
        return Takers(workers, pools)
    under_way = await plane.flow_runs(states=UNDER_WAY, limit=_MOST_UNDER_WAY)
    return Takers(workers, pools, under_way)


def reasons(run: FlowRun, known: Takers, now: datetime) -> tuple[Waiting, ...]:
    """Why this run does not run yet, most telling first; empty for one that runs or is over."""
    if known.pools is None:
        return why_waiting(run, known.agents, now)
    return why_waiting_for_worker(run, known, now)


def _is_limited(pool: WorkPool) -> bool:
    return pool.concurrency_limit is not None or any(
        queue.concurrency_limit is not None for queue in pool.queues
    )
