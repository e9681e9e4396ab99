"""What becomes of runs whose process is gone: the zombie killer and Lazarus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from flowtui.server.database import Database
from flowtui.server.services import agents, lazarus, services, zombies
from flowtui.server.services.background import Round
from flowtui.server.services.settings import ServiceSettings
from tests.server.conftest import Api, Clock

SETTINGS = ServiceSettings(silent_after=timedelta(minutes=10), resurrections=3)
BOTH = (zombies.run_once, lazarus.run_once)


@pytest.fixture
def look(database: Database, clock: Clock) -> Callable[..., None]:
    """`look()` runs both services once, in a server that has always been there."""

    def run(listening: timedelta = timedelta(days=1)) -> None:
        turn = Round(clock(), clock() - listening)
        for service in BOTH:
            service(database, turn, SETTINGS)

    return run


@pytest.fixture
def flow(api: Api) -> str:
    tasks = [
        {"name": slug, "slug": slug, "type": "t", "max_retries": retries, "retry_delay": 90}
        for slug, retries in (("once", 0), ("again", 1))
    ]
    return api.flow(api.project(), document={"tasks": tasks, "edges": []})


def started(api: Api, flow: str) -> tuple[str, dict[str, str]]:
    run = api.run(flow)
    api.set_flow_run(run, "Submitted")
    api.set_flow_run(run, "Running")
    return run, api.task_run_ids(run)


def state(api: Api, run: str, table: str = "flow_run") -> str:
    return api.row(table, run, "state")["state"]


def log(api: Api, run: str) -> list[tuple[str, str, str]]:
    rows = api.row("flow_run", run, "logs {name level message task_run_id}")["logs"]
    return [(row["name"], row["level"], row["message"]) for row in rows]


Look = Callable[..., None]


def test_task_runs_without_a_process_fail_or_are_retried(
    api: Api, clock: Clock, flow: str, look: Look
) -> None:
    run, tasks = started(api, flow)
    for task_run in tasks.values():
        api.set_task_run(task_run, "Running")
    clock.go(minutes=10)
    look()
    assert {slug: state(api, each, "task_run") for slug, each in tasks.items()} == {
        "once": "Failed", "again": "Retrying",
    }  # fmt: skip
    failed = api.row("task_run", tasks["once"], "state_message serialized_state end_time")
    assert failed["state_message"] == (
        "No heartbeat detected from the remote task; marking the run as failed."
    )
    assert failed["end_time"] == clock().isoformat()
    retry = api.row("task_run", tasks["again"], "state_message state_start_time serialized_state")
    assert retry["state_message"].endswith("This will be retry 1 of 1.")
    assert datetime.fromisoformat(retry["state_start_time"]) == clock() + timedelta(seconds=90)
    assert retry["serialized_state"]["run_count"] == 1
    assert {line[:2] for line in log(api, run)} == {("ZombieKiller", "ERROR")}
    assert state(api, run) == "Running"
    assert api.queue() == []
    clock.go(seconds=90)
    assert api.queue() == [run]
    api.set_task_run(tasks["again"], "Submitted")
    api.set_task_run(tasks["again"], "Running")
    clock.go(minutes=10)
    look()
    assert state(api, tasks["again"], "task_run") == "Failed"


def test_no_retry_of_what_has_ended(api: Api, clock: Clock, flow: str, look: Look) -> None:
    run, tasks = started(api, flow)
    api.set_task_run(tasks["again"], "Running")
    api.set_flow_run(run, "Failed")
    clock.go(minutes=10)
    look()
    assert state(api, tasks["again"], "task_run") == "Failed"
    assert state(api, run) == "Failed"
    assert api.row("flow_run", run, "version")["version"] == 4


@pytest.mark.parametrize("sign", ["flow heartbeat", "task heartbeat", "task state"])
def test_a_sign_of_life_saves(api: Api, clock: Clock, flow: str, look: Look, sign: str) -> None:
    run, tasks = started(api, flow)
    api.set_task_run(tasks["once"], "Running")
    for _ in range(4):
        clock.go(minutes=6)
        if sign == "flow heartbeat":
            api.mutate("update_flow_run_heartbeat", {"flow_run_id": run}, "success")
        elif sign == "task heartbeat":
            api.mutate("update_task_run_heartbeat", {"task_run_id": tasks["once"]}, "success")
        else:
            api.set_task_run(tasks["again"], "Looped")
        look()
    assert (state(api, run), state(api, tasks["once"], "task_run")) == ("Running", "Running")
    clock.go(minutes=10)
    look()
    assert state(api, tasks["once"], "task_run") == "Failed"


def test_a_server_that_was_away_judges_nobody(
    api: Api, clock: Clock, flow: str, look: Look
) -> None:
    run, tasks = started(api, flow)
    api.set_task_run(tasks["once"], "Running")
    clock.go(hours=8)
    look(listening=timedelta(minutes=9))
    assert (state(api, run), state(api, tasks["once"], "task_run")) == ("Running", "Running")
    look(listening=timedelta(minutes=10))
    assert state(api, tasks["once"], "task_run") == "Failed"


def test_without_heartbeats_nobody_is_judged(api: Api, clock: Clock, flow: str, look: Look) -> None:
    api.mutate("disable_flow_heartbeat", {"flow_id": flow}, "success")
    run, tasks = started(api, flow)
    cancelling, _ = started(api, flow)
    waiting = api.run(flow)
    api.set_task_run(tasks["once"], "Running")
    api.mutate("cancel_flow_run", {"flow_run_id": cancelling}, "state")
    api.set_flow_run(waiting, "Submitted")
    clock.go(days=3)
    look()
    states = [state(api, each) for each in (run, cancelling, waiting)]
    assert states == ["Running", "Cancelling", "Submitted"]
    assert state(api, tasks["once"], "task_run") == "Running"


def test_cancelling_that_never_ends_is_ended(api: Api, clock: Clock, flow: str, look: Look) -> None:
    run, tasks = started(api, flow)
    api.set_task_run(tasks["again"], "Running")
    api.mutate("cancel_flow_run", {"flow_run_id": run}, "state")
    clock.go(minutes=9)
    look()
    assert state(api, run) == "Cancelling"
    clock.go(minutes=1)
    look()
    assert state(api, run) == "Cancelled"
    assert {state(api, task_run, "task_run") for task_run in tasks.values()} == {"Cancelled"}
    assert log(api, run)[0][:2] == ("ZombieKiller", "ERROR")


@pytest.mark.parametrize("last", ["Submitted", "Running"])
def test_lazarus_hands_out_again(api: Api, clock: Clock, flow: str, look: Look, last: str) -> None:
    run = api.run(flow)
    for attempt in range(1, 4):
        api.set_flow_run(run, "Submitted")
        if last == "Running":
            api.set_flow_run(run, "Running")
        clock.go(minutes=9)
        look()
        assert state(api, run) == last
        clock.go(minutes=1)
        look()
        found = api.row("flow_run", run, "state state_message state_start_time times_resurrected")
        assert found == {
            "state": "Scheduled",
            "state_message": "Rescheduled by a Lazarus process.",
            "state_start_time": clock().isoformat(),
            "times_resurrected": attempt,
        }
        assert api.queue() == [run]
    api.set_flow_run(run, "Submitted")
    clock.go(minutes=10)
    look()
    found = api.row("flow_run", run, "state state_message times_resurrected")
    assert (found["state"], found["times_resurrected"]) == ("Failed", 3)
    assert found["state_message"] == (
        "A Lazarus process attempted to reschedule this run 3 times without success. "
        "Marking as failed."
    )
    lines = log(api, run)
    assert [line[1] for line in lines] == ["INFO", "INFO", "INFO", "ERROR"]
    assert lines[1][2] == "Rescheduled by a Lazarus process. This is attempt 2."


def test_a_run_that_will_go_on_by_itself_is_left(
    api: Api, clock: Clock, flow: str, look: Look
) -> None:
    """A retry in the future needs no process now."""
    run, tasks = started(api, flow)
    later = (clock() + timedelta(hours=5)).isoformat()
    api.set_task_run(tasks["again"], "Retrying", start_time=later, run_count=1)
    clock.go(hours=4)
    look()
    assert (state(api, run), state(api, tasks["again"], "task_run")) == ("Running", "Retrying")


@pytest.mark.parametrize("kind", ["Submitted", "Queued"])
def test_a_task_run_that_was_taken_and_never_started(
    api: Api, clock: Clock, flow: str, look: Look, kind: str
) -> None:
    run, tasks = started(api, flow)
    past = "2026-01-01T00:00:00"
    api.set_task_run(tasks["again"], "Retrying", start_time=past, run_count=1)
    api.set_task_run(tasks["again"], kind)
    clock.go(minutes=10)
    look()
    assert state(api, run) == "Scheduled"
    assert state(api, tasks["again"], "task_run") == kind


def test_without_lazarus_a_run_fails(api: Api, clock: Clock, flow: str, look: Look) -> None:
    api.mutate("disable_flow_lazarus_process", {"flow_id": flow}, "success")
    run, tasks = started(api, flow)
    waiting = api.run(flow)
    api.set_flow_run(waiting, "Submitted")
    api.set_task_run(tasks["once"], "Running")
    clock.go(minutes=10)
    look()
    for each in (run, waiting):
        found = api.row("flow_run", each, "state state_message times_resurrected")
        assert found == {
            "state": "Failed",
            "state_message": "No heartbeat detected from the flow run; marking the run as failed.",
            "times_resurrected": 0,
        }


def test_looking_twice_changes_nothing_more(api: Api, clock: Clock, flow: str, look: Look) -> None:
    """As two servers on one database do."""
    _, tasks = started(api, flow)
    api.set_task_run(tasks["again"], "Running")
    api.set_flow_run(api.run(flow), "Submitted")
    cancelling, _ = started(api, flow)
    api.mutate("cancel_flow_run", {"flow_run_id": cancelling}, "state")
    clock.go(minutes=10)

    def everything() -> Any:
        return api.data(
            "{flow_run(order_by: {id: asc}) {id state version times_resurrected"
            " task_runs(order_by: {id: asc}) {state version}} log_aggregate {aggregate {count}}}"
        )

    before = everything()
    look()
    after = everything()
    assert after != before
    look()
    assert everything() == after


def test_what_a_resumed_process_needs_is_kept(api: Api, clock: Clock, look: Look) -> None:
    """The inputs that 0.6.1 stored with its first retry, after the second process died."""
    flow = api.flow(api.project(), document={"__version__": "0.6.1"})
    _, tasks = started(api, flow)
    inputs = {"x": {"type": "SafeResult", "value": "5"}}
    past = "2026-01-01T00:00:00"
    api.set_task_run(tasks["add"], "Retrying", start_time=past, cached_inputs=inputs)
    api.set_task_run(tasks["add"], "Submitted")
    api.set_task_run(tasks["add"], "Running")
    clock.go(minutes=10)
    look()
    found = api.row("task_run", tasks["add"], "state serialized_state")
    assert found["state"] == "Retrying"
    assert found["serialized_state"]["cached_inputs"] == inputs
    assert found["serialized_state"]["run_count"] == 2


def test_agents_without_an_id_are_forgotten_after_a_day(
    api: Api, clock: Clock, database: Database
) -> None:
    registered = api.mutate("register_agent", {"type": "LocalAgent", "name": "a"})["id"]
    api.queue(labels=["gone"])
    clock.go(hours=23)
    api.queue(labels=["here"])

    def known() -> list[Any]:
        agents.run_once(database, Round(clock(), clock()))
        return api.data("{agent(order_by: {last_queried: asc}) {labels}}")["agent"]

    assert known() == [{"labels": []}, {"labels": ["gone"]}, {"labels": ["here"]}]
    clock.go(hours=2)
    assert known() == [{"labels": []}, {"labels": ["here"]}]
    assert api.row("agent", registered, "anonymous") == {"anonymous": False}


def test_every_service_runs_on_a_new_database(database: Database, clock: Clock) -> None:
    found = services(SETTINGS)
    assert len({service.name for service in found}) == len(found)
    for service in found:
        service.run_once(database, Round(clock(), clock() - timedelta(days=1)))
