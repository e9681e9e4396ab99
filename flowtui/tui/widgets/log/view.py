"""A view on log stores: painted on a clock, never once per line; for keys at once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual.binding import BindingType
from textual.events import (
    Key,
    MouseDown,
    MouseMove,
    MouseScrollDown,
    MouseScrollUp,
    MouseUp,
    Resize,
)
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.logs.habits import LogHabits
from flowtui.tui.logs.store import LEVELS, LineFilter, LogStore
from flowtui.tui.terminal.pace import LOCAL_HZ
from flowtui.tui.widgets.log.painting import Look, Marks, Painter
from flowtui.tui.widgets.log.rows import Row
from flowtui.tui.widgets.log.taking import taken
from flowtui.tui.widgets.log.window import Thumb, Window

_SIDEWAYS = 16
"""Cells of a step to the right."""
_WHEEL = 3
"""Rows of a turn of the mouse wheel."""
_STYLES = ("muted", "warning", "error", "match", "match-here", "here", "selected", "thumb")
_MOST_DIGITS = 7


class _Painted(NamedTuple):
    """What stands on the screen, to see whether anything differs."""

    page: tuple[Row, ...]
    left: int
    cursor: int | None
    anchor: int | None
    look: Look | None
    thumb: Thumb | None
    version: int
    """Another one after other logs or other colours came."""


class LogView(Performs, Widget, can_focus=True):
    """Shows the lines of one log store, or of several merged in the order of time.

    Producers append to the stores; nothing here is called per line. It follows the newest line
    until the reader scrolls up; then it says how many lines are new.
    """

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.LOG,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.LOG)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"log--{name}" for name in _STYLES}
    ALLOW_SELECT = False

    class Moved(Message):
        """What the title of the log says has changed: following, new lines, matches, …"""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LogView.Moved)

    class SearchWanted(Message):
        """The person wants to type what to search."""

    class FilterWanted(Message):
        """The person wants to type a filter."""

    class SaveWanted(Message):
        """The person wants to save the lines that are shown."""

    def __init__(
        self,
        *stores: LogStore,
        id: str | None = None,  # noqa: A002
        run_log: bool = False,
    ) -> None:
        super().__init__(id=id)
        self._run_log = run_log
        """It is the log of a run, not of a deploy."""
        self._painter = Painter()
        self.window = Window(stores, self._height)
        self._habits = LogHabits()
        self._left = 0
        """Cells that are out of sight on the left."""
        self.numbered = False
        """Line numbers are shown, and digits are counts: `5j`, `20G`."""
        self.count = ""
        """The digits typed so far."""
        self._painted = _Painted((), 0, None, None, None, None, 0)
        self._version = 0
        self._told: object = None
        self._dragging = False

    def on_mount(self) -> None:
        self._habits = app_of(self).session.log_habits
        self.set_interval(1 / LOCAL_HZ, self._tick)

    def facts(self) -> Facts:
        window = self.window
        return replace(
            app_of(self).facts(),
            log_lines=sum(len(store) for store in window.stores),
            log_searched=window.matches is not None or bool(self._habits.searches),
        )

    def show(self, *stores: LogStore, tags: tuple[str, ...] = ()) -> None:
        """Look at another log, from its newest line, or at several, told apart by their tags."""
        if stores == self.window.stores and tags == self.window.tags:
            return
        self.window.show(stores, tags)
        self._forget()
        self._look()

    def number_lines(self, numbered: bool) -> None:
        """Show line numbers, and take digits as counts; or no longer."""
        self.numbered = numbered
        self.count = ""
        self._look()

    # ----------------------------------------------------------------------------------- painting

    def _tick(self) -> None:
        """What came is painted when the terminal can take it; the answer to a key at once."""
        if self.window.changed and app_of(self).pace.take_turn(self):
            self._look()

    def look_again(self) -> None:
        """Something of the window was changed from outside: show it at once."""
        self._forget()
        self._look()

    def _look(self) -> None:
        """See what has come and gone, and have painted what of it is in sight."""
        if not self.size.height:
            return
        self._painter.use(self._look_now())
        if not self.window.look():
            self.call_later(self._look)
        self._paint()

    def _forget(self) -> None:
        self._painter.forget()
        self._version += 1

    def _height(self, position: int) -> int:
        if not self._habits.wrap or not self._painter.ready:
            return 1
        line = self.window.line(position)
        return self._painter.height(*line) if line is not None else 1

    def _paint(self) -> None:
        window, before = self.window, self._painted
        look = self._painter.look
        widest = max(store.longest for store in window.stores)
        self._left = 0 if look.wrap else max(min(self._left, widest - look.text_width), 0)
        now = _Painted(
            window.page(),
            self._left,
            window.cursor,
            window.anchor,
            look,
            window.thumb(),
            self._version,
        )
        self._painted = now
        if now._replace(thumb=None) != before._replace(thumb=None):
            self.refresh()
        elif now.thumb != before.thumb:
            self.refresh(Region(self.size.width - 1, 0, 1, self.size.height))
        lines = window.lines
        told = (now, lines.first, lines.end, window.match, window.follow, window.paused, self.count)
        if told != self._told:
            self._told = told
            self.post_message(self.Moved())

    def _look_now(self) -> Look:
        app, window = app_of(self), self.window
        styles = {
            name.replace("-", "_"): self.get_component_rich_style(f"log--{name}", partial=True)
            for name in _STYLES
        }
        return Look(
            console=app.console,
            glyphs=app.glyphs,
            base=self.rich_style,
            **styles,
            width=max(self.size.width - 1, 1),
            wrap=self._habits.wrap,
            times=self.times,
            numbers=max(len(str(window.lines.end)), 3) if self.numbered else 0,
            tags=window.tags,
            search=window.matches.text if window.matches is not None else "",
        )

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._forget()
        if self.is_attached:
            self.call_next(self._look)

    def on_resize(self, event: Resize) -> None:
        self.window.size = max(event.size.height, 1)
        self._look()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if not self._painter.ready:
            return Strip.blank(width, self.rich_style)
        look, painted = self._painter.look, self._painted
        strip = self._row(painted.page[y]) if y < len(painted.page) else self._empty(y)
        thumb = painted.thumb
        inside = thumb is not None and thumb.start <= y < thumb.start + thumb.length
        bar = Segment(look.glyphs.separator if inside else " ", look.base + look.thumb)
        return Strip.join([strip.crop_extend(0, width - 1, look.base), Strip([bar], 1)])

    def _row(self, row: Row) -> Strip:
        window, look = self.window, self._painter.look
        found = window.line(row.position)
        if found is None:
            return Strip.blank(look.width, look.base)
        marks = Marks(
            here=row.position == window.cursor,
            selected=window.selecting and row.position in window.selected,
        )
        return self._painter.row(*found, row, marks, self._left)

    def _empty(self, y: int) -> Strip:
        """Below the last line; a log without any says so."""
        look, window = self._painter.look, self.window
        if y > 0 or self._painted.page:
            return Strip.blank(look.width, look.base)
        nothing = not any(len(store) for store in window.stores)
        words = "  no output" if nothing else self._all_filtered()
        return Strip([Segment(words, look.base + look.muted)])

    def _all_filtered(self) -> str:
        keymap = app_of(self).keymap
        keys = f"{keymap.key('log.filter')} filter, {keymap.key('log.level')} level"
        return f"  no line of this log passes: {keys}"

    # ------------------------------------------------------------------------------------- actions

    def on_key(self, event: Key) -> None:
        digit = event.character if event.character and event.character in "0123456789" else ""
        if not self.numbered or not digit or (digit == "0" and not self.count):
            return
        self.count = (self.count + digit)[-_MOST_DIGITS:]
        event.stop()
        event.prevent_default()
        self._paint()

    def _counted(self, otherwise: int = 1) -> int:
        """The digits typed before the key, as a number."""
        count, self.count = self.count, ""
        return int(count or 0) or otherwise

    def perform_follow(self) -> None:
        line = self._counted(0)
        if line:
            self.window.jump_to(line - 1)
        elif self.window.selecting:
            self.window.go_to(self.window.end - 1)
        else:
            self.window.follow_newest()
        self._look()

    def perform_top(self) -> None:
        line = self._counted(0)
        first = self.window.lines.first
        if line:
            self.window.jump_to(line - 1)
        elif self.window.selecting:
            self.window.go_to(first)
        else:
            self.window.scroll_to(Row(first))
        self._look()

    def _scroll(self, by: int) -> None:
        self.window.scroll(by)
        self._look()

    def perform_down(self) -> None:
        self._scroll(self._counted())

    def perform_up(self) -> None:
        self._scroll(-self._counted())

    def perform_page_down(self) -> None:
        self._scroll(self._counted() * max(self.window.size - 1, 1))

    def perform_page_up(self) -> None:
        self._scroll(-self._counted() * max(self.window.size - 1, 1))

    def perform_scroll_right(self) -> None:
        self._left += _SIDEWAYS
        self._look()

    def perform_scroll_left(self) -> None:
        self._left = max(self._left - _SIDEWAYS, 0)
        self._look()

    def perform_pause(self) -> None:
        """Freeze the page as it is; a second time it goes on."""
        if self.window.paused:
            self.window.follow_newest()
        else:
            self.window.pause()
        self._look()

    def perform_search(self) -> None:
        self.post_message(self.SearchWanted())

    def perform_filter(self) -> None:
        self.post_message(self.FilterWanted())

    def perform_save(self) -> None:
        self.post_message(self.SaveWanted())

    def perform_next_match(self) -> None:
        if self._searched_now():
            self.window.next_match()
        self._look()

    def perform_previous_match(self) -> None:
        if self._searched_now():
            self.window.previous_match()
        self._look()

    def _searched_now(self) -> bool:
        """Whether a search is on; if not, the last one is taken up, which goes to its match."""
        if self.window.matches is not None:
            return True
        self.window.search(self._habits.searches[-1])
        return False

    def perform_level(self) -> None:
        """The next more important level as the least that is shown, after the last all again."""
        wanted = self.window.wanted
        level = LEVELS[(LEVELS.index(wanted.level) + 1) % len(LEVELS)]
        self.window.pick(LineFilter(wanted.text, wanted.inverted, level))
        self.look_again()

    def perform_first_error(self) -> None:
        self.window.look()
        if not self.window.first_error():
            app_of(self).say("There is no error among the lines of this log.")
        self._look()

    def perform_wrap(self) -> None:
        self._habits.wrap = not self._habits.wrap
        self.window.top = Row(self.window.top.position)
        self._look()

    @property
    def times(self) -> bool:
        """Whether the times of lines are shown."""
        return self._habits.run_times if self._run_log else self._habits.times

    def perform_times(self) -> None:
        if self._run_log:
            self._habits.run_times = not self._habits.run_times
        else:
            self._habits.times = not self._habits.times
        self._look()

    def perform_select(self) -> None:
        """Select lines from here on; a second time it ends."""
        if self.window.selecting:
            self.window.leave_one()
        else:
            self.window.select()
        self._look()

    def perform_copy(self) -> None:
        window = self.window
        positions = window.selected
        app_of(self).keeping.copy(partial(taken, window.source, positions), len(positions))
        window.anchor = None
        self._look()

    # --------------------------------------------------------------------------------------- mouse

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.prevent_default()
        event.stop()
        self._scroll(-_WHEEL)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.prevent_default()
        event.stop()
        self._scroll(_WHEEL)

    def on_mouse_down(self, event: MouseDown) -> None:
        if event.x == self.size.width - 1 and self._painted.thumb is not None:
            self._dragging = True
            self.capture_mouse()
            self._drag_to(event.y)
        elif event.y < len(self._painted.page):
            self.window.anchor = None
            self.window.go_to(self._painted.page[event.y].position)
            self._look()

    def on_mouse_move(self, event: MouseMove) -> None:
        if self._dragging:
            self._drag_to(event.y)

    def on_mouse_up(self, _: MouseUp) -> None:
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def _drag_to(self, y: int) -> None:
        self.window.scroll_to_share(min(max(y / max(self.window.size - 1, 1), 0.0), 1.0))
        self._look()
