"""How a change reads: values in a line, or what differs below it."""

from __future__ import annotations

import json

import pytest

from flowtui.deploy.change import Aspect, Change, Changes, Sign, Unknown
from flowtui.deploy.change_text import by_aspect, not_compared, shown, will_change


def change(before: str = "", after: str = "", **more: bool) -> Change:
    sign = Sign.CHANGED if before and after else Sign.ADDED if after else Sign.REMOVED
    return Change(Aspect.PARAMETERS, sign, "limit", before, after, **more)


@pytest.mark.parametrize("value", ["1", "r.example.com/etl@sha256:" + "a" * 64, '{"a": [1, 2]}'])
def test_values_of_a_line_stand_beside_one_another(value: str) -> None:
    found = shown(change(value, "2"))
    assert (found.before, found.after, found.lines) == (value, "2", ())


def test_of_a_long_json_value_only_the_parts_that_differ_are_shown() -> None:
    before = {"type": "object", "properties": {name: {"type": "integer"} for name in "abcdefgh"}}
    after = {**before, "required": ["a"]}
    lines = shown(change(json.dumps(before), json.dumps(after))).lines
    assert [line for line in lines if line[0] in "+-"] == [
        "-  }",
        "+  },",
        '+  "required": [',
        '+    "a"',
        "+  ]",
    ]
    assert len(lines) < 12


def test_a_long_text_that_is_new_is_shown_whole() -> None:
    text = "first line\nsecond line"
    assert shown(change(after=text)).lines == ("@@ -0,0 +1,2 @@", "+first line", "+second line")


def test_fields_come_before_the_lines_of_sources() -> None:
    source = Change(Aspect.SOURCES, Sign.ADDED, "a.py")
    assert [aspect for aspect, _ in by_aspect(Changes((source, change("1", "2"))))] == [
        Aspect.PARAMETERS,
        Aspect.SOURCES,
    ]


def test_what_stays_comes_after_what_changes_and_is_no_change() -> None:
    stays, goes = change("1", "2", kept=True), change("3", "4")
    changes = Changes((stays, goes))
    ((aspect, found),) = by_aspect(changes)
    assert (aspect, [each.change for each in found]) == (Aspect.PARAMETERS, [goes, stays])
    assert will_change(changes) == (goes,)
    assert will_change(None) == ()


def test_aspects_with_one_reason_are_told_together() -> None:
    unknown = (
        Unknown(Aspect.TASKS, "a"),
        Unknown(Aspect.TAGS, "b"),
        Unknown(Aspect.SCHEDULE, "a"),
    )
    assert not_compared(Changes(unknown=unknown)) == (
        ("a", (Aspect.TASKS, Aspect.SCHEDULE)),
        ("b", (Aspect.TAGS,)),
    )
