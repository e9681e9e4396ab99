"""Fields of a form from JSON schemas, what is typed in them, and what is sent."""

from __future__ import annotations

from typing import Any

import pytest

from flowtui.cli.parameters import check_types, nested
from flowtui.errors import UsageError
from flowtui.models import Json
from flowtui.run_models import Parameter
from flowtui.runs.schema import Heading, SchemaField, Shape, form_lines, schema_fields, values_of
from flowtui.runs.schema_values import (
    choice_words,
    first_typed,
    problems_of,
    read_field,
    typed_for,
)
from flowtui.runs.values import Typed
from tests.runs.rich import parameters

LINES = form_lines(parameters())
FIELDS = {field.name: field for field in schema_fields(LINES)}


def one(schema: dict[str, Any], *, required: bool = False) -> SchemaField:
    (field,) = schema_fields(form_lines([Parameter("x", required, schema.get("default"), schema)]))
    return field


def test_an_object_is_a_field_for_each_leaf_required_parameters_first() -> None:
    shown = [
        (".".join(line.path), None if isinstance(line, Heading) else line.shape) for line in LINES
    ]
    assert shown[:9] == [
        ("config", None),
        ("config.name", Shape.TEXT),
        ("config.inner", None),
        ("config.inner.host", Shape.TEXT),
        ("config.inner.port", Shape.INTEGER),
        ("config.inner.password", Shape.SECRET),
        ("config.tags", Shape.LIST),
        ("config.limits", Shape.OBJECT),
        ("when", Shape.MOMENT),
    ]


@pytest.mark.parametrize(
    ("name", "about", "required", "nullable", "text"),
    [
        ("config.name", "text", True, False, ""),
        ("config.inner.port", "whole number, 1 to 65535", False, False, "5432"),
        ("config.inner.password", "secret", False, True, ""),
        ("config.tags", "JSON list, each text", False, False, "[]"),
        ("day", "date", False, False, "2026-01-02"),
        ("mode", "", False, False, "fast"),
        ("ratio", "number, 0 to 1", False, False, "0.5"),
        ("items", "JSON list, each whole number", False, False, "[1, 2]"),
        ("wait", "length of time", False, False, "PT1M30S"),
        ("maybe", "whole number", False, True, ""),
        ("either", "text or JSON", False, False, "3"),
        ("flag", "true or false", False, False, "false"),
        ("key", "secret", False, False, ""),
    ],
)
def test_what_a_field_says_and_shows_at_first(
    name: str, about: str, required: bool, nullable: bool, text: str
) -> None:
    field = FIELDS[name]
    assert (field.about, field.required, field.nullable) == (about, required, nullable)
    assert first_typed(field) == Typed(text)
    if not required:
        assert read_field(field, first_typed(field)).given is False


@pytest.mark.parametrize(
    ("name", "text", "value", "words"),
    [
        ("config.name", "", "", "empty text"),
        ("config.inner.port", "80", 80, "whole number"),
        ("config.inner.password", "s3cret", "s3cret", "set"),
        ("config.limits", '{"a": 1}', {"a": 1}, "object, 1 key"),
        ("when", "2026-12-24 08:00", "2026-12-24T08:00:00", "without a zone"),
        ("when", "2026-12-24T08:00+01:00", "2026-12-24T08:00:00+01:00", "Thu 24 Dec 2026"),
        ("day", "2026-12-24", "2026-12-24", "Thursday 24 December"),
        ("mode", "slow", "slow", "slow"),
        ("ratio", "1", 1, "number"),
        ("items", "[3]", [3], "list, 1 item"),
        ("wait", "90m", "PT5400S", "1h30m"),
        ("wait", "0.5 s", "PT0.5S", "0.5s"),
        ("wait", "P1DT2H", "P1DT2H", "length of time"),
        ("maybe", "7", 7, "whole number"),
        ("either", "seven", "seven", "text"),
        ("flag", "true", True, "true"),
        ("anything", '{"a": [null]}', {"a": [None]}, "object"),
    ],
)
def test_what_is_sent(name: str, text: str, value: Json, words: str) -> None:
    reading = read_field(FIELDS[name], Typed(text))
    assert (reading.value, reading.problem, reading.given) == (value, "", True)
    assert words in reading.words


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("config.inner.port", "0", "0 is less than the minimum of 1"),
        ("config.inner.port", "1.5", "not a whole number"),
        ("config.inner.port", "", "nothing is no value"),
        ("config.limits", '{"a": "b"}', "a: 'b' is not of type 'integer'"),
        ("config.limits", "[1]", "not a JSON object"),
        ("config.tags", '["a"', "column"),
        ("when", "", "it has no default: type a date and time"),
        ("when", "tomorrow", "not a date and time"),
        ("day", "24.12.2026", "not a date"),
        ("ratio", "2", "2 is greater than the maximum of 1"),
        ("items", '["a"]', "0: 'a' is not of type 'integer'"),
        ("wait", "soon", "not a length of time"),
        ("wait", "P", "not a length of time"),
        ("either", "[1]", "is not valid under any"),
    ],
)
def test_what_is_refused_before_anything_is_sent(name: str, text: str, problem: str) -> None:
    assert problem in read_field(FIELDS[name], Typed(text)).problem


