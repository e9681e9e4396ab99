"""What a person types for a parameter, and what is sent of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.models import Json
from flowtui.run_models import Parameter
from flowtui.runs.values import (
    JsonBreak,
    Typed,
    ValueType,
    at_first,
    kind_for,
    parsed,
    read,
    type_of,
    typed,
)

REQUIRED = Parameter("x", required=True)
NO_DEFAULT = Parameter("x", required=False)


def with_default(value: Json) -> Parameter:
    return Parameter("x", required=False, default=value)


@pytest.mark.parametrize(
    ("default", "kind"),
    [
        (None, ValueType.ANY),
        (True, ValueType.SWITCH),
        (0, ValueType.NUMBER),
        (0.5, ValueType.NUMBER),
        ("", ValueType.TEXT),
        ([], ValueType.JSON),
        ({"a": 1}, ValueType.JSON),
    ],
)
def test_the_default_says_what_a_field_takes(default: Json, kind: ValueType) -> None:
    assert type_of(with_default(default)) is kind


@pytest.mark.parametrize("default", [None, False, 5, 0.5, "", "text", "5", [1], {"a": None}])
def test_a_field_left_as_it_was_sends_nothing(default: Json) -> None:
    parameter = with_default(default)
    reading = read(parameter, type_of(parameter), at_first(parameter))
    assert not reading.given
    assert "the default" in reading.words
    assert not reading.problem


def test_a_required_field_left_empty_is_a_problem() -> None:
    assert "no default" in read(REQUIRED, ValueType.ANY, Typed()).problem


def test_empty_text_default_and_null_are_told_apart() -> None:
    parameter = with_default("north")
    kinds = {
        "default": read(parameter, ValueType.TEXT, Typed("north")),
        "empty": read(parameter, ValueType.TEXT, Typed("")),
        "null": read(parameter, ValueType.TEXT, Typed("", null=True)),
    }
    assert {name: reading.words for name, reading in kinds.items()} == {
        "default": "the default",
        "empty": "empty text",
        "null": "null",
    }
    assert [kinds[name].value for name in ("empty", "null")] == ["", None]
    assert [kinds[name].given for name in kinds] == [False, True, True]


def test_null_where_null_is_the_default_is_not_sent() -> None:
    assert not read(NO_DEFAULT, ValueType.ANY, Typed(null=True)).given
    assert read(REQUIRED, ValueType.ANY, Typed(null=True)).given


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        ("5", 5, "number"),
        ("-0.5", -0.5, "number"),
        ("true", True, "true"),
        ("null", None, "null"),
        ("hello", "hello", "text"),
        ('""', "", "empty text"),
        ('"5"', "5", "text"),
        ("[1, 2]", [1, 2], "list, 2 items"),
        ('{"a": 1}', {"a": 1}, "object, 1 key"),
        ("12:30", "12:30", "text"),
        ("5 apples", "5 apples", "text"),
    ],
)
def test_without_a_default_json_is_json_and_the_rest_is_text(
    text: str, value: Json, words: str
) -> None:
    reading = read(REQUIRED, ValueType.ANY, Typed(text))
    assert (reading.value, reading.words, reading.problem) == (value, words, "")


@pytest.mark.parametrize(
    ("text", "column", "around"),
    [
        ('{"a": 1 "b": 2}', 9, '{"a": 1 ▸"b": 2}'),
        ("[1, 2", 6, "[1, 2▸"),
        ('{"a": tru}', 7, '{"a": ▸tru}'),
    ],
)
def test_broken_json_says_where_it_breaks(text: str, column: int, around: str) -> None:
    with pytest.raises(JsonBreak) as broken:
        parsed(text)
    assert (broken.value.line, broken.value.column) == (1, column)
    assert broken.value.around == around
    assert f"column {column}" in read(with_default([]), ValueType.JSON, Typed(text)).problem
    assert f"column {column}" in read(REQUIRED, ValueType.ANY, Typed(text)).problem


def test_of_several_lines_the_line_is_told() -> None:
    with pytest.raises(JsonBreak) as broken:
        parsed('{\n  "a": 1,\n  "b" 2\n}')
    assert broken.value.words.startswith("line 3:7")
    assert broken.value.around == '"b" ▸2'


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        "1e999",
        '{"a": 1, "a": 2}',
        "[" * 100_000,
        "9" * 5000,
        '"\\ud800"',
        '"\\u0000"',
        "",
    ],
)
def test_what_no_control_plane_takes_is_no_json(text: str) -> None:
    with pytest.raises(JsonBreak):
        parsed(text)


@pytest.mark.parametrize("text", ["", "five", "true", "[1]", "1e999", "NaN", "0x10"])
def test_a_number_is_a_number(text: str) -> None:
    assert "not a number" in read(with_default(5), ValueType.NUMBER, Typed(text)).problem


def test_text_that_cannot_be_sent_is_refused() -> None:
    for text in ("a\0b", "\ud800"):
        assert read(with_default("x"), ValueType.TEXT, Typed(text)).problem


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@pytest.mark.slow
@given(JSON_VALUES, JSON_VALUES)
def test_the_value_of_an_earlier_run_comes_out_as_it_went_in(default: Json, value: Json) -> None:
    parameter = with_default(default)
    kind = kind_for(parameter, value)
    reading = read(parameter, kind, typed(kind, value))
    assert not reading.problem
    sent = reading.value if reading.given else default
    assert json.dumps(sent) == json.dumps(value)
