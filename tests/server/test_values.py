"""Small stores: secrets, key-value pairs, artifacts; and names and labels of runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import Api


def test_secrets_are_read_by_name_only(api: Api) -> None:
    api.mutate("set_secret", {"name": "S", "value": {"k": 1}}, "success")
    api.mutate("set_secret", {"name": "S", "value": "v"}, "success")
    assert api.data('{secret_value(name: "S")}') == {"secret_value": "v"}
    assert api.data("{secret_names}") == {"secret_names": ["S"]}
    api.mutate("delete_secret", {"name": "S"}, "success")
    assert "No value found for the requested key" in api.error('{secret_value(name: "S")}')
    assert api.data("{secret_names}") == {"secret_names": []}


def test_small_stores(api: Api) -> None:
    key = api.mutate("set_key_value", {"key": "k", "value": [1]})["id"]
    assert api.mutate("set_key_value", {"key": "k", "value": [2]})["id"] == key
    assert api.data('{key_value(where: {key: {_eq: "k"}}) {value}}') == {
        "key_value": [{"value": [2]}]
    }
    api.mutate("delete_key_value", {"key_value_id": key}, "success")
    limit = api.mutate("update_task_tag_limit", {"tag": "t", "limit": 3})["id"]
    assert api.data('{task_tag_limit(where: {tag: {_eq: "t"}}) {id limit}}') == {
        "task_tag_limit": [{"id": limit, "limit": 3}]
    }
    agent = {"type": "LocalAgent", "name": "a", "labels": ["x"]}
    assert api.mutate("register_agent", agent) == api.mutate("register_agent", agent)


def test_secrets_of_the_camel_case_dialect(api: Api) -> None:
    """0.6.1 to 0.9.8; a missing secret is null or an error in words, never another's value."""
    api.data('mutation {setSecret(input: {name: "S", value: {a: [1, 2]}}) {success}}')
    query = "query($name: String!) {secretValue(name: $name)}"
    assert api.data(query, {"name": "S"}) == {"secretValue": {"a": [1, 2]}}
    missing = api.answer(query, {"name": "T"})
    assert (missing.get("data") or {}).get("secretValue") is None
    assert "there is no secret" in api.refused("delete_secret", {"name": "T"}, "success")


def test_secrets_of_tenants_are_apart(api: Api) -> None:
    other = api.mutate("create_tenant", {"name": "B", "slug": "b"})["id"]
    api.mutate("set_secret", {"name": "S", "value": "of a"}, "success")
    api.mutate("set_secret", {"name": "S", "value": "of b", "tenant_id": other}, "success")
    asked = '{secret_value(name: "S")}'
    assert api.data(asked) == {"secret_value": "of a"}
    assert api.sent_by(tenant_id=other).data(asked) == {"secret_value": "of b"}


def artifacts(api: Api, task_run: str) -> list[Any]:
    wanted = "artifacts(order_by: {created: asc}) {kind data}"
    return api.row("task_run", task_run, wanted)["artifacts"]


def test_artifacts_of_task_runs(api: Api) -> None:
    """As 0.15 to 1.4.1 make them, with a null tenant."""
    task_run = api.task_run_ids(api.run(api.flow(api.project())))["add"]
    given = {"task_run_id": task_run, "kind": "link", "data": {"link": "a"}, "tenant_id": None}
    link = api.mutate("create_task_run_artifact", given)["id"]
    text = {**given, "kind": "markdown", "data": {"markdown": "# b"}}
    api.mutate("create_task_run_artifact", text)
    changed = {"task_run_artifact_id": link, "data": {"link": "c"}}
    api.mutate("update_task_run_artifact", changed, "success")
    assert artifacts(api, task_run) == [
        {"kind": "link", "data": {"link": "c"}},
        {"kind": "markdown", "data": {"markdown": "# b"}},
    ]
    gone = {"task_run_artifact_id": link}
    api.mutate("delete_task_run_artifact", gone, "success")
    assert [each["kind"] for each in artifacts(api, task_run)] == ["markdown"]
    assert "there is no task run artifact" in api.refused(
        "delete_task_run_artifact", gone, "success"
    )
    unknown = {**given, "task_run_id": link}
    assert "there is no task run" in api.refused("create_task_run_artifact", unknown)


@pytest.mark.parametrize("table", ["flow_run", "task_run"])
def test_names_of_runs(api: Api, table: str) -> None:
    run = api.run(api.flow(api.project()), flow_run_name="given")
    assert api.row("flow_run", run, "name") == {"name": "given"}
    row = run if table == "flow_run" else api.task_run_ids(run)["add"]
    renamed = {f"{table}_id": row, "name": "renamed"}
    assert api.mutate(f"set_{table}_name", renamed, "success") == {"success": True}
    assert api.row(table, row, "name") == {"name": "renamed"}
    assert "needs a name" in api.refused(f"set_{table}_name", {**renamed, "name": " "}, "success")


def test_labels_of_a_run_that_waits(api: Api) -> None:
    run = api.run(api.flow(api.project()))
    given = {"flow_run_id": run, "labels": ["b", "a", "b"]}
    assert api.mutate("set_flow_run_labels", given, "success") == {"success": True}
    assert api.row("flow_run", run, "labels") == {"labels": ["a", "b"]}
    assert api.queue(labels=["a", "b"]) == [run]
