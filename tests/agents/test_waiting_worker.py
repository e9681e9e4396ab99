"""Why a run of a deployment is not picked up, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flowtui.agents.takers import reasons
from flowtui.agents.waiting import Takers, WaitingKind, is_silent
from flowtui.run_models import Agent, FlowRun, WorkPool, WorkQueue

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def a_run(**what: object) -> FlowRun:
    run = FlowRun(
        id="run",
        name="brave-otter",
        flow="etl",
        project="P",
        version=0,
        version_id="d1",
        state="Scheduled",
        state_start=NOW - timedelta(seconds=5),
        scheduled=NOW - timedelta(seconds=5),
        deployment="nightly",
        work_pool="local",
        work_queue="default",
    )
    return replace(run, **what)  # pyright: ignore[reportArgumentType]


def a_worker(name: str = "box", *, online: bool = True, seconds: float = 4) -> Agent:
    seen = NOW - timedelta(seconds=seconds)
    return Agent(f"w-{name}", name, "process", last_seen=seen, work_pool="local", online=online)


def a_pool(*workers: Agent, **what: object) -> WorkPool:
    queues = (WorkQueue("q", "default", 1),)
    pool = WorkPool("p", "local", "process", "READY", queues=queues, workers=workers)
    return replace(pool, **what)  # pyright: ignore[reportArgumentType]


def running(count: int, queue: str = "default") -> tuple[FlowRun, ...]:
    return tuple(a_run(id=str(n), state="Running", work_queue=queue) for n in range(count))


ON = a_worker()
OFF = a_worker("gone", online=False, seconds=7200)
PAUSED_QUEUE = (WorkQueue("q", "default", 1, paused=True),)
LIMITED_QUEUE = (WorkQueue("q", "default", 1, concurrency_limit=2),)

CASES = [
    (a_run(), a_pool(ON), 0, WaitingKind.SOON, "worker “box” should start it", ""),
    (
        a_run(state="Late", state_start=NOW - timedelta(seconds=40)),
        a_pool(ON, a_worker("box-2")),
        0,
        WaitingKind.SOON,
        "one of the workers “box” or “box-2” should start it, 40 s late by now, at the next poll",
        "",
    ),
    (
        a_run(storage={"type": "Docker", "image": "etl@sha256:0a"}),
        a_pool(ON),
        0,
        WaitingKind.SOON,
        "the process workers of “local” do not use",
        "deploy it to a work pool of type docker",
    ),
    (
        a_run(),
        a_pool(),
        0,
        WaitingKind.NO_WORKER,
        "no worker works for the work pool “local” (process)",
        "flowtui agent start --pool local",
    ),
    (
        a_run(),
        a_pool(OFF),
        0,
        WaitingKind.NO_WORKER,
        "the one worker of the work pool “local” (process) is offline (“gone”: last heard of 2 h",
        "flowtui agent start --pool local",
    ),
    (
        a_run(),
        a_pool(type="kubernetes"),
        0,
        WaitingKind.NO_WORKER,
        "no worker works for",
        "prefect worker start --pool local",
    ),
    (
        a_run(work_pool="my pool"),
        a_pool(ON),
        0,
        WaitingKind.NO_POOL,
        "its work pool “my pool” is not there any more",
        "flowtui agent start --pool 'my pool' --create-pool",
    ),
    (a_run(work_pool=""), a_pool(ON), 0, WaitingKind.NO_POOL, "`.serve(…)`", "“etl”"),
    (a_run(), a_pool(ON, paused=True), 0, WaitingKind.PAUSED, "is paused", "resume local"),
    (
        a_run(),
        a_pool(ON, queues=PAUSED_QUEUE),
        0,
        WaitingKind.PAUSED,
        "the queue “default” of the work pool “local” is paused",
        "resume default --pool local",
    ),
    (
        a_run(),
        a_pool(ON, concurrency_limit=3),
        3,
        WaitingKind.LIMIT,
        "runs no more than 3 at once, and 3 are under way",
        "raise the pool's",
    ),
    (a_run(), a_pool(ON, concurrency_limit=3), 2, WaitingKind.SOON, "should start it", ""),
    (
        a_run(),
        a_pool(ON, queues=LIMITED_QUEUE),
        2,
        WaitingKind.LIMIT,
        "the queue “default” of “local” runs no more than 2 at once",
        "raise the queue's",
    ),
    (
        a_run(state="AwaitingConcurrencySlot", state_start=NOW + timedelta(seconds=20)),
        a_pool(ON),
        0,
        WaitingKind.LIMIT,
        "as many runs of “etl/nightly” are under way as its concurrency limit lets; it asks again "
        "in 20 s",
        "raise the deployment's",
    ),
    (a_run(state="Pending"), a_pool(ON), 0, WaitingKind.TAKEN, "a worker of “local” took it", ""),
    (
        a_run(
            state="Pending",
            state_start=NOW - timedelta(minutes=10),
            scheduled=NOW - timedelta(minutes=10),
        ),
        a_pool(ON),
        0,
        WaitingKind.TAKEN,
        "due 10 min ago, and it has not reported yet",
        "see the worker's log",
    ),
    (a_run(state="Suspended"), a_pool(ON), 0, WaitingKind.HELD, "Suspended", "resume it"),
    (
        a_run(state="AwaitingRetry", state_start=NOW + timedelta(minutes=5)),
        a_pool(ON),
        0,
        WaitingKind.NOT_DUE,
        "it failed and is tried again",
        "",
    ),
]


@pytest.mark.parametrize(("run", "pool", "under_way", "kind", "what", "fix"), CASES)
def test_the_reason(
    run: FlowRun, pool: WorkPool, under_way: int, kind: WaitingKind, what: str, fix: str
) -> None:
    (reason,) = reasons(run, Takers(pool.workers, (pool,), running(under_way)), NOW)
    assert reason.kind is kind
    assert what in reason.what
    assert fix in reason.fix
    assert bool(reason.fix) == bool(fix)


def test_all_that_stands_in_the_way_is_named() -> None:
    later = a_run(state_start=NOW + timedelta(hours=3))
    pool = a_pool(paused=True, queues=PAUSED_QUEUE)
    kinds = [each.kind for each in reasons(later, Takers((), (pool,)), NOW)]
    assert kinds == [
        WaitingKind.NOT_DUE,
        WaitingKind.PAUSED,
        WaitingKind.PAUSED,
        WaitingKind.NO_WORKER,
    ]


def test_a_run_that_is_planned_for_later_waits_for_nothing_else_when_all_is_well() -> None:
    later = a_run(state_start=NOW + timedelta(hours=3))
    (reason,) = reasons(later, Takers((ON,), (a_pool(ON),)), NOW)
    assert reason.kind is WaitingKind.NOT_DUE and "in 3 h" in reason.what


@pytest.mark.parametrize("state", ["Running", "Completed", "Crashed", "Cancelling"])
def test_what_runs_or_is_over_does_not_wait(state: str) -> None:
    assert reasons(a_run(state=state), Takers((), (a_pool(),)), NOW) == ()


def test_other_queues_do_not_fill_this_one() -> None:
    pool = a_pool(ON, queues=LIMITED_QUEUE)
    (reason,) = reasons(a_run(), Takers((ON,), (pool,), running(5, "other")), NOW)
    assert reason.kind is WaitingKind.SOON


def test_a_worker_is_silent_when_the_control_plane_calls_it_offline() -> None:
    assert is_silent(OFF, NOW) and not is_silent(replace(ON, last_seen=None), NOW)
