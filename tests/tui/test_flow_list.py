"""Which rows are listed, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from flowtui.flow_rows import FlowRow
from flowtui.models import FlowState, FlowVersion
from flowtui.run_models import FlowRun
from flowtui.tui.looks.glyphs import ASCII, UNICODE
from flowtui.tui.looks.words import padded, shortened, shortened_left
from flowtui.tui.view_models.flow_list import SortBy, Sorting, arranged, matcher
from flowtui.tui.widgets.flows.columns import Cells, columns_for, header, line
from tests.tui.memory import broken, flow

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def version(name: str, number: int, day: int) -> FlowVersion:
    return FlowVersion(
        f"{name}{number}", name, number, "P", False, datetime(2026, 11, day, tzinfo=UTC), "1.4.1"
    )


ROWS = (
    FlowRow(FlowState.UP_TO_DATE, flow("beta", "a.py", 1), None, version("beta", 3, 2), "P"),
    FlowRow(FlowState.NOT_DEPLOYED, flow("Alpha", "b.py", 1)),
    FlowRow(FlowState.BROKEN, broken=broken("c.py")),
    FlowRow(FlowState.CHANGED, flow("gamma", "d.py", 1), None, version("gamma", 7, 1), "P"),
)


def names(words: str = "", sorting: Sorting = Sorting()) -> list[str]:  # noqa: B008
    return [row.name for row in arranged(ROWS, words, sorting, RUNS).values()]


RUNS = {
    ("P", "gamma"): FlowRun("r", "run", "gamma", "P", 7, "gamma7", "Success", started=NOW),
}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (SortBy.FILE, ["beta", "Alpha", "c.py", "gamma"]),
        (SortBy.STATE, ["c.py", "gamma", "Alpha", "beta"]),
        (SortBy.NAME, ["Alpha", "beta", "c.py", "gamma"]),
        (SortBy.VERSION, ["Alpha", "c.py", "beta", "gamma"]),
        (SortBy.DEPLOYED, ["Alpha", "c.py", "gamma", "beta"]),
        (SortBy.LAST_RUN, ["beta", "Alpha", "c.py", "gamma"]),
    ],
)
def test_every_column_sorts(by: SortBy, expected: list[str]) -> None:
    assert names(sorting=Sorting(by)) == expected


def test_an_order_is_remembered_as_words_and_times_begin_with_the_newest() -> None:
    for by in SortBy:
        for reverse in (False, True):
            assert Sorting.read(str(Sorting(by, reverse))) == Sorting(by, reverse)
    assert Sorting.read("nonsense") == Sorting()
    assert Sorting(SortBy.VERSION).next() == Sorting(SortBy.DEPLOYED, reverse=True)
    assert Sorting(SortBy.LAST_RUN).next() == Sorting()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("p", ["beta", "Alpha", "c.py", "gamma"]),
        ("beta up", ["beta"]),
        ("BETA", ["beta"]),
        ("!broken !alpha", ["beta", "gamma"]),
        ("changed !gamma", []),
        ("!", ["beta", "Alpha", "c.py", "gamma"]),
    ],
)
def test_every_word_narrows_and_an_exclamation_mark_hides(words: str, expected: list[str]) -> None:
    assert names(words) == expected


@given(st.text(max_size=12))
def test_no_words_are_wrong(words: str) -> None:
    matches = matcher(words)
    assert all(isinstance(matches(row), bool) for row in ROWS)


@given(st.text("ab日本é\u0301 ", max_size=20), st.integers(0, 24))
def test_cells_not_characters_are_counted(text: str, width: int) -> None:
    for cut in (shortened(text, width), shortened_left(text, width)):
        assert cell_len(cut) <= width
        assert cell_len(padded(cut, width)) == width


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("width", [36, 52, 80, 120, 200])
def test_all_lines_are_as_wide_as_the_columns(width: int, exact: bool) -> None:
    columns = columns_for(width, exact_times=exact)
    wide = FlowRow(FlowState.CHANGED, flow("日本語の長い長い名前の流れ" * 3, "日本/流れ.py"))
    expected = 1 + sum(column.width + 2 for column in columns)
    for glyphs in (UNICODE, ASCII):
        assert header(columns, Sorting(SortBy.NAME), glyphs).cell_length == expected
        for row in (*ROWS, wide):
            for state in (
                Cells(row),
                Cells(row, "build", selected=True, new=True, last_run=RUNS["P", "gamma"]),
            ):
                made = line(state, columns, glyphs, NOW, exact_times=exact)
                assert made.cell_length == expected, made.plain


def test_states_new_and_selected_are_words_and_marks_not_colours_alone() -> None:
    columns = columns_for(80)
    row = ROWS[1]
    plain = line(Cells(row), columns, UNICODE, NOW, exact_times=False).plain
    new = line(Cells(row, new=True), columns, UNICODE, NOW, exact_times=False).plain
    selected = line(Cells(row, selected=True), columns, UNICODE, NOW, exact_times=False).plain
    assert "○ not deployed  Alpha" in plain
    assert "Alpha new" in new
    assert "■ not deployed" in selected
    gone = replace(row, state=FlowState.DELETED, flow=None, gone_from="x.py")
    assert "∅ deleted" in line(Cells(gone), columns, UNICODE, NOW, exact_times=False).plain
