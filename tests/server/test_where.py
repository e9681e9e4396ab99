"""Hasura's arguments against a real database, SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query, validate_schema
from sqlalchemy import event

from flowtui.server.database import open_database
from flowtui.server.execute import Executor
from tests.server.conftest import Api


@pytest.fixture(scope="module")
def filled(new_address: Callable[[], Path | str]) -> Iterator[Api]:
    """Projects a and b; flow "one" twice and "two" in a, "Straße" in b; runs of "two"."""
    database = open_database(new_address())
    api = Api(Executor(database))
    a, b = api.project("a"), api.project("b")
    api.flow(a, "one")
    api.flow(a, "one")
    two = api.flow(a, "two")
    api.flow(b, "Straße")
    api.run(two, flow_run_name="first")
    api.run(two, flow_run_name="second", scheduled_start_time="2030-01-01T00:00:00")
    yield api
    database.close()


def names(api: Api, arguments: str, **variables: Any) -> list[str]:
    declared = f"query({variables.pop('declare')})" if variables else "query"
    rows = api.data(f"{declared} {{ flow{arguments} {{ name version }} }}", variables)["flow"]
    return [f"{row['name']} {row['version']}" for row in rows]


EVERYTHING = ["one 1", "one 2", "two 1", "Straße 1"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('{name: {_eq: "one"}}', ["one 1", "one 2"]),
        ('{name: {_neq: "one"}}', ["two 1", "Straße 1"]),
        ("{version: {_gt: 1}}", ["one 2"]),
        ("{version: {_gte: 2}}", ["one 2"]),
        ("{version: {_lt: 2}}", ["one 1", "two 1", "Straße 1"]),
        ("{version: {_lte: 1}}", ["one 1", "two 1", "Straße 1"]),
        ('{name: {_in: ["two", "none"]}}', ["two 1"]),
        ("{name: {_in: []}}", []),
        ('{name: {_nin: ["one"]}}', ["two 1", "Straße 1"]),
        ("{description: {_is_null: true}}", EVERYTHING),
        ("{description: {_is_null: false}}", []),
        ("{environment: {_is_null: true}}", EVERYTHING),
        ('{name: {_like: "o%"}}', ["one 1", "one 2"]),
        ('{name: {_like: "O%"}}', []),
        ('{name: {_ilike: "O%"}}', ["one 1", "one 2"]),
        ('{name: {_ilike: "STRAß_"}}', ["Straße 1"]),
        ('{name: {_nlike: "o%"}}', ["two 1", "Straße 1"]),
        ('{name: {_like: "o\\\\%"}}', []),
        ("{archived: {_eq: true}}", ["one 1"]),
        ('{name: {_eq: "one"}, version: {_eq: 2}}', ["one 2"]),
        ('{version: {_gt: 0, _lt: 2}, name: {_eq: "one"}}', ["one 1"]),
        ('{_and: {name: {_eq: "one"}, version: {_eq: 2}}}', ["one 2"]),
        ('{_and: [{name: {_eq: "one"}}, {}, {version: {_eq: 2}}]}', ["one 2"]),
        ("{_and: []}", EVERYTHING),
        ('{_or: [{name: {_eq: "two"}}, {version: {_eq: 2}}]}', ["one 2", "two 1"]),
        ("{_or: []}", []),
        ('{_or: [{name: {_eq: null}}, {name: {_eq: "two"}}]}', ["two 1"]),
        ('{_not: {name: {_eq: "one"}}}', ["two 1", "Straße 1"]),
        ('{project: {name: {_eq: "b"}}}', ["Straße 1"]),
        ('{_not: {project: {name: {_eq: "b"}}}}', ["one 1", "one 2", "two 1"]),
        ('{flow_runs: {name: {_eq: "first"}}}', ["two 1"]),
        ("{flow_runs: {}}", ["two 1"]),
        ("{_not: {flow_runs: {}}}", ["one 1", "one 2", "Straße 1"]),
        ('{project: {flows: {flow_runs: {name: {_eq: "first"}}}}}', ["one 1", "one 2", "two 1"]),
        ('{tasks: {slug: {_eq: "add"}, mapped: {_eq: false}}}', EVERYTHING),
        ('{tasks: {slug: {_eq: "add"}, mapped: {_eq: true}}}', []),
    ],
)
def test_where(filled: Api, where: str, expected: list[str]) -> None:
    assert names(filled, f"(where: {where})") == expected


@pytest.mark.parametrize(
    "where",
    [
        "null",
        "{name: {_eq: null}}",
        "{name: {_neq: null}, version: {_gt: null}}",
        "{name: {_in: null}, archived: {_is_null: null}}",
        "{name: null}",
        "{_and: null, _or: null, _not: null}",
        "{_and: {name: {_eq: null}, version: {_eq: null}, project: {name: {_eq: null}}}}",
        "{project: {name: {_eq: null}}}",
        "{flow_runs: {name: {_eq: null}}}",
        "{_or: [{name: {_eq: null}}, {version: {_eq: null}}]}",
        "{_or: [{}]}",
    ],
)
def test_null_is_no_condition(filled: Api, where: str) -> None:
    assert names(filled, f"(where: {where})") == EVERYTHING


def test_null_in_a_variable_is_no_condition(filled: Api) -> None:
    arguments = "(where: {name: {_eq: $name}, id: {_eq: $id}, project: {name: {_eq: $project}}})"
    declare = "$name: String, $id: uuid, $project: String"
    assert names(filled, arguments, declare=declare, name="one", id=None) == ["one 1", "one 2"]
    assert names(filled, arguments, declare=declare, name=None, project="b") == ["Straße 1"]


def test_where_as_one_variable(filled: Api) -> None:
    where = {"_or": [{"name": {"_eq": "two"}}, {"name": {"_eq": "Straße"}}], "version": {"_eq": 1}}
    found = names(filled, "(where: $where)", declare="$where: flow_bool_exp", where=where)
    assert found == ["two 1", "Straße 1"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("{name: asc, version: desc}", ["Straße 1", "one 2", "one 1", "two 1"]),
        ("{version: desc, name: asc}", ["one 2", "Straße 1", "one 1", "two 1"]),
        ("[{version: desc}, {name: desc}]", ["one 2", "two 1", "one 1", "Straße 1"]),
        ("{project: {name: desc}, version: desc}", ["Straße 1", "one 2", "one 1", "two 1"]),
        ("{name: null, version: desc}", ["one 2", "one 1", "two 1", "Straße 1"]),
        ("null", EVERYTHING),
    ],
)
def test_the_order_of_order_by_keys_counts(filled: Api, order: str, expected: list[str]) -> None:
    by_code_point = '(where: {name: {_neq: "none"}}, order_by: ' + order + ")"
    found = names(filled, by_code_point)
    assert sorted(found) == sorted(expected)
    if "Straße" not in expected[0] or found[0] == expected[0]:
        assert found == expected
    else:
        # PostgreSQL may sort by a locale, which puts capitals elsewhere; the rest keeps its order
        plain = [name for name in expected if "Straße" not in name]
        assert [name for name in found if "Straße" not in name] == plain


def test_order_by_in_a_variable_keeps_its_order(filled: Api) -> None:
    def ordered(order: Any) -> list[str]:
        arguments = '(where: {name: {_in: ["one", "two"]}}, order_by: $order)'
        return names(filled, arguments, declare="$order: [flow_order_by!]", order=order)

    assert ordered({"version": "desc", "name": "desc"}) == ["one 2", "two 1", "one 1"]
    assert ordered({"name": "desc", "version": "desc"}) == ["two 1", "one 2", "one 1"]
    assert ordered([{"name": "asc"}, {"version": "asc"}]) == ["one 1", "one 2", "two 1"]


def test_nulls_come_last_going_up_and_first_going_down(filled: Api) -> None:
    (run,) = filled.data('{flow_run(where: {name: {_eq: "first"}}) {id}}')["flow_run"]
    state = {"type": "Running", "message": "go"}
    filled.mutate("set_flow_run_state", {"flow_run_id": run["id"], "state": state})

    def ordered(direction: str) -> list[str]:
        rows = filled.data(f"{{flow_run(order_by: {{start_time: {direction}}}) {{name}}}}")
        return [row["name"] for row in rows["flow_run"]]

    assert ordered("asc") == ["first", "second"]
    assert ordered("desc") == ["second", "first"]
    assert ordered("desc_nulls_last") == ["first", "second"]
    assert ordered("asc_nulls_first") == ["second", "first"]


def test_distinct_on_takes_the_first_of_each_in_order(filled: Api) -> None:
    order = "order_by: {name: asc, version: desc}"
    only = 'where: {name: {_in: ["one", "two"]}}'
    assert names(filled, f"({only}, distinct_on: name, {order})") == ["one 2", "two 1"]
    assert names(filled, f"({only}, distinct_on: [name, version], {order})") == [
        "one 2",
        "one 1",
        "two 1",
    ]
    assert names(filled, f"({only}, distinct_on: null, {order}, limit: 2)") == ["one 2", "one 1"]
    assert names(filled, f"({only}, distinct_on: name, {order}, limit: 1, offset: 1)") == ["two 1"]


def test_limit_and_offset(filled: Api) -> None:
    assert names(filled, "(limit: 2)") == ["one 1", "one 2"]
    assert names(filled, "(limit: 2, offset: 1)") == ["one 2", "two 1"]
    assert names(filled, "(offset: 3)") == ["Straße 1"]
    assert names(filled, "(limit: 0)") == []
    assert "negative" in filled.error("{flow(limit: -1) {name}}")


def test_arguments_of_related_rows_count_for_each_parent(filled: Api) -> None:
    rows = filled.data(
        """{project(order_by: {name: asc}) {
            name
            newest: flows(order_by: {created: desc}, limit: 1) {name version}
            rest: flows(order_by: {created: desc}, offset: 1) {name version}
            names: flows(distinct_on: name, order_by: {version: desc}) {name version}
            second: flows(where: {version: {_eq: 2}}) {name project {name}}
            flows_aggregate(distinct_on: name) {aggregate {count}}
            all: flows_aggregate {aggregate {count(columns: name, distinct: true)
                                             max {version} min {name}} nodes {name}}
        }}"""
    )["project"]
    a, b = rows
    assert a["newest"] == [{"name": "two", "version": 1}]
    assert b["newest"] == [{"name": "Straße", "version": 1}]
    assert a["rest"] == [{"name": "one", "version": 2}, {"name": "one", "version": 1}]
    assert b["rest"] == []
    assert sorted(row["name"] for row in a["names"]) == ["one", "two"]
    assert {"name": "one", "version": 2} in a["names"]
    assert a["second"] == [{"name": "one", "project": {"name": "a"}}]
    assert b["second"] == []
    assert [row["flows_aggregate"]["aggregate"]["count"] for row in rows] == [2, 1]
    assert a["all"]["aggregate"] == {"count": 2, "max": {"version": 2}, "min": {"name": "one"}}
    assert [node["name"] for node in a["all"]["nodes"]] == ["one", "one", "two"]


def test_aggregates_at_the_root(filled: Api) -> None:
    def count(arguments: str) -> int:
        query = f"{{flow_aggregate{arguments} {{aggregate {{count}}}}}}"
        return filled.data(query)["flow_aggregate"]["aggregate"]["count"]

    assert count("") == 4
    assert count("(distinct_on: name)") == 3
    assert count('(where: {name: {_eq: "one"}})') == 2
    assert count('(where: {name: {_eq: "none"}})') == 0
    assert count("(limit: 3)") == 3
    assert count("(distinct_on: name, limit: 2)") == 2
    empty = filled.data("{agent_aggregate {aggregate {count max {name}} nodes {id}}}")
    assert empty["agent_aggregate"] == {
        "aggregate": {"count": 0, "max": {"name": None}},
        "nodes": [],
    }


def test_by_primary_key(filled: Api) -> None:
    (flow,) = filled.data('{flow(where: {name: {_eq: "two"}}) {id}}')["flow"]
    found = filled.data(f'{{flow_by_pk(id: "{flow["id"]}") {{name tasks(limit: 1) {{slug}}}}}}')
    assert found["flow_by_pk"] == {"name": "two", "tasks": [{"slug": "x"}]}
    nobody = "00000000-0000-4000-8000-000000000000"
    assert filled.data(f'{{flow_by_pk(id: "{nobody}") {{name}}}}')["flow_by_pk"] is None


def test_aliases_fragments_and_directives(filled: Api) -> None:
    found = filled.data(
        """query($yes: Boolean!) {
            again: project(where: {name: {_eq: "a"}}) {
                ...Named
                hidden: description @skip(if: $yes)
                ... on project { shown: name @include(if: $yes) __typename }
                flows(where: {name: {_eq: "two"}}) { name }
                flows(where: {name: {_eq: "two"}}) { version }
            }
        }
        fragment Named on project { title: name ...Named2 }
        fragment Named2 on project { flows(where: {name: {_eq: "two"}}) { archived } }""",
        {"yes": True},
    )["again"]
    flows = [{"name": "two", "version": 1, "archived": False}]
    assert found == [
        {"title": "a", "flows": flows, "shown": "a", "__typename": "project"},
    ]


def test_times_compare_across_zones(filled: Api) -> None:
    def found(where: str) -> list[str]:
        query = f"{{flow_run(where: {{scheduled_start_time: {where}}}) {{name}}}}"
        return [row["name"] for row in filled.data(query)["flow_run"]]

    assert found('{_eq: "2030-01-01T00:00:00"}') == ["second"]
    assert found('{_eq: "2030-01-01T02:00:00+02:00"}') == ["second"]
    assert found('{_gt: "2029-12-31T23:59:59.999999Z"}') == ["second"]
    assert found('{_lt: "2029-12-31T23:59:59+00:00"}') == ["first"]


def test_rows_are_read_with_one_query_for_each_table_and_level(filled: Api) -> None:
    statements: list[str] = []
    engine = filled.executor.database._engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    filled.data(
        "{project {name flows {name tasks {slug} flow_runs {name task_runs {task {slug}}}}}}"
    )
    assert len(statements) == 6


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("{flow", "Syntax Error"),
        ("{flow {nope}}", "Cannot query field 'nope'"),
        ("{flow {id", "Syntax Error"),
        ('{flow(where: {id: {_eq: "no uuid"}}) {id}}', "not a uuid"),
        ('{flow_run(where: {created: {_gt: "soon"}}) {id}}', "not an ISO 8601 time"),
        ('{flow(where: {version: {_eq: "1"}}) {id}}', "Int cannot represent"),
        ("{flow(where: {version: {_eq: 99999999999}}) {id}}", "Int cannot represent"),
        ("{flow(where: {nope: {_eq: 1}}) {id}}", "nope"),
        ('{flow(where: {name: {_match: "x"}}) {id}}', "_match"),
        ("{flow(order_by: {name: sideways}) {id}}", "sideways"),
        ("{flow(distinct_on: nope) {id}}", "nope"),
        ("{flow}", "must have a selection of subfields"),
        ("{flow_by_pk {id}}", "id"),
        ("query($id: uuid!) {flow_by_pk(id: $id) {id}}", "$id"),
        ("query($id: String) {flow_by_pk(id: $id) {id}}", "$id"),
        ("{secret {name}}", "Cannot query field 'secret'"),
        ("{auth_api_key {digest}}", "Cannot query field 'digest'"),
        ("subscription {flow {id}}", "subscription"),
        ("{flow {...F}} fragment F on flow {project {...G}} fragment G on project {flows {...F}}",
         "itself"),
        ("", "Syntax Error"),
    ],
)  # fmt: skip
def test_bad_graphql_is_a_graphql_error(filled: Api, query: str, says: str) -> None:
    answer = filled.answer(query)
    assert says in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["code"] != "INTERNAL_SERVER_ERROR"
    assert answer.get("data") is None


def test_depth_and_size_of_a_query_are_limited(filled: Api) -> None:
    deep = "{project" + "{flows{project" * 6 + "{id}" + "}}" * 6 + "}"
    assert "10 related tables" in filled.error(deep)
    assert "too deeply" in filled.error("{project" + "{flows{project" * 10_000)
    wide = "{" + " ".join(f"a{number}: hello" for number in range(1001)) + "}"
    assert "1000 fields" in filled.error(wide)
    literal = "{flow(where: {_not: " + "{_not: " * 10_000
    assert "too deeply" in filled.error(literal)


def test_introspection_describes_both_tables_and_operations(filled: Api) -> None:
    schema = build_client_schema(filled.data(get_introspection_query()))
    assert validate_schema(schema) == []
    assert schema.query_type and "flow_by_pk" in schema.query_type.fields
    assert schema.mutation_type and "create_flow" in schema.mutation_type.fields
