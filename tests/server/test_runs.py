"""Creating flow runs: parameters, labels, run configs, keys; their task runs."""

from __future__ import annotations

from typing import Any

from tests.server.conftest import Api


def test_a_new_flow_run(api: Api) -> None:
    flow = api.flow(api.project())
    run = api.row(
        "flow_run",
        api.run(flow, context={"a": 1}, scheduled_start_time="2030-01-01T00:00:00"),
        """name version state labels parameters context scheduled_start_time start_time
           auto_scheduled serialized_state state_start_time states {state version}
           task_runs(order_by: {created: asc}) {map_index version state serialized_state
                                                task {slug}}""",
    )
    assert len(run.pop("name").split("-")) == 2
    assert run == {
        "version": 1,
        "state": "Scheduled",
        "labels": [],
        "parameters": {"x": 1},
        "context": {"a": 1},
        "scheduled_start_time": "2030-01-01T00:00:00+00:00",
        "state_start_time": "2030-01-01T00:00:00+00:00",
        "start_time": None,
        "auto_scheduled": False,
        "serialized_state": {
            "type": "Scheduled",
            "message": "Flow run scheduled.",
            "start_time": "2030-01-01T00:00:00+00:00",
            "result": None,
            "__version__": "0.6.1",
        },
        "states": [{"state": "Scheduled", "version": 1}],
        "task_runs": [
            {
                "map_index": -1,
                "version": 0,
                "state": "Pending",
                "serialized_state": {
                    "type": "Pending",
                    "message": "Task run created",
                    "__version__": "0.6.1",
                },
                "task": {"slug": slug},
            }
            for slug in ("x", "add", "show")
        ],
    }


def test_parameters_come_from_flow_group_and_request(api: Api) -> None:
    declared = [
        {"name": "a", "default": 1, "required": False},
        {"name": "b", "default": 2, "required": False},
        {"name": "c", "required": True},
    ]
    flow = api.flow(api.project(), document={"parameters": declared})
    assert "c" in api.refused("create_flow_run", {"flow_id": flow})
    given = api.row("flow_run", api.run(flow, parameters={"c": 3}), "parameters")
    assert given == {"parameters": {"a": 1, "b": 2, "c": 3}}
    group = api.row("flow", flow, "flow_group_id")["flow_group_id"]
    defaults = {"flow_group_id": group, "parameters": {"b": 20, "c": 30}}
    api.mutate("set_flow_group_default_parameters", defaults, "success")
    given = api.row("flow_run", api.run(flow, parameters={"c": 300}), "parameters")
    assert given == {"parameters": {"a": 1, "b": 20, "c": 300}}
    assert "object" in api.refused("create_flow_run", {"flow_id": flow, "parameters": [1]})


def test_labels_precedence(api: Api) -> None:
    project = api.project()
    configured = {"environment": {"labels": ["env"]}, "run_config": {"labels": ["config"]}}

    def labels(flow: str, **given: Any) -> list[str]:
        return api.row("flow_run", api.run(flow, **given), "labels")["labels"]

    environment = api.flow(project, "old", document={"environment": {"labels": ["env"]}})
    assert labels(environment) == ["env"]
    flow = api.flow(project, "new", document=configured)
    assert labels(flow) == ["config"]
    group = api.row("flow", flow, "flow_group_id")["flow_group_id"]
    config = {"flow_group_id": group, "run_config": {"type": "LocalRun", "labels": ["grouped"]}}
    api.mutate("set_flow_group_run_config", config, "success")
    assert labels(flow) == ["grouped"]
    api.mutate("set_flow_group_labels", {"flow_group_id": group, "labels": ["b", "a"]}, "success")
    assert labels(flow) == ["a", "b"]
    assert labels(flow, run_config={"labels": ["run"]}) == ["run"]
    assert labels(flow, run_config={"labels": ["run"]}, labels=[]) == []
    assert labels(flow, run_config={"type": "UniversalRun"}) == []
    api.mutate("set_flow_group_labels", {"flow_group_id": group, "labels": None}, "success")
    assert labels(flow) == ["grouped"]


def test_run_configs_precedence(api: Api) -> None:
    own, grouped, given = ({"type": "LocalRun", "env": {"A": a}} for a in "123")
    flow = api.flow(api.project(), document={"run_config": own})

    def run_config(**wanted: Any) -> Any:
        return api.row("flow_run", api.run(flow, **wanted), "run_config")["run_config"]

    assert run_config() == own
    group = api.row("flow", flow, "flow_group_id")["flow_group_id"]
    config = {"flow_group_id": group, "run_config": grouped}
    api.mutate("set_flow_group_run_config", config, "success")
    assert run_config() == grouped
    assert run_config(run_config=given) == given
    assert run_config(run_config={}) == {}
    api.mutate("set_flow_group_run_config", {**config, "run_config": None}, "success")
    assert run_config() == own
    wrong = {"flow_id": flow, "run_config": ["LocalRun"]}
    assert "run_config must be an object" in api.refused("create_flow_run", wrong)


def test_a_run_is_created_once_for_its_key(api: Api) -> None:
    flow, other = api.flow(api.project()), api.flow(api.project("b"))
    run = api.run(flow, idempotency_key="k")
    assert api.run(flow, idempotency_key="k") == run
    assert api.run(other, idempotency_key="k") != run


