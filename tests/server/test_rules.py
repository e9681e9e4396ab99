"""What the server does with what clients ask: Prefect Server's rules, on both databases."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.server.conftest import Api, serialized_flow


def compressed(document: object) -> str:
    return base64.b64encode(gzip.compress(json.dumps(document).encode())).decode()


def test_projects(api: Api) -> None:
    project = api.project("a")
    api.project("b")
    assert api.refused("create_project", {"name": "a"}) == "'Uniqueness violation.'"
    assert "name" in api.refused("create_project", {"name": " "})
    renamed = {"project_id": project, "name": "c"}
    assert api.mutate("set_project_name", renamed) == {"id": project}
    assert api.refused("set_project_name", {"project_id": project, "name": "b"}) == (
        "'Uniqueness violation.'"
    )
    api.mutate("update_project_name", {"project_id": project, "name": "c"})
    described = {"project_id": project, "description": "about"}
    found = api.mutate("set_project_description", described, "project {name description}")
    assert found == {"project": {"name": "c", "description": "about"}}
    api.run(api.flow(project))
    assert api.mutate("delete_project", {"project_id": project}, "success") == {"success": True}
    left = api.data("{project {name} flow {id} flow_run {id} task {id} flow_group {id}}")
    assert left == {"project": [{"name": "b"}], "flow": [], "flow_run": [], "task": [],
                    "flow_group": []}  # fmt: skip
    assert project in api.refused("delete_project", {"project_id": project}, "success")


def test_versions_count_within_project_and_name(api: Api) -> None:
    a, b = api.project("a"), api.project("b")
    first, second, other, elsewhere = (
        api.flow(a, "one"), api.flow(a, "one"), api.flow(a, "two"), api.flow(b, "one")
    )  # fmt: skip
    wanted = "version archived flow_group_id"
    rows = [api.row("flow", flow, wanted) for flow in (first, second, other, elsewhere)]
    assert [row["version"] for row in rows] == [1, 2, 1, 1]
    assert [row["archived"] for row in rows] == [True, False, False, False]
    assert rows[0]["flow_group_id"] == rows[1]["flow_group_id"]
    assert len({row["flow_group_id"] for row in rows}) == 3


def test_a_version_group_joins_flows_of_other_names_and_projects(api: Api) -> None:
    a, b = api.project("a"), api.project("b")
    first = api.flow(a, "one", version_group_id="mine")
    second = api.flow(b, "renamed", version_group_id="mine")
    assert api.row("flow", first, "archived version") == {"archived": True, "version": 1}
    assert api.row("flow", second, "archived version") == {"archived": False, "version": 2}
    assert api.row("flow", second, "version_group_id flow_group {name}") == {
        "version_group_id": "mine",
        "flow_group": {"name": "mine"},
    }


def test_the_same_idempotency_key_registers_once(api: Api) -> None:
    project = api.project()
    first = api.flow(project, idempotency_key="k")
    assert api.flow(project, idempotency_key="k") == first
    second = api.flow(project, idempotency_key="other")
    assert second != first
    assert api.flow(project, idempotency_key="k") not in (first, second)
    without = api.flow(project)
    assert api.flow(project) != without
    again = api.flow(project, idempotency_key="last")
    api.mutate("archive_flow", {"flow_id": again}, "success")
    assert api.flow(project, idempotency_key="last") != again


def test_compressed_registration_keeps_the_serialization_exactly(api: Api) -> None:
    document = serialized_flow(name="Größe", extra={"z": 1, "a": [1.5, None, "\u2028"]})
    wanted = {"project_id": api.project(), "serialized_flow": compressed(document)}
    flow = api.mutate("create_flow_from_compressed_string", wanted)["id"]
    stored = api.row("flow", flow, "serialized_flow")["serialized_flow"]
    assert json.dumps(stored) == json.dumps(document)


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        ("not base64!", "base64"),
        (base64.b64encode(b"not gzip").decode(), "base64 of a gzipped"),
        (base64.b64encode(gzip.compress(b"not json")).decode(), "JSON"),
        (base64.b64encode(gzip.compress(b'{"a": NaN}')).decode(), "JSON"),
        (base64.b64encode(gzip.compress(b"[" * 100_000)).decode(), "JSON"),
        (base64.b64encode(gzip.compress(b"[]")).decode(), "must be an object"),
        (base64.b64encode(gzip.compress(b"{}")[:-4]).decode(), "cut off"),
        (base64.b64encode(gzip.compress(b" " * (65 * 1024**2))).decode(), "64 MiB"),
    ],
    ids=["base64", "gzip", "json", "nan", "deep", "list", "cut", "bomb"],
)
def test_a_bad_compressed_flow_is_refused(api: Api, packed: str, says: str) -> None:
    wanted = {"project_id": api.project(), "serialized_flow": packed}
    assert says in api.refused("create_flow_from_compressed_string", wanted)
    assert api.data("{flow {id} flow_group {id}}") == {"flow": [], "flow_group": []}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ""}, "no name"),
        ({"__version__": "0.6.0"}, "0.6.1"),
        ({"__version__": "0.5.9+3.gabc"}, "0.6.1"),
        ({"tasks": {}}, "tasks"),
        ({"tasks": [{"name": "a"}]}, "slug"),
        ({"edges": [{"upstream_task": {"slug": "gone"}, "downstream_task": {"slug": "x"}}]},
         "gone"),
        ({"edges": [{"upstream_task": None}]}, "upstream_task"),
        ({"parameters": ["x"]}, "parameters"),
    ],
)  # fmt: skip
def test_a_bad_flow_is_refused(api: Api, changes: dict[str, Any], says: str) -> None:
    wanted = {"project_id": api.project(), "serialized_flow": serialized_flow(**changes)}
    assert says in api.refused("create_flow", wanted)


def test_a_flow_needs_its_project(api: Api) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    wanted = {"project_id": nobody, "serialized_flow": serialized_flow()}
    assert nobody in api.refused("create_flow", wanted)


def test_without_a_project_flows_go_to_one_default(api: Api) -> None:
    for _ in range(2):
        api.mutate("create_flow", {"project_id": None, "serialized_flow": serialized_flow()})
    rows = api.data("{project {name flows {version}}}")["project"]
    assert rows == [{"name": "Default", "flows": [{"version": 1}, {"version": 2}]}]


def test_tasks_and_edges_are_rows(api: Api) -> None:
    flow = api.flow(api.project())
    found = api.row(
        "flow",
        flow,
        """tasks {slug name type max_retries retry_delay mapped is_root_task is_terminal_task}
           edges {key mapped upstream_task {slug} downstream_task {slug}}""",
    )
    kind = "prefect.tasks.core.function.FunctionTask"
    common = {"type": kind, "max_retries": 2, "retry_delay": "00:01:30"}
    assert found["tasks"] == [
        {"slug": "x", "name": "x", "mapped": False, "is_root_task": True,
         "is_terminal_task": False, **common},
        {"slug": "add", "name": "add", "mapped": False, "is_root_task": False,
         "is_terminal_task": False, **common},
        {"slug": "show", "name": "show", "mapped": True, "is_root_task": False,
         "is_terminal_task": True, **common},
    ]  # fmt: skip
    ends = [
        (edge["upstream_task"]["slug"], edge["downstream_task"]["slug"], edge["mapped"])
        for edge in found["edges"]
    ]
    assert ends == [("x", "add", False), ("add", "show", True)]


def test_split_registration_is_merged_back(api: Api) -> None:
    whole = serialized_flow()
    flow = api.flow(api.project(), document={"tasks": [], "edges": []})
    for batch in (whole["tasks"][:2], whole["tasks"][2:], [], whole["tasks"][:1]):
        given = {"flow_id": flow, "serialized_tasks": batch}
        assert api.mutate("register_tasks", given, "success") == {"success": True}
    for batch in (whole["edges"], [], whole["edges"]):
        given = {"flow_id": flow, "serialized_edges": batch}
        assert api.mutate("register_edges", given, "success") == {"success": True}
    found = api.row("flow", flow, "serialized_flow tasks {slug mapped} edges {key}")
    assert found["serialized_flow"] == whole
    assert [task["mapped"] for task in found["tasks"]] == [False, False, True]
    assert len(found["edges"]) == 2
    unknown = [{"upstream_task": {"slug": "gone"}, "downstream_task": {"slug": "x"}}]
    given = {"flow_id": flow, "serialized_edges": unknown}
    assert "gone" in api.refused("register_edges", given, "success")


def test_settings_are_an_object(api: Api) -> None:
    settings = api.row("flow", api.flow(api.project()), "settings")["settings"]
    assert settings == {
        "heartbeat_enabled": True,
        "lazarus_enabled": True,
        "version_locking_enabled": False,
    }


SCHEDULE = {"clocks": [{"type": "IntervalClock", "interval": 3600000000}]}


def test_a_schedule_is_active_when_it_can_be(api: Api) -> None:
    project = api.project()
    active = "is_schedule_active"

    def registered(name: str, **given: Any) -> bool:
        return api.row("flow", api.flow(project, name, **given), active)[active]

    required = [{"name": "x", "required": True}]
    covered = {"clocks": [{"parameter_defaults": {"x": 1}}]}
    assert not registered("none")
    assert registered("some", document={"schedule": SCHEDULE})
    assert not registered("off", document={"schedule": SCHEDULE}, set_schedule_active=False)
    assert not registered("open", document={"schedule": SCHEDULE, "parameters": required})
    assert registered("covered", document={"schedule": covered, "parameters": required})


def test_schedules_are_switched(api: Api) -> None:
    project = api.project()
    flow = api.flow(project, document={"schedule": SCHEDULE}, set_schedule_active=False)
    active = "is_schedule_active"
    api.mutate("set_schedule_active", {"flow_id": flow}, "success")
    assert api.row("flow", flow, active)[active]
    api.mutate("set_schedule_inactive", {"flow_id": flow}, "success")
    assert not api.row("flow", flow, active)[active]
    plain = api.flow(project, "plain")
    api.mutate("set_schedule_active", {"flow_id": plain}, "success")
    assert not api.row("flow", plain, active)[active]


def test_archiving_and_deleting(api: Api) -> None:
    project = api.project()
    flow = api.flow(project)
    run = api.run(flow)
    api.mutate("archive_flow", {"flow_id": flow}, "success")
    assert api.row("flow", flow, "archived") == {"archived": True}
    assert api.row("flow_run", run, "state task_runs {state}") == {
        "state": "Cancelled",
        "task_runs": [{"state": "Cancelled"}] * 3,
    }
    assert "archived" in api.refused("create_flow_run", {"flow_id": flow})
    api.mutate("unarchive_flow", {"flow_id": flow}, "success")
    api.run(flow)
    api.mutate("delete_flow", {"flow_id": flow}, "success")
    empty = api.data("{flow {id} task {id} edge {id} flow_run {id} task_run {id} flow_group {id}}")
    assert not any(empty.values())


def test_text_that_a_database_cannot_hold_is_an_error_not_a_crash(api: Api) -> None:
    answer = api.answer('mutation {create_project(input: {name: "nul \\u0000"}) {id}}')
    if "errors" in answer:
        assert answer["errors"][0]["message"] == "the database refused this request"
    api.project("still works")


def deep(levels: int, key: str, inner: Any) -> Any:
    for _ in range(levels):
        inner = {key: inner}
    return inner


@pytest.mark.parametrize("levels", [200, 400, 600, 900, 3000])
def test_deep_documents_and_conditions_are_stored_or_refused(api: Api, levels: int) -> None:
    flow = api.flow(api.project())
    query = "mutation($input: create_flow_run_input!) {create_flow_run(input: $input) {id}}"
    given = {"flow_id": flow, "context": deep(levels, "a", 1)}
    where = {"where": deep(levels, "_not", {"name": {"_eq": "x"}})}
    for answer in (
        api.answer(query, {"input": given}),
        api.answer("query($where: flow_bool_exp) {flow(where: $where) {id}}", where),
    ):
        for error in answer.get("errors", []):
            assert error["message"] != "internal server error"
            assert len(error["message"]) < 20_000


def test_half_a_surrogate_pair_is_refused(api: Api) -> None:
    message = api.refused("create_project", {"name": "half \ud800"})
    assert message == "a text holds half of a surrogate pair, which cannot be stored"


def test_the_word_that_makes_clients_retry_is_never_sent(api: Api) -> None:
    answer = api.answer('{flow(where: {id: {_eq: "API_ERROR"}}) {id}}')
    assert "errors" in answer
    assert "API_ERROR" not in json.dumps(answer)


def test_concurrent_registrations_make_each_version_once(api: Api) -> None:
    project = api.project()
    together = threading.Barrier(8)

    def register(number: int) -> list[str]:
        together.wait()
        key = {"idempotency_key": f"k{number % 4}"}
        return [api.flow(project, "plain"), api.flow(project, f"keyed {number % 4}", **key)]

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(register, range(8)))
    rows = api.data("{flow(order_by: {version: asc}) {id name version archived}}")["flow"]
    plain = [row for row in rows if row["name"] == "plain"]
    assert [row["version"] for row in plain] == list(range(1, 9))
    assert [row["archived"] for row in plain] == [True] * 7 + [False]
    assert {row["id"] for row in plain} == {first for first, _ in ids}
    keyed = [row for row in rows if row["name"] != "plain"]
    assert sorted(row["name"] for row in keyed) == [f"keyed {number}" for number in range(4)]
    groups = api.data("{flow_group_aggregate {aggregate {count}}}")
    assert groups["flow_group_aggregate"]["aggregate"]["count"] == 5


def test_concurrent_creation_of_one_project(api: Api) -> None:
    together = threading.Barrier(6)

    def create(_number: int) -> str:
        together.wait()
        answer = api.answer('mutation {create_project(input: {name: "one"}) {id}}')
        return answer["errors"][0]["message"] if "errors" in answer else "made"

    with ThreadPoolExecutor(6) as pool:
        results = sorted(pool.map(create, range(6)))
    assert results == ["'Uniqueness violation.'"] * 5 + ["made"]
