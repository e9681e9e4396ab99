"""Why a run of a deployment is not being picked up: decided from the run and the work pools.

The rules are those of Prefect 2.20 and 3.9, as its server and its workers follow them: a worker
asks for what its pool's queues have every 10 seconds, and is handed what is due by then; of a
paused pool or queue it is handed nothing, and of one with a limit no more than that at once.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta

from flowtui.agents.waiting import STARTS_WITHIN, Takers, Waiting, WaitingKind
from flowtui.agents.waiting_words import length, listed, moment
from flowtui.agents.work_pools import start_command
from flowtui.run_models import Agent, FlowRun, RunState, WorkPool, WorkQueue

PREFETCH = timedelta(seconds=10)
_POLL_SECONDS = 10
_TAKEN = frozenset({"Pending", "Submitting", "InfrastructurePending"})
_HELD = frozenset({"Paused", "Suspended"})


def why_waiting_for_worker(run: FlowRun, takers: Takers, now: datetime) -> tuple[Waiting, ...]:
    """The reasons why this run does not run yet, most telling first; empty for one that runs."""
    if run.kind is not RunState.PLANNED:
        return ()
    if run.state in _TAKEN:
        return (_taken(run, now),)
    if run.state in _HELD:
        what = f"its state is {run.state}: no worker is given it before it is resumed"
        return (Waiting(WaitingKind.HELD, what, "resume it in the control plane's UI"),)
    due = run.state_start or run.scheduled
    if run.state == "AwaitingConcurrencySlot":
        return (_deployments_limit(run, due, now),)
    later = due is not None and due > now + PREFETCH
    reasons = [_not_due(run, due, now)] if later and due is not None else []
    hindrances = _hindrances(run, takers, now)
    if hindrances or later:
        return (*reasons, *hindrances)
    return (_soon(run, takers, due, now),)


def _hindrances(run: FlowRun, takers: Takers, now: datetime) -> list[Waiting]:
    if not run.work_pool:
        return [_no_pool(run)]
    pool = next((each for each in takers.pools or () if each.name == run.work_pool), None)
    if pool is None:
        return [
            Waiting(
                WaitingKind.NO_POOL,
                f"its work pool “{run.work_pool}” is not there any more",
                f"flowtui agent start --pool {shlex.quote(run.work_pool)} --create-pool",
            )
        ]
    queue = next((each for each in pool.queues if each.name == run.work_queue), None)
    return [
        reason
        for reason in (
            _paused_pool(pool),
            _paused_queue(pool, queue),
            _no_worker(pool, now),
            _pools_limit(pool, takers),
            _queues_limit(pool, queue, takers),
        )
        if reason is not None
    ]


def _not_due(run: FlowRun, due: datetime, now: datetime) -> Waiting:
    again = "it failed and is tried again" if run.state == "AwaitingRetry" else "it is due"
    return Waiting(
        WaitingKind.NOT_DUE,
        f"{again} {moment(due)}, in {length(due - now)}",
        "" if run.state == "AwaitingRetry" else "to run it now, start another run of the flow",
    )


def _taken(run: FlowRun, now: datetime) -> Waiting:
    who = f"a worker of “{run.work_pool}”" if run.work_pool else "a worker"
    since = max((at for at in (run.state_start, run.scheduled, run.created) if at), default=None)
    if since is None or now - since <= STARTS_WITHIN:
        return Waiting(WaitingKind.TAKEN, f"{who} took it and is starting it")
    return Waiting(
        WaitingKind.TAKEN,
        f"{who} took it, due {length(now - since)} ago, and it has not reported yet",
        "see the worker's log: the image may still be pulled, the process may not start, or the "
        "worker is gone",
    )


def _no_pool(run: FlowRun) -> Waiting:
    return Waiting(
        WaitingKind.NO_POOL,
        "its deployment has no work pool: it is picked up only while the program that serves it "
        "runs (`.serve(…)`), or its pool was deleted",
        f"run that program, or deploy “{run.flow}” to a work pool",
    )


def _paused_pool(pool: WorkPool) -> Waiting | None:
    if not pool.paused:
        return None
    return Waiting(
        WaitingKind.PAUSED,
        f"the work pool “{pool.name}” is paused: its workers are given no runs",
        f"flowtui pools resume {shlex.quote(pool.name)}",
    )


def _paused_queue(pool: WorkPool, queue: WorkQueue | None) -> Waiting | None:
    if queue is None or not queue.paused:
        return None
    return Waiting(
        WaitingKind.PAUSED,
        f"the queue “{queue.name}” of the work pool “{pool.name}” is paused",
        f"prefect work-queue resume {shlex.quote(queue.name)} --pool {shlex.quote(pool.name)}",
    )


def _no_worker(pool: WorkPool, now: datetime) -> Waiting | None:
    if pool.online:
        return None
    fix = start_command(pool.name, pool.type)
    named = f"the work pool “{pool.name}” ({pool.type})"
    if not pool.workers:
        return Waiting(WaitingKind.NO_WORKER, f"no worker works for {named}", fix)
    last = max(pool.workers, key=lambda each: each.last_seen.timestamp() if each.last_seen else 0.0)
    count = len(pool.workers)
    silent = f"all {count} workers of {named} are" if count > 1 else f"the one worker of {named} is"
    return Waiting(
        WaitingKind.NO_WORKER, f"{silent} offline (“{last.name}”: {_last_heard(last, now)})", fix
    )


def _pools_limit(pool: WorkPool, takers: Takers) -> Waiting | None:
    under_way = sum(run.work_pool == pool.name for run in takers.under_way)
    if pool.concurrency_limit is None or under_way < pool.concurrency_limit:
        return None
    return Waiting(
        WaitingKind.LIMIT,
        f"the work pool “{pool.name}” runs no more than {pool.concurrency_limit} at once, and "
        f"{under_way} are under way",
        "wait for one to end, or raise the pool's concurrency limit",
    )


def _queues_limit(pool: WorkPool, queue: WorkQueue | None, takers: Takers) -> Waiting | None:
    if queue is None or queue.concurrency_limit is None:
        return None
    under_way = sum(
        run.work_pool == pool.name and run.work_queue == queue.name for run in takers.under_way
    )
    if under_way < queue.concurrency_limit:
        return None
    return Waiting(
        WaitingKind.LIMIT,
        f"the queue “{queue.name}” of “{pool.name}” runs no more than {queue.concurrency_limit} "
        f"at once, and {under_way} are under way",
        "wait for one to end, or raise the queue's concurrency limit",
    )


def _deployments_limit(run: FlowRun, due: datetime | None, now: datetime) -> Waiting:
    deployment = f"“{run.flow}/{run.deployment}”" if run.deployment else f"“{run.flow}”"
    again = f"; it asks again in {length(due - now)}" if due is not None and due > now else ""
    return Waiting(
        WaitingKind.LIMIT,
        f"as many runs of {deployment} are under way as its concurrency limit lets{again}",
        "wait for one to end, or raise the deployment's concurrency limit",
    )


def _soon(run: FlowRun, takers: Takers, due: datetime | None, now: datetime) -> Waiting:
    pool = next(each for each in takers.pools or () if each.name == run.work_pool)
    online = [f"“{each.name}”" for each in pool.workers if each.online]
    late = f", {length(now - due)} late by now," if due is not None and run.state == "Late" else ""
    what = (
        f"everything fits: {_worker_words(online)} should start it{late} at the next poll, within "
        f"{_POLL_SECONDS} to {2 * _POLL_SECONDS} seconds"
    )
    if pool.type == "process" and (run.storage or {}).get("type") == "Docker":
        return Waiting(
            WaitingKind.SOON,
            f"{what}. Its flow is in an image, which the process workers of “{pool.name}” do not "
            "use: it will most likely crash",
            "deploy it to a work pool of type docker",
        )
    return Waiting(WaitingKind.SOON, what)


def _worker_words(names: Sequence[str]) -> str:
    word = "worker" if len(names) == 1 else "one of the workers"
    return f"{word} {listed(names, 'or')}"


def _last_heard(worker: Agent, now: datetime) -> str:
    if worker.last_seen is None:
        return "never heard of"
    return f"last heard of {length(now - worker.last_seen)} ago"