def test_an_archived_flow_knows_the_runs_it_had(api: Api) -> None:
    """A client that asks again after a lost answer hears of its run, whatever came between."""
    project = api.project()
    flow = api.flow(project)
    run = api.run(flow, idempotency_key="k")
    newer = api.flow(project)
    assert api.run(flow, idempotency_key="k") == run
    assert "archived" in api.refused("create_flow_run", {"flow_id": flow})
    assert "archived" in api.refused(
        "create_flow_run", {"flow_id": flow, "idempotency_key": "other"}
    )
    assert api.run(newer, idempotency_key="k") != run


def test_a_run_by_version_group(api: Api) -> None:
    project = api.project()
    api.flow(project, version_group_id="g")
    newest = api.flow(project, version_group_id="g")
    run = api.mutate("create_flow_run", {"version_group_id": "g"}, "flow_run {flow_id}")
    assert run == {"flow_run": {"flow_id": newest}}
    assert "none" in api.refused("create_flow_run", {"version_group_id": "none"})
    assert "flow_id" in api.refused("create_flow_run", {})


def test_task_runs_are_found_or_created(api: Api) -> None:
    flow = api.flow(api.project())
    run = api.run(flow)
    (task, *_) = api.row("flow", flow, "tasks {id}")["tasks"]
    wanted = {"flow_run_id": run, "task_id": task["id"]}
    known = api.row("flow_run", run, "task_runs {id task_id}")["task_runs"]
    first = api.mutate("get_or_create_task_run_info", wanted, "id version serialized_state")
    assert first["id"] in [row["id"] for row in known if row["task_id"] == task["id"]]
    child = api.mutate(
        "get_or_create_task_run", {**wanted, "map_index": 2}, "task_run {id version}"
    )
    assert child["task_run"]["version"] == 0
    again = api.mutate("get_or_create_task_run_info", {**wanted, "map_index": 2}, "id state")
    assert again["state"] == "Pending"
    for no_index in (None, -1):
        same = api.mutate("get_or_create_task_run_info", {**wanted, "map_index": no_index})
        assert same["id"] == first["id"]
    assert again["id"] == child["task_run"]["id"]
    query = (
        f'{{get_task_run_info(task_run_id: "{again["id"]}") {{id version state serialized_state}}}}'
    )
    assert api.data(query)["get_task_run_info"]["serialized_state"]["type"] == "Pending"


def test_task_runs_of_the_camel_case_dialect(api: Api) -> None:
    """0.6.1 asks for mapped children, 0.9.8 for a task run of its own with the index -1."""
    run = api.run(api.flow(api.project()))
    (known,) = api.row(
        "flow_run", run, 'task_runs(where: {task: {slug: {_eq: "add"}}}) {id task_id}'
    )["task_runs"]
    asked = (
        "mutation($flow: uuid!, $task: uuid!, $index: Int) "
        "{getOrCreateTaskRun(input: {flowRunId: $flow, taskId: $task, mapIndex: $index}) "
        "{task_run {id version serialized_state task {slug}}}}"
    )

    def task_run(index: int) -> dict[str, Any]:
        given = {"flow": run, "task": known["task_id"], "index": index}
        return api.data(asked, given)["getOrCreateTaskRun"]["task_run"]

    assert task_run(-1)["id"] == known["id"]
    child = task_run(0)
    assert (child["version"], child["task"]) == (0, {"slug": "add"})
    assert child["serialized_state"]["type"] == "Pending"
    assert task_run(0) == child
    assert task_run(1)["id"] not in (child["id"], known["id"])
    assert set(api.task_run_ids(run)) == {"x", "add", "show"}


def test_cached_states_are_found_by_key_and_by_task(api: Api) -> None:
    tasks = [
        {"name": name, "slug": name, "type": "t", "cache_key": key}
        for name, key in (("shared", "k"), ("alone", None), ("other", None))
    ]
    flow = api.flow(api.project(), document={"tasks": tasks, "edges": []})
    run = api.run(flow)
    ids = api.task_run_ids(run)
    api.set_flow_run(run, "Running")
    for name, task_run in ids.items():
        api.set_task_run(task_run, "Cached", message=name)
    task_ids = {row["slug"]: row["id"] for row in api.row("flow", flow, "tasks {id slug}")["tasks"]}

    def by_0_9_8(cache_key: str | None, task: str) -> list[str]:
        query = """query($key: String, $task: uuid, $since: timestamptz) {
            task_run(where: {state: {_eq: "Cached"}, state_timestamp: {_gte: $since},
                             _or: [{cache_key: {_eq: $key}}, {task_id: {_eq: $task}}]},
                     order_by: {state_timestamp: desc}) {serialized_state}}"""
        given = {"key": cache_key, "task": task_ids[task], "since": "2026-01-01T00:00:00"}
        rows = api.data(query, given)["task_run"]
        return sorted(row["serialized_state"]["message"] for row in rows)

    assert by_0_9_8("k", "other") == ["other", "shared"]
    assert by_0_9_8(None, "alone") == ["alone"]
    where = '{state: {_eq: "Cached"}, cache_key: {_eq: "k"}}'
    rows = api.data(f"{{task_run(where: {where}, limit: 100) {{id}}}}")["task_run"]
    assert rows == [{"id": ids["shared"]}]
    child = {"flow_run_id": run, "task_id": task_ids["shared"], "map_index": 0}
    mapped = api.mutate("get_or_create_task_run", child)["id"]
    assert api.row("task_run", mapped, "cache_key")["cache_key"] == "k"
