"""Many at once, on threads of one server: nothing is done twice, nobody sees an error."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from flowtui.server.database import Database
from flowtui.server.services import lazarus, zombies
from flowtui.server.services.background import Round
from flowtui.server.services.settings import ServiceSettings
from tests.server.conftest import Api, Clock

pytestmark = pytest.mark.slow

Result = TypeVar("Result")
_AT_ONCE = 6


def at_once(work: Callable[[int], Result], number: int = _AT_ONCE) -> list[Result]:
    """What each of the threads came to, all having begun at the same moment."""
    together = threading.Barrier(number)

    def begin(index: int) -> Result:
        together.wait()
        return work(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(begin, range(number)))


def submit(api: Api, run: str, version: str = "1.4.1") -> str | None:
    """As an agent does; the error where there was one."""
    query = (
        "mutation($input: set_flow_run_states_input!) "
        "{set_flow_run_states(input: $input) {states {id status message}}}"
    )
    state = {"type": "Submitted", "message": "Submitted for execution", "__version__": version}
    answer = api.answer(query, {"input": {"states": [{"flow_run_id": run, "state": state}]}})
    return answer["errors"][0]["message"] if "errors" in answer else None


def test_agents_that_race_take_each_run_once(api: Api) -> None:
    flow = api.flow(api.project(), document={"tasks": [], "edges": []})
    runs = [api.run(flow) for _ in range(40)]

    def agent(_index: int) -> tuple[list[str], set[str]]:
        """Polls until there is nothing left; what it got, and what it was told instead."""
        mine: list[str] = []
        told: set[str] = set()
        while ids := api.queue():
            for run in ids:
                error = submit(api, run)
                if error is None:
                    mine.append(run)
                else:
                    told.add(error)
        return mine, told

    results = at_once(agent)
    taken = Counter(run for mine, _ in results for run in mine)
    assert taken == Counter(runs)
    told = set().union(*(told for _, told in results))
    assert told <= {"State update failed: this run has already been submitted."}
    rows = api.data("{flow_run {state version states {state}}}")["flow_run"]
    assert {(row["state"], row["version"], len(row["states"])) for row in rows} == {
        ("Submitted", 2, 2)
    }
    assert len(api.data("{agent {id}}")["agent"]) == 1


def test_agents_that_race_take_a_due_retry_once(api: Api) -> None:
    run = api.run(api.flow(api.project()))
    task_run = api.task_run_ids(run)["add"]
    api.set_flow_run(run, "Running")
    api.set_task_run(task_run, "Retrying", start_time="2026-01-01T00:00:00", run_count=1)

    def agent(_index: int) -> bool:
        given = {"task_run_id": task_run, "state": {"type": "Submitted"}}
        query = (
            "mutation($input: set_task_run_states_input!) "
            "{set_task_run_states(input: $input) {states {id}}}"
        )
        answer = api.answer(query, {"input": {"states": [given]}})
        return "errors" not in answer

    assert sorted(at_once(agent)) == [False] * (_AT_ONCE - 1) + [True]


def test_one_task_run_for_one_map_index(api: Api) -> None:
    flow = api.flow(api.project())
    run = api.run(flow)
    (task,) = [
        row["id"]
        for row in api.row("flow", flow, "tasks {id slug}")["tasks"]
        if row["slug"] == "show"
    ]

    def child(index: int) -> list[str]:
        mutation = ("get_or_create_task_run", "get_or_create_task_run_info")[index % 2]
        given = {"flow_run_id": run, "task_id": task}
        return [
            api.mutate(mutation, {**given, "map_index": number})["id"] for number in range(-1, 8)
        ]

    ids = at_once(child)
    assert len({tuple(each) for each in ids}) == 1
    assert len(set(ids[0])) == 9
    count = api.row("flow_run", run, "task_runs_aggregate {aggregate {count}}")
    assert count["task_runs_aggregate"]["aggregate"]["count"] == 3 + 8


def test_one_run_for_one_key(api: Api) -> None:
    flow = api.flow(api.project())
    made = at_once(lambda _index: [api.run(flow, idempotency_key=str(key)) for key in range(5)])
    assert len({tuple(each) for each in made}) == 1
    assert len(api.data("{flow_run {id}}")["flow_run"]) == 5


def test_a_tag_limit_is_never_exceeded(api: Api) -> None:
    tasks = [{"name": slug, "slug": slug, "type": "t", "tags": ["db"]} for slug in "abcdef"]
    run = api.run(api.flow(api.project(), document={"tasks": tasks, "edges": []}))
    api.set_flow_run(run, "Running")
    api.mutate("update_task_tag_limit", {"tag": "db", "limit": 2})
    ids = list(api.task_run_ids(run).values())
    answers = at_once(lambda index: api.set_task_run(ids[index], "Running")["status"])
    assert Counter(answers) == {"SUCCESS": 2, "QUEUED": 4}


def test_states_of_one_run_count_up_without_a_gap(api: Api) -> None:
    run = api.run(api.flow(api.project()))
    at_once(lambda _index: [api.set_flow_run(run, "Running") for _ in range(5)])
    found = api.row("flow_run", run, "version states(order_by: {version: asc}) {version}")
    assert found["version"] == 1 + 5 * _AT_ONCE
    assert [state["version"] for state in found["states"]] == list(range(1, found["version"] + 1))


def test_services_of_several_servers_do_their_work_once(
    api: Api, database: Database, clock: Clock
) -> None:
    flow = api.flow(api.project())
    runs = [api.run(flow) for _ in range(5)]
    for run in runs:
        api.set_flow_run(run, "Submitted")
        api.set_flow_run(run, "Running")
    retried = [api.task_run_ids(run)["add"] for run in runs[:2]]
    for task_run in retried:
        api.set_task_run(task_run, "Running")
    clock.go(minutes=10)
    turn = Round(clock(), clock() - timedelta(days=1))

    def server(_index: int) -> None:
        for service in (zombies.run_once, lazarus.run_once):
            service(database, turn, ServiceSettings())

    at_once(server)
    rows: Sequence[Any] = [
        api.row("flow_run", run, "state version times_resurrected logs {id}") for run in runs
    ]
    assert [row["state"] for row in rows] == ["Running"] * 2 + ["Scheduled"] * 3
    assert [row["times_resurrected"] for row in rows] == [0, 0, 1, 1, 1]
    assert [row["version"] for row in rows] == [3, 3, 4, 4, 4]
    assert [len(row["logs"]) for row in rows] == [1] * 5
    for task_run in retried:
        assert api.row("task_run", task_run, "version state") == {
            "version": 2, "state": "Retrying",
        }  # fmt: skip