def test_null_only_where_it_may_be() -> None:
    assert read_field(FIELDS["day"], Typed(null=True)).problem == "it cannot be null"
    assert read_field(FIELDS["maybe"], Typed(null=True)).given is False
    given = one({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 3})
    reading = read_field(given, Typed(null=True))
    assert (reading.given, reading.value, reading.words) == (True, None, "null")


def test_values_that_are_chosen() -> None:
    assert choice_words(FIELDS["mode"]) == ("fast", "slow")
    assert choice_words(FIELDS["flag"]) == ("true", "false")
    many = one({"enum": [f"n{number}" for number in range(30)], "default": "n1"})
    assert choice_words(many) == ()
    assert "one of n0, n1" in read_field(many, Typed("x")).problem
    mixed = one({"enum": [1, "a", None], "default": 1})
    assert read_field(mixed, Typed("a")).value == "a"
    assert choice_words(mixed) == ("1", "a", "null")


def test_one_leaf_of_an_object_is_sent_with_what_counts_beside_it() -> None:
    lines = form_lines(parameters(config={"name": "own", "inner": {"host": "h", "port": 1}}))
    assert values_of(lines, {}) == {}
    assert values_of(lines, {("config", "inner", "port"): 2, ("flag",): True}) == {
        "config": {"name": "own", "inner": {"host": "h", "port": 2}},
        "flag": True,
    }


def test_of_an_object_without_a_default_only_what_was_given_is_sent() -> None:
    assert values_of(LINES, {("config", "name"): "a"}) == {"config": {"name": "a"}}
    inner = values_of(LINES, {("config", "inner", "host"): "h"})["config"]
    assert inner == {"inner": {"host": "h", "port": 5432, "password": None}}


def test_the_mask_of_a_secret_is_never_sent() -> None:
    schema = {
        "$ref": "#/definitions/C",
        "default": {"user": "u", "password": "**********"},
        "definitions": {
            "C": {
                "type": "object",
                "properties": {
                    "user": {"type": "string"},
                    "password": {"type": "string", "format": "password"},
                },
            }
        },
    }
    lines = form_lines([Parameter("c", False, schema["default"], schema)])
    assert [first_typed(field) for field in schema_fields(lines)] == [Typed("u"), Typed()]
    assert values_of(lines, {("c", "user"): "v"}) == {"c": {"user": "v"}}


def test_an_object_that_may_be_null_or_leads_to_itself_is_json() -> None:
    node = {
        "$ref": "#/definitions/Node",
        "definitions": {
            "Node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "next": {"anyOf": [{"$ref": "#/definitions/Node"}, {"type": "null"}]},
                },
            }
        },
    }
    fields = schema_fields(form_lines([Parameter("node", True, None, node)]))
    assert [(field.name, field.shape) for field in fields] == [
        ("node.name", Shape.TEXT),
        ("node.next", Shape.OBJECT),
    ]
    assert fields[1].nullable


def test_a_reference_in_a_circle_or_to_nowhere_takes_anything() -> None:
    circle = {"$ref": "#/definitions/A", "definitions": {"A": {"$ref": "#/definitions/A"}}}
    assert one(circle).shape is Shape.ANY
    assert one({"$ref": "#/definitions/Gone"}).shape is Shape.ANY


def test_the_value_of_an_earlier_run_comes_out_as_it_went_in() -> None:
    for name, value in [
        ("mode", "slow"),
        ("items", [1, 2, 3]),
        ("maybe", 4),
        ("either", "5"),
        ("flag", True),
        ("wait", "PT5S"),
        ("config.limits", {"a": 1}),
    ]:
        field = FIELDS[name]
        assert read_field(field, typed_for(field, value)).value == value


def test_all_that_does_not_fit_is_named_by_its_path() -> None:
    values: dict[str, Json] = {"config": {"inner": {"port": 99999999}}, "items": ["x"], "what": 1}
    assert problems_of(parameters(), values) == (
        "“config.inner.port”: 99999999 is greater than the maximum of 65535",
        "“config”: 'name' is a required property",
        "“items.0”: 'x' is not of type 'integer'",
    )


def test_a_schema_that_is_none_refuses_nothing() -> None:
    broken = one({"type": "integer", "minimum": "much", "default": 1})
    assert read_field(broken, Typed("5")).value == 5


def test_one_key_of_an_object_on_the_command_line() -> None:
    declared = parameters(config={"name": "own", "inner": {"host": "h", "port": 1}})
    values = nested({"config.inner.port": 80, "flag": True, "no.such": 1}, declared)
    assert values == {
        "config": {"name": "own", "inner": {"host": "h", "port": 80}},
        "flag": True,
        "no.such": 1,
    }
    assert nested({"config": {"name": "a"}, "config.tags": ["x"]}, declared) == {
        "config": {"name": "a", "tags": ["x"]}
    }
    with pytest.raises(UsageError, match="greater than the maximum"):
        check_types(nested({"config.inner.port": 99999}, declared), declared, "etl")


def test_names_with_a_dot_stay_where_no_types_are_known() -> None:
    declared = (Parameter("a", False, {}),)
    assert nested({"a.b": 1}, declared) == {"a.b": 1}
