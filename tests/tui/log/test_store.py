"""The ring of encoded lines: what it keeps, finds, cuts and drops."""

from __future__ import annotations

import pytest

from flowtui.deploy.events import Level
from flowtui.tui.logs.store import LONGEST_KEPT, LONGEST_SHOWN, LineFilter, LogStore


def store(*texts: str, limit: int = 100_000) -> LogStore:
    made = LogStore(limit)
    for number, text in enumerate(texts):
        made.append(text, at=float(number))
    return made


def found(held: LogStore, text: str, *, inverted: bool = False) -> list[int]:
    return held.picked(LineFilter(text, inverted), 0, held.total)


def test_lines_have_their_text_level_and_time_over_many_blocks() -> None:
    held = LogStore()
    for number in range(5000):
        level = Level.ERROR if number % 1000 == 7 else Level.INFO
        held.append(f"line {number}", level, float(number))
    for number in (0, 7, 1023, 1024, 2047, 4999):
        line = held.line(number)
        assert line is not None
        assert (line.number, line.text, line.at) == (number, f"line {number}", float(number))
    assert held.picked(LineFilter(level=Level.ERROR), 0, 5000) == [7, 1007, 2007, 3007, 4007]


def test_small_letters_find_both_cases_and_capitals_their_own() -> None:
    held = store("Error", "no error", "ERROR", "fine")
    assert found(held, "error") == [0, 1, 2]
    assert found(held, "Error") == [0]
    assert found(held, "error", inverted=True) == [3]


def test_letters_beyond_ascii_are_found() -> None:
    held = store("日本語 here", "Äpfel", "äpfel", "apfel")
    assert found(held, "日本") == [0]
    assert found(held, "äp") == [1, 2]
    assert found(held, "Äp") == [1]


def test_a_text_is_found_through_the_colours_and_once_a_line() -> None:
    held = store("\x1b[31mre\x1b[0md red red", "plain")
    assert found(held, "red") == [0]
    line = held.line(0)
    assert line is not None
    assert (line.text, line.coloured) == ("red red red", "\x1b[31mre\x1b[0md red red")


def test_nothing_is_found_across_two_lines_and_empty_lines_count() -> None:
    held = store("ab", "", "ba", "", "")
    assert found(held, "bb") == []
    assert found(held, "a") == [0, 2]
    assert found(held, "a", inverted=True) == [1, 3, 4]


@pytest.mark.parametrize("count", [1023, 1024, 1025, 3000])
def test_what_is_picked_stays_within_the_bounds(count: int) -> None:
    held = store(*(f"{number % 3}" for number in range(count)))
    assert held.picked(LineFilter("1"), 1000, 1020) == [n for n in range(1000, 1020) if n % 3 == 1]
    assert len(found(held, "2")) == sum(1 for n in range(count) if n % 3 == 2)


def test_the_ring_drops_the_oldest_and_finds_only_what_is_held() -> None:
    held = store(*(f"line {number}" for number in range(10_000)), limit=3000)
    assert (held.first, held.total, len(held)) == (7000, 10_000, 3000)
    assert held.dropped_until == 6999.0
    assert held.line(6999) is None
    assert found(held, "line 6999") == []
    assert found(held, "line 7000") == [7000]
    assert found(held, "line 9999") == [9999]


def test_carriage_returns_leave_what_was_written_last() -> None:
    held = store("10 %\r50 %\r100 %", "done\r", "a\nb")
    assert held.lines() == ("100 %", "done", "a", "b")


def test_a_long_line_is_cut_for_display_and_whole_for_copy() -> None:
    held = store("x" * 100_000 + "\t|")
    line = held.line(0)
    assert line is not None
    assert len(line.text) == LONGEST_SHOWN
    assert held.whole(0) == "x" * 100_000 + "\t|"


def test_a_line_beyond_the_cap_says_what_is_missing() -> None:
    held = store("x" * (LONGEST_KEPT + 1234))
    assert held.whole(0) == "x" * LONGEST_KEPT + " … (1,234 more were not kept)"


def test_long_lines_together_stay_within_bounds() -> None:
    held = store(*("y" * 1_000_000 for _ in range(40)))
    assert len(held.whole(39)) == 1_000_000
    assert len(held.whole(0)) == LONGEST_SHOWN
    assert len(held) == 40


def test_many_long_lines_do_not_fill_the_memory() -> None:
    held = store(*("z" * 8000 for _ in range(20_000)))
    assert len(held) * 8000 <= 64 * 2**20 + 1024 * 8000
    assert held.line(held.total - 1) is not None


def test_the_widest_line_is_told_in_cells() -> None:
    assert store("abc").longest == 3
    assert store("日本").longest == 4
    assert store("\tx").longest == 9
    assert store("\x1b[31mred\x1b[0m").longest == 3
