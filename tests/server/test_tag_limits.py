"""How many task runs with a tag run at once."""

from __future__ import annotations

import pytest

from tests.server.conftest import Api

TASKS = [
    {"name": slug, "slug": slug, "type": "t", "tags": tags}
    for slug, tags in (("a", ["db"]), ("b", ["db", "slow"]), ("c", ["slow"]), ("d", []))
]


@pytest.fixture
def tasks(api: Api) -> dict[str, str]:
    run = api.run(api.flow(api.project(), document={"tasks": TASKS, "edges": []}))
    api.set_flow_run(run, "Running")
    return api.task_run_ids(run)


def limit(api: Api, tag: str, number: int) -> str:
    return api.mutate("update_task_tag_limit", {"tag": tag, "limit": number})["id"]


def state(api: Api, task_run: str) -> str:
    return api.row("task_run", task_run, "state")["state"]


def test_a_task_run_waits_for_a_place(api: Api, tasks: dict[str, str]) -> None:
    limit(api, "db", 1)
    assert api.set_task_run(tasks["a"], "Running")["status"] == "SUCCESS"
    assert api.set_task_run(tasks["c"], "Running")["status"] == "SUCCESS"
    answer = api.set_task_run(tasks["b"], "Running")
    assert answer["status"] == "QUEUED"
    assert answer["message"] == "1 task runs tagged 'db' are running, which is the limit."
    assert state(api, tasks["b"]) == "Queued"
    api.set_task_run(tasks["a"], "Success")
    assert api.set_task_run(tasks["b"], "Running")["status"] == "SUCCESS"
    assert state(api, tasks["b"]) == "Running"


def test_asking_again_and_again_makes_no_history(api: Api, tasks: dict[str, str]) -> None:
    limit(api, "db", 0)
    for _ in range(3):
        assert api.set_task_run(tasks["a"], "Running")["status"] == "QUEUED"
    found = api.row("task_run", tasks["a"], "version run_count serialized_state states {state}")
    assert (found["version"], found["run_count"]) == (1, 0)
    assert found["states"] == [{"state": "Queued"}]
    assert found["serialized_state"]["state"]["type"] == "Pending"


def test_a_retry_that_waits_keeps_its_inputs(api: Api, tasks: dict[str, str]) -> None:
    inputs = {"x": {"type": "LocalResult", "location": "/x"}}
    retry = {"start_time": "2026-01-01T00:00:00", "cached_inputs": inputs}
    api.set_task_run(tasks["a"], "Retrying", **retry)
    limit(api, "db", 0)
    api.set_task_run(tasks["a"], "Running")
    found = api.row("task_run", tasks["a"], "serialized_state")["serialized_state"]
    assert found["state"] == {"type": "Retrying", **retry}


def test_a_limit_holds_over_runs_and_versions(api: Api) -> None:
    project = api.project()
    running: list[str] = []
    limit(api, "db", 2)
    for _ in range(2):
        flow = api.flow(project, document={"tasks": TASKS, "edges": []})
        run = api.run(flow)
        api.set_flow_run(run, "Running")
        tasks = api.task_run_ids(run)
        running += [tasks["a"], tasks["b"]]
    answers = [api.set_task_run(task_run, "Running")["status"] for task_run in running]
    assert answers == ["SUCCESS", "SUCCESS", "QUEUED", "QUEUED"]


def test_the_running_one_may_say_so_again(api: Api, tasks: dict[str, str]) -> None:
    """A process whose request was answered, but never heard the answer."""
    limit(api, "db", 1)
    for _ in range(2):
        assert api.set_task_run(tasks["a"], "Running")["status"] == "SUCCESS"


def test_a_limit_taken_away_holds_nobody(api: Api, tasks: dict[str, str]) -> None:
    limit_id = limit(api, "db", 0)
    assert api.set_task_run(tasks["a"], "Running")["status"] == "QUEUED"
    api.mutate("delete_task_tag_limit", {"limit_id": limit_id}, "success")
    assert api.set_task_run(tasks["a"], "Running")["status"] == "SUCCESS"
    assert "negative" in api.refused("update_task_tag_limit", {"tag": "db", "limit": -1})


def test_old_clients_that_cannot_wait_are_not_held(api: Api, tasks: dict[str, str]) -> None:
    limit(api, "db", 0)
    given = {"task_run_id": tasks["a"], "state": {"type": "Running"}}
    api.mutate("set_task_run_state", given)
    assert state(api, tasks["a"]) == "Running"
