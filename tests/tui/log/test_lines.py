"""Filtered and merged lines, and the matches of a search, while lines come and go."""

from __future__ import annotations

from flowtui.deploy.events import Level
from flowtui.tui.logs.lines import SLICE, Lines, Matches, PickedLines, WholeLog
from flowtui.tui.logs.store import LineFilter, LogStore


def texts(lines: Lines) -> list[str]:
    shown = (lines.at(position) for position in range(lines.first, lines.end))
    return [lines.stores[at[0]].whole(at[1]) for at in shown if at is not None]


def all_of(lines: Lines) -> int:
    """Takes in everything; gives how many slices that took."""
    slices = 1
    while not lines.advance():
        slices += 1
    return slices


def test_a_filter_takes_in_what_comes_later() -> None:
    store = LogStore()
    store.append("an apple")
    store.append("a pear")
    lines = PickedLines((store,), LineFilter("apple"))
    assert lines.advance()
    assert texts(lines) == ["an apple"]
    store.append("another apple")
    assert lines.advance()
    assert texts(lines) == ["an apple", "another apple"]


def test_a_big_log_is_filtered_in_slices() -> None:
    store = LogStore()
    for number in range(50_000):
        store.append(f"line {number}", Level.ERROR if number % 5000 == 0 else Level.INFO)
    lines = PickedLines((store,), LineFilter(level=Level.ERROR))
    assert all_of(lines) == -(-50_000 // SLICE)
    assert lines.end == 10


def test_logs_are_merged_in_the_order_of_time_slice_by_slice() -> None:
    stores = (LogStore(), LogStore(), LogStore())
    for number in range(60_000):
        at = number // 20_000 if number % 7 else 2
        stores[at].append(str(number), at=float(number))
    lines = PickedLines(stores, LineFilter())
    all_of(lines)
    assert texts(lines) == [str(number) for number in range(60_000)]
    stores[0].append("later", at=1e9)
    lines.advance()
    assert texts(lines)[-1] == "later"


def test_what_falls_out_of_one_log_takes_what_is_older_with_it() -> None:
    old, busy = LogStore(), LogStore(limit=100)
    old.append("the very first", at=0.0)
    for number in range(50):
        busy.append(f"busy {number}", at=float(1 + number))
    lines = PickedLines((old, busy), LineFilter())
    lines.advance()
    assert texts(lines)[0] == "the very first"
    for number in range(50, 200):
        busy.append(f"busy {number}", at=float(1 + number))
    lines.advance()
    assert texts(lines) == [f"busy {number}" for number in range(100, 200)]


def test_positions_stay_when_lines_fall_out() -> None:
    store = LogStore(limit=1000)
    lines = PickedLines((store,), LineFilter("even"))
    for number in range(3000):
        store.append(f"{'even' if number % 2 == 0 else 'odd'} {number}")
        if number % 500 == 0:
            lines.advance()
    lines.advance()
    at = lines.at(lines.end - 1)
    assert at is not None
    assert store.whole(at[1]) == "even 2998"
    assert lines.end == 1500
    assert lines.at(lines.first) == (0, 2000)


def test_a_line_is_found_again_among_other_lines() -> None:
    store = LogStore()
    for number in range(100):
        store.append("x" if number % 10 else f"ten {number}", at=float(number))
    picked = PickedLines((store,), LineFilter("ten"))
    picked.advance()
    assert picked.near(30.0, 0, 30) == 3
    assert picked.near(31.0, 0, 31) == 4
    assert WholeLog(store).near(31.0, 0, 31) == 31
    other = LogStore()
    other.append("between", at=30.5)
    merged = PickedLines((store, other), LineFilter())
    merged.advance()
    assert merged.near(30.5, 1, 0) == 31
    assert merged.near(31.0, 0, 31) == 32


def test_matches_come_and_go_with_their_lines() -> None:
    store = LogStore(limit=100)
    lines = WholeLog(store)
    matches = Matches(lines, "hit")
    for number in range(250):
        store.append(f"hit {number}" if number % 50 == 0 else "miss")
        lines.advance()
        matches.advance()
    assert len(matches) == 2
    assert matches.after(0) == 150
    assert matches.after(201) == 150
    assert matches.after(201, around=False) is None
    assert matches.before(200) == 150
    assert matches.before(150) == 200
    assert matches.index(200) == 1
    assert matches.index(201) is None


def test_a_search_works_within_a_filter() -> None:
    store = LogStore()
    for number in range(100):
        store.append(f"{'a' if number % 2 else 'b'} {number}")
    lines = PickedLines((store,), LineFilter("a"))
    lines.advance()
    matches = Matches(lines, "9")
    matches.advance()
    hits = [position for position in range(lines.end) if matches.index(position) is not None]
    assert [texts(lines)[position] for position in hits] == [
        f"a {number}" for number in range(1, 100, 2) if "9" in str(number)
    ]
