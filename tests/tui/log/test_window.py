"""Where the page is while lines come, go, are wrapped, searched and selected."""

from __future__ import annotations

from flowtui.deploy.events import Level
from flowtui.tui.logs.store import LineFilter, LogStore
from flowtui.tui.widgets.log import rows
from flowtui.tui.widgets.log.rows import Row
from flowtui.tui.widgets.log.window import Window


def window(store: LogStore, size: int = 5) -> Window:
    made = Window((store,), lambda _: 1)
    made.size = size
    made.look()
    return made


def filled(count: int, limit: int = 100_000) -> LogStore:
    store = LogStore(limit)
    for number in range(count):
        store.append(f"line {number}", at=float(number))
    return store


def seen(shown: Window) -> list[int]:
    return [row.position for row in shown.page()]


def test_it_follows_until_the_reader_scrolls_up_and_counts_what_is_new() -> None:
    store = filled(20)
    shown = window(store)
    assert seen(shown) == [15, 16, 17, 18, 19]
    shown.scroll(-3)
    for _ in range(4):
        store.append("new")
    shown.look()
    assert seen(shown) == [12, 13, 14, 15, 16]
    assert shown.new_lines == 4
    shown.scroll(100)
    assert shown.follow
    assert seen(shown) == [19, 20, 21, 22, 23]


def test_a_pause_shows_nothing_that_came_later_and_says_how_many() -> None:
    store = filled(2)
    shown = window(store)
    shown.pause()
    store.append("late")
    shown.look()
    assert seen(shown) == [0, 1]
    assert shown.new_lines == 1
    shown.scroll(1)
    assert shown.paused
    shown.follow_newest()
    shown.look()
    assert seen(shown) == [0, 1, 2]


def test_lines_that_fall_out_under_the_reader_move_the_page_only_then() -> None:
    store = filled(100, limit=100)
    shown = window(store)
    shown.scroll(-50)
    top = seen(shown)[0]
    for _ in range(40):
        store.append("more")
    shown.look()
    assert seen(shown)[0] == top
    for _ in range(40):
        store.append("more")
    shown.look()
    assert seen(shown) == [80, 81, 82, 83, 84]


def test_a_selection_loses_what_falls_out() -> None:
    store = filled(100, limit=100)
    shown = window(store)
    shown.scroll_to(Row(10))
    shown.select()
    shown.scroll(20)
    assert shown.selected == range(10, 31)
    for _ in range(25):
        store.append("more")
    shown.look()
    assert shown.selected == range(25, 31)
    for _ in range(50):
        store.append("more")
    shown.look()
    assert shown.selected == range(75, 76)


def test_a_search_goes_to_the_next_match_from_the_page_on_and_around() -> None:
    store = filled(100)
    shown = window(store)
    shown.scroll_to(Row(40))
    shown.search("line 1")
    shown.look()
    assert shown.match == (1, 11)
    assert shown.cursor == 1
    shown.next_match()
    assert (shown.cursor, shown.match) == (10, (2, 11))
    shown.previous_match()
    shown.previous_match()
    assert (shown.cursor, shown.match) == (19, (11, 11))


def test_a_match_that_falls_out_leaves_the_search_in_order() -> None:
    store = filled(100, limit=100)
    shown = window(store)
    shown.scroll_to(Row(0))
    shown.search("line 1")
    shown.look()
    assert shown.match == (1, 11)
    for _ in range(15):
        store.append("more")
    shown.look()
    assert shown.match is not None
    assert shown.match[1] == 5
    shown.next_match()
    assert shown.cursor == 16
    assert shown.match == (2, 5)


def test_a_filter_keeps_the_readers_line_and_gives_it_back() -> None:
    store = filled(1000)
    shown = window(store)
    shown.scroll_to(Row(511))
    shown.pick(LineFilter("0"))
    shown.look()
    text = [store.whole(at[1]) for row in shown.page() if (at := shown.lines.at(row.position))]
    assert text[0] == "line 520"
    before = shown.view()
    shown.pick(LineFilter("nothing like it"))
    shown.look()
    assert seen(shown) == []
    shown.restore(before)
    shown.look()
    again = [store.whole(at[1]) for row in shown.page() if (at := shown.lines.at(row.position))]
    assert again == text


def test_escape_undoes_one_thing_after_the_other() -> None:
    shown = window(filled(100))
    shown.pick(LineFilter("line"))
    shown.search("9")
    shown.look()
    shown.select()
    assert shown.leave_one()
    assert (shown.selecting, shown.matches is not None) == (False, True)
    assert shown.leave_one()
    assert (shown.matches, shown.wanted.text) == (None, "line")
    assert shown.leave_one()
    assert shown.wanted.anything
    assert not shown.leave_one()


def test_the_first_error_is_brought_into_sight() -> None:
    store = filled(50)
    store.append("broken", Level.ERROR)
    for _ in range(50):
        store.append("after")
    shown = window(store)
    assert shown.first_error()
    assert shown.cursor == 50
    assert 50 in seen(shown)
    assert not shown.follow


def test_wrapped_rows_are_counted_where_they_are_seen() -> None:
    heights = {0: 1, 1: 7, 2: 2}

    def height(position: int) -> int:
        return heights.get(position, 1)

    assert rows.page(Row(1, 5), 4, 10, height) == (Row(1, 5), Row(1, 6), Row(2, 0), Row(2, 1))
    assert rows.up(Row(2, 1), 4, 0, height) == Row(1, 4)
    assert rows.up(Row(2, 1), 100, 0, height) == Row(0, 0)
    assert rows.down(Row(0), 4, 10, height) == Row(1, 3)
    assert rows.down(Row(0), 8, 10, height) == Row(2, 0)
    assert rows.down(Row(0), 1000, 3, height) == Row(2, 1)
    assert rows.last_top(5, 0, 3, height) == Row(1, 4)
    assert rows.last_top(50, 0, 3, height) == Row(0, 0)
    assert rows.last_top(5, 4, 4, height) == Row(4, 0)
