"""A view on a log store: painted on a clock, never once per line."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.events import MouseScrollDown, MouseScrollUp, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollTo
from textual.strip import Strip

from flowtui.deploy.events import Level
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.colours import colour_style
from flowtui.tui.logstore import LogStore, StoredLine
from flowtui.tui.terminal.pace import LOCAL_HZ

_LEVEL_COLOURS = {Level.WARNING: "warning", Level.ERROR: "error", Level.DEBUG: "muted"}


class LogView(Performs, ScrollView, can_focus=True):
    """Shows a `LogStore`. Producers append to the store; nothing here is called per line.

    It follows the newest line until the reader scrolls up; then it says how many lines are new.
    """

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.LOG,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.LOG)]
    DEFAULT_CSS = """
    LogView { background: $surface; scrollbar-size: 0 1; scrollbar-gutter: stable; }
    """

    class Moved(Message):
        """What the title of the log says has changed: following, or lines that are new."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LogView.Moved)

    def __init__(self, store: LogStore, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.store = store
        self.follow = True
        self._painted_total = -1
        self._painted_dropped = 0
        self._left_at_total = 0
        self._cache: LRUCache[tuple[int, int], Strip] = LRUCache(512)

    def on_mount(self) -> None:
        self.set_interval(1 / LOCAL_HZ, self._tick)

    def facts(self) -> Facts:
        return Facts(log_lines=len(self.store))

    @property
    def new_lines(self) -> int:
        """Lines that came since the reader stopped following."""
        return 0 if self.follow else self.store.total - self._left_at_total

    def show(self, store: LogStore) -> None:
        """Look at another log, from its newest line."""
        if store is self.store:
            return
        self.store = store
        self.follow = True
        self._cache.clear()
        self._painted_total = -1
        self._painted_dropped = store.dropped
        self._flush()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._cache.clear()

    def _tick(self) -> None:
        if self.store.total != self._painted_total and app_of(self).pace.take_turn(self):
            self._flush()

    def _flush(self) -> None:
        if self.store.total == self._painted_total or not self.is_attached:
            return
        slid = self.store.dropped - self._painted_dropped
        self._painted_total = self.store.total
        self._painted_dropped = self.store.dropped
        top = self.scroll_offset.y
        self.virtual_size = Size(self.store.longest + 1, len(self.store))
        if self.follow:
            self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
        elif slid > 0:
            self.scroll_to(y=max(top - slid, 0), animate=False, immediate=True, force=True)
        self.refresh()
        self.post_message(self.Moved())

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        width = self.scrollable_content_region.width
        index = scroll_y + y
        line = self.store.line(index)
        if line is None:
            return self._empty(y, width)
        return self._strip(index + self.store.dropped, line).crop_extend(
            scroll_x, scroll_x + width, self.rich_style
        )

    def _empty(self, y: int, width: int) -> Strip:
        """Below the last line; a log without any says so."""
        if y > 0 or len(self.store):
            return Strip.blank(width, self.rich_style)
        muted = self.rich_style + colour_style(self, "muted")
        return Strip([Segment("no output", muted)]).crop_extend(0, width, self.rich_style)

    def _strip(self, number: int, line: StoredLine) -> Strip:
        key = (number, id(self.store))
        strip = self._cache.get(key)
        if strip is None:
            text = Text.from_ansi(line.text, no_wrap=True, end="")
            text.expand_tabs(8)
            colour = _LEVEL_COLOURS.get(line.level)
            if colour is not None:
                text.stylize_before(colour_style(self, colour))
            segments = list(text.render(app_of(self).console))
            strip = Strip(Segment.apply_style(segments, self.rich_style))
            self._cache[key] = strip
        return strip

    def _by_reader(self, y: float) -> None:
        self.scroll_to(y=y, animate=False, immediate=True, force=True)
        self._look_where_the_reader_is()

    def _look_where_the_reader_is(self) -> None:
        at_end = self.scroll_offset.y >= self.max_scroll_y
        if at_end == self.follow:
            return
        self.follow = at_end
        self._left_at_total = self.store.total
        self.post_message(self.Moved())

    def perform_follow(self) -> None:
        self.follow = True
        self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
        self.post_message(self.Moved())

    def perform_top(self) -> None:
        self._by_reader(0)

    def perform_down(self) -> None:
        self._by_reader(self.scroll_offset.y + 1)

    def perform_up(self) -> None:
        self._by_reader(self.scroll_offset.y - 1)

    def perform_page_down(self) -> None:
        self._by_reader(self.scroll_offset.y + max(self.size.height - 1, 1))

    def perform_page_up(self) -> None:
        self._by_reader(self.scroll_offset.y - max(self.size.height - 1, 1))

    def perform_scroll_right(self) -> None:
        self.scroll_to(x=self.scroll_offset.x + 16, animate=False, immediate=True)

    def perform_scroll_left(self) -> None:
        self.scroll_to(x=self.scroll_offset.x - 16, animate=False, immediate=True)

    def on_scroll_to(self, message: ScrollTo) -> None:
        self.call_after_refresh(self._look_where_the_reader_is)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.prevent_default()
        event.stop()
        self._by_reader(self.scroll_offset.y - 3)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.prevent_default()
        event.stop()
        self._by_reader(self.scroll_offset.y + 3)

    def on_resize(self, event: Resize) -> None:
        if self.follow:
            self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
