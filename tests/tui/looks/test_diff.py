"""The difference as it is drawn: aligned, never wider than its place, cut only where it says so."""

from __future__ import annotations

import json

import pytest

from flowtui.deploy.change import Aspect, Change, Changes, Sign, Unknown
from flowtui.tui.looks.diff import SHOWN_LINES, diff_lines
from flowtui.tui.looks.glyphs import ASCII, UNICODE

IMAGE = "registry.example.com/team/etl@sha256:"
SCHEMA = {"type": "object", "properties": {f"p{n}": {"type": "integer"} for n in range(20)}}
CHANGES = Changes(
    found=(
        Change(Aspect.SOURCES, Sign.CHANGED, "etl.py", lines=("@@ -4,2 +4,3 @@", "-a", "+b", " c")),
        Change(Aspect.PARAMETERS, Sign.CHANGED, "limit", "1", "250"),
        Change(Aspect.PARAMETERS, Sign.CHANGED, "country", "de", "fr"),
        Change(Aspect.PARAMETERS, Sign.REMOVED, "old", "true"),
        Change(Aspect.PARAMETERS, Sign.ADDED, "schema", "", json.dumps(SCHEMA)),
        Change(Aspect.SCHEDULE, Sign.CHANGED, "nightly", "0 5 * * *", "0 2 * * *", kept=True),
        Change(Aspect.JOB_VARIABLES, Sign.CHANGED, "image", f"{IMAGE}aaa", f"{IMAGE}bbb"),
    ),
    unknown=(Unknown(Aspect.EXECUTION, "not told"), Unknown(Aspect.TASKS, "not told")),
    same=(Aspect.TAGS, Aspect.DEPENDENCIES),
)


def drawn(width: int = 76, changes: Changes = CHANGES, most: int | None = SHOWN_LINES) -> list[str]:
    return [line.plain for line in diff_lines(changes, width, UNICODE, key="v", most=most)]


def test_it_begins_with_how_much_and_ends_with_what_is_the_same() -> None:
    lines = drawn()
    assert lines[0] == "+1 added  ~4 changed  -1 removed  =1 stays"
    assert lines[-2:] == [
        "= the same: tags, dependencies",
        "? execution, tasks: not compared, not told",
    ]


def test_values_before_and_after_stand_in_columns() -> None:
    lines = drawn()
    assert "  ~ limit    1  → 250" in lines
    assert "  ~ country  de → fr" in lines
    assert "  - old      true" in lines


def test_values_without_room_stand_below_one_another() -> None:
    lines = drawn()
    at = lines.index("  ~ image")
    assert lines[at + 1 : at + 3] == [f"      - {IMAGE}aaa", f"      + {IMAGE}bbb"]
    assert f"  ~ image  {IMAGE}aaa → {IMAGE}bbb" in drawn(160)


def test_what_stays_says_so_with_what_the_project_says() -> None:
    (line,) = [line for line in drawn() if "nightly" in line]
    assert line == "  = nightly  0 5 * * *  edited elsewhere, stays; the project says 0 2 * * *"
    assert any(line.startswith("Schedule") and "stays" in line for line in drawn())


def test_a_long_value_is_cut_and_says_which_key_shows_all() -> None:
    lines = drawn()
    (cut,) = [line for line in lines if "more lines" in line]
    assert cut.endswith("v shows all")
    whole = drawn(most=None)
    assert not any("more lines" in line for line in whole)
    hidden = int(cut.split()[1])
    assert len(whole) == len(lines) - 1 + hidden


def test_sources_come_last_with_the_lines_they_are_at() -> None:
    lines = drawn()
    at = lines.index("  ~ etl.py  +1 -1")
    assert lines[at + 1 : at + 5] == ["    lines 4 to 6", "    - a", "    + b", "      c"]
    assert lines.index("") < at
    assert at > next(n for n, line in enumerate(lines) if line.startswith("Job variables"))


@pytest.mark.parametrize("width", [40, 56, 76, 156])
def test_no_line_is_wider_than_its_place(width: int) -> None:
    for line in diff_lines(CHANGES, width, ASCII, key="v", most=None):
        assert line.cell_length <= width, line.plain
        assert line.plain.isascii() or "…" in line.plain


def test_no_difference_is_said() -> None:
    assert drawn(changes=Changes(same=(Aspect.TAGS,)))[0] == "No difference was found."
