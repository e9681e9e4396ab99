"""Which part of a log is seen: where the page is, what follows, is searched, filtered, selected.

Knows nothing of widgets: a view gives it the rows it has and how many of them a line takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from flowtui.deploy.events import Level
from flowtui.tui.logs.lines import Lines, Matches, PickedLines, WholeLog
from flowtui.tui.logs.store import LineFilter, LogStore, StoredLine
from flowtui.tui.widgets.log import rows
from flowtui.tui.widgets.log.rows import Height, Row
from flowtui.tui.widgets.log.taking import Source


class Thumb(NamedTuple):
    """The part of the scroll bar that says where the page is."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class _Place:
    """A line to come back to when other lines are shown."""

    time: float
    store: int
    number: int
    row: int
    """Of the page that it stood on."""


@dataclass(frozen=True, slots=True)
class View:
    """How the log was looked at, to come back to."""

    wanted: LineFilter
    search: str
    follow: bool
    place: _Place | None


class Window:
    def __init__(self, stores: tuple[LogStore, ...], height: Height) -> None:
        self._height = height
        """Of the line at a position; it is asked only for lines that are shown."""
        self.stores = stores
        self.tags: tuple[str, ...] = ()
        self.lines: Lines = WholeLog(stores[0])
        self.wanted = LineFilter()
        self.matches: Matches | None = None
        self.size = 1
        """Rows."""
        self.top = Row(self.lines.first)
        self.follow = True
        self.cursor: int | None = None
        self.anchor: int | None = None
        """Where the selection starts, while there is one."""
        self._frozen_end: int | None = None
        """Where the lines end that are shown while it is paused."""
        self._left_at_end = 0
        """Where the lines ended when the reader stopped following."""
        self._looked_at = 0
        """Lines that the logs had, when they were looked at last."""
        self._place: _Place | None = None
        self._sought: int | None = None
        """From where on the match that is wanted is still being looked for."""

    # ------------------------------------------------------------------------------- what is shown

    def show(self, stores: tuple[LogStore, ...], tags: tuple[str, ...] = ()) -> None:
        """Look at another log, from its newest line, or at several, told apart by their tags."""
        self.stores, self.tags = stores, tags
        self._pick(self.wanted)
        self.follow_newest()

    def pick(self, wanted: LineFilter) -> None:
        """Show the lines that are wanted, and stay where the reader is."""
        if wanted != self.wanted:
            self._place = self._place_now() or self._place
            self._pick(wanted)

    def _pick(self, wanted: LineFilter) -> None:
        self.wanted = wanted
        whole = len(self.stores) == 1 and wanted.anything
        self.lines = WholeLog(self.stores[0]) if whole else PickedLines(self.stores, wanted)
        self.matches = Matches(self.lines, self.matches.text) if self.matches is not None else None
        self.cursor = self.anchor = self._frozen_end = self._sought = None
        self.top = Row(self.lines.first)

    def search(self, text: str) -> None:
        """Find every line with this text; go to the first one from the top of the page on."""
        self.matches = Matches(self.lines, text) if text else None
        self._sought = self.top.position if text else None
        if not text and not self.selecting:
            self.cursor = None

    def view(self) -> View:
        search = self.matches.text if self.matches is not None else ""
        return View(self.wanted, search, self.follow, self._place_now())

    def restore(self, view: View) -> None:
        """Look at the log as it was looked at then."""
        self.matches = Matches(self.lines, view.search) if view.search else None
        self._pick(view.wanted)
        if view.follow:
            self.follow_newest()
        else:
            self._place = view.place

    def leave_one(self) -> bool:
        """Undo what was last put on the log: selection, search, filter, level, pause."""
        if self.selecting:
            self.anchor = self.cursor = None
        elif self.matches is not None:
            self.search("")
        elif not self.wanted.anything:
            self.pick(LineFilter())
        elif self.paused:
            self.follow_newest()
        else:
            return False
        return True

    @property
    def end(self) -> int:
        """Position after the last line that is shown."""
        return self.lines.end if self._frozen_end is None else self._frozen_end

    @property
    def paused(self) -> bool:
        return self._frozen_end is not None

    @property
    def selecting(self) -> bool:
        return self.anchor is not None

    @property
    def new_lines(self) -> int:
        """Lines that came since the reader stopped following."""
        return 0 if self.follow else max(self.lines.end - self._left_at_end, 0)

    @property
    def selected(self) -> range:
        """Positions of the selected lines; else of the line at the cursor, or the top one."""
        first = self.lines.first
        here = max(self.cursor if self.cursor is not None else self.top.position, first)
        if self.anchor is None:
            return range(here, min(here + 1, self.lines.end))
        anchor = max(self.anchor, first)
        return range(min(anchor, here), max(anchor, here) + 1)

    @property
    def match(self) -> tuple[int | None, int] | None:
        """Which match the cursor is on, from 1, and how many there are; None without a search."""
        if self.matches is None:
            return None
        index = self.matches.index(self.cursor) if self.cursor is not None else None
        return (index + 1 if index is not None else None), len(self.matches)

    def line(self, position: int) -> tuple[int, StoredLine] | None:
        """The line at a position, and which of the logs it is of."""
        at = self.lines.at(position)
        line = self.stores[at[0]].line(at[1]) if at is not None else None
        return (at[0], line) if at is not None and line is not None else None

    @property
    def source(self) -> Source:
        """What is shown now, to take text from it."""
        return Source(self.lines, self.stores, self.tags)

    @property
    def changed(self) -> bool:
        """Whether lines have come that were not looked at yet."""
        return self._looked_at != sum(store.total for store in self.stores)

    # --------------------------------------------------------------------- with the lines that come

    def look(self) -> bool:
        """Take in a slice of what has come and gone; True when that was all."""
        self._looked_at = sum(store.total for store in self.stores)
        done = self.lines.advance()
        found = self.matches is None or self.matches.advance()
        self._find_place()
        self.settle()
        self._find_match(found and done)
        return done and found

    def _place_now(self) -> _Place | None:
        """The line at the cursor or the top."""
        position = self.cursor if self.cursor is not None else self.top.position
        at = self.lines.at(position)
        if at is None or self.follow:
            return None
        row = next((y for y, each in enumerate(self.page()) if each.position == position), 0)
        return _Place(self.stores[at[0]].time(at[1]), at[0], at[1], row)

    def _find_place(self) -> None:
        place = self._place
        if place is None:
            return
        position = self.lines.near(place.time, place.store, place.number)
        if position < self.lines.end:
            self._place = None
            self._stop_following()
            self.top = rows.up(Row(position), place.row, self.lines.first, self._height)

    def _find_match(self, all_looked_at: bool) -> None:
        if self._sought is None or self.matches is None:
            return
        found = self.matches.after(self._sought, around=all_looked_at)
        if found is not None or all_looked_at:
            self._sought = None
        if found is not None:
            self.jump_to(found)

    def settle(self) -> None:
        """Keep the page within what there is; at its end while it follows."""
        lines = self.lines
        if self._frozen_end is not None:
            self._frozen_end = max(self._frozen_end, lines.first)
        if self.cursor is not None:
            self.cursor = max(self.cursor, lines.first)
        last = self._last_top()
        if self.follow:
            self.top = last
            return
        top = max(self.top, Row(lines.first))
        if top.position < self.end:
            top = Row(top.position, min(top.row, self._height(top.position) - 1))
        self.top = min(top, last)

    def _last_top(self) -> Row:
        return rows.last_top(self.size, self.lines.first, self.end, self._height)

    def page(self) -> tuple[Row, ...]:
        """The rows that are seen."""
        return rows.page(self.top, self.size, self.end, self._height)

    def thumb(self) -> Thumb | None:
        """None when all is in sight."""
        first, last = Row(self.lines.first), self._last_top()
        if last <= first:
            return None
        height = self.size
        length = min(max(height * height // max(self.end - first.position, 1), 1), height)
        span = max(last.position - first.position, 1)
        share = min((self.top.position - first.position) / span, 1.0)
        return Thumb(round(share * (height - length)), length)

    # ------------------------------------------------------------------------------------- moving

    def scroll_to(self, top: Row) -> None:
        """The reader scrolls; at the end it follows again."""
        last = self._last_top()
        self.top = min(top, last)
        if self.paused or self.selecting:
            return
        if self.top == last:
            self.follow = True
            self.cursor = None
        else:
            self._stop_following()

    def scroll(self, by: int) -> None:
        """By rows; the end of a selection by lines."""
        if self.selecting:
            self.go_to((self.cursor or 0) + by)
        elif by < 0:
            self.scroll_to(rows.up(self.top, -by, self.lines.first, self._height))
        else:
            self.scroll_to(rows.down(self.top, by, self.end, self._height))

    def scroll_to_share(self, share: float) -> None:
        """To a part of the whole, 0 to 1."""
        first, last = self.lines.first, self._last_top()
        self.scroll_to(Row(first + round((last.position - first) * share)) if share < 1 else last)

    def go_to(self, position: int) -> None:
        """Put the cursor on a line and bring it into sight."""
        first = self.lines.first
        if self.end <= first:
            return
        position = max(min(position, self.end - 1), first)
        self._stop_following()
        self.cursor = position
        bottom = Row(position, self._height(position) - 1)
        lowest = rows.up(bottom, self.size - 1, first, self._height)
        self.top = min(max(self.top, lowest), Row(position))

    def jump_to(self, position: int) -> None:
        """As `go_to`, with some lines above it when it was out of sight."""
        if not any(row.position == position for row in self.page()):
            self._stop_following()
            self.top = rows.up(Row(position), self.size // 3, self.lines.first, self._height)
            self.settle()
        self.go_to(position)

    def next_match(self) -> None:
        if self.matches is not None:
            after = self.cursor + 1 if self.cursor is not None else self.top.position
            self._go_to_match(self.matches.after(after))

    def previous_match(self) -> None:
        if self.matches is not None:
            before = self.cursor if self.cursor is not None else self.top.position
            self._go_to_match(self.matches.before(before))

    def _go_to_match(self, position: int | None) -> None:
        if position is not None:
            self.jump_to(position)

    def first_error(self) -> bool:
        """Go to it; False when no line that is shown is one."""
        found = self.lines.picked(LineFilter(level=Level.ERROR), self.lines.first, self.end)
        if found:
            self.jump_to(found[0])
        return bool(found)

    def _stop_following(self) -> None:
        if self.follow:
            self.follow = False
            self._left_at_end = self.lines.end

    def follow_newest(self) -> None:
        self._frozen_end = self.cursor = self.anchor = self._place = self._sought = None
        self.follow = True

    def pause(self) -> None:
        """Show no line that comes from now on."""
        self._stop_following()
        self._frozen_end = self._left_at_end = self.lines.end

    def select(self) -> None:
        """Select lines from the cursor on; without one from the newest line, or the top."""
        if self.cursor is None:
            seen = self.page()
            self.cursor = seen[-1].position if self.follow and seen else self.top.position
        self.anchor = self.cursor
        self._stop_following()
