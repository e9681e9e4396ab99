"""A list whose lines are made when they come into view, and drawn only where they differ."""

from __future__ import annotations

from typing import ClassVar

from textual.content import Content
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual

from flowtui.tui.acting import Performs, app_of

_WHEEL = 3
"""Lines of a turn of the mouse wheel."""


class LineList(Performs, ScrollView, can_focus=True):
    """Lines known by keys: the cursor stays on its line while others come and go.

    Whoever makes a list of something says what stands on line `number` (`content_at`).
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-list--cursor"}

    class InView(Message):
        """These lines are in view, counted from 0; `last` is the one after them."""

        def __init__(self, first: int, last: int) -> None:
            super().__init__()
            self.first, self.last = first, last

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LineList.InView)

    class Chosen(Message):
        """A line was clicked twice."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._keys: tuple[str, ...] = ()
        self._index = 0
        self._lines: dict[int, Content] = {}
        """What is drawn at each line in view."""
        self._told = (-1, -1)

    def content_at(self, number: int) -> Content:
        raise NotImplementedError

    # ------------------------------------------------------------------------------- what is shown

    @property
    def number(self) -> int | None:
        """The line of the cursor, None where there are no lines."""
        return self._index if self._index < len(self._keys) else None

    def show_keys(self, keys: tuple[str, ...]) -> None:
        """These lines, the cursor on the one that it was on, at the same place of the screen."""
        before = self._keys[self._index] if self._index < len(self._keys) else None
        at = self._index - self.scroll_offset.y
        same = before is not None and self._index < len(keys) and keys[self._index] == before
        known = same
        if keys != self._keys:
            self._keys = keys
            if not same:
                known = before is not None and before in keys
                last = max(len(keys) - 1, 0)
                self._index = keys.index(before) if known and before else min(self._index, last)
            self._resize()
            if known and self.scroll_offset.y > 0:
                self._scroll(self._index - at)
            self._keep_in_view()
            self.refresh_bindings()
        self.draw()

    def _resize(self) -> None:
        size = Size(self.text_width, len(self._keys))
        if size != self.virtual_size:
            self.virtual_size = size

    @property
    def text_width(self) -> int:
        return self.scrollable_content_region.width

    def go_to(self, number: int) -> None:
        if not self._keys:
            return
        before, self._index = self._index, min(max(number, 0), len(self._keys) - 1)
        self._keep_in_view()
        for each in {before, self._index}:
            self.refresh_line(each)
        self.draw()
        self.refresh_bindings()

    def go_to_key(self, key: str) -> None:
        if key in self._keys:
            self.go_to(self._keys.index(key))

    def on_mount(self) -> None:
        app_of(self).theme_changed_signal.subscribe(self, lambda _: self.refresh())

    def on_resize(self) -> None:
        self._lines.clear()
        self._resize()
        self._keep_in_view()
        self.refresh()
        self.draw()

    # ------------------------------------------------------------------------------------ drawing

    def draw(self) -> None:
        """Draw the lines in view that differ from what is on the screen."""
        before, self._lines = self._lines, {}
        top = self.scroll_offset.y
        for number in range(top, top + self.size.height):
            content = self.content_at(number) if 0 <= number < len(self._keys) else None
            known = before.get(number)
            if content is not None:
                self._lines[number] = content
            elif known is None:
                continue
            if content is None or known is None or not content.is_same(known):
                self.refresh_line(number)
        self._tell(top)

    def _tell(self, top: int) -> None:
        seen = (top, min(top + self.size.height, len(self._keys)))
        if seen != self._told:
            self._told = seen
            self.post_message(self.InView(*seen))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._tell(round(new_value))

    def render_line(self, y: int) -> Strip:
        number, width = self.scroll_offset.y + y, self.text_width
        if not 0 <= number < len(self._keys):
            return Strip.blank(width, self.rich_style)
        content = self._lines.get(number)
        if content is None:
            content = self._lines[number] = self.content_at(number)
        if number == self._index:
            content = content.pad_right(max(width - content.cell_length, 0))
            content = content.stylize(self._cursor_style)
        cells = max(content.cell_length, width, 1)
        strips = Visual.to_strips(self, content, cells, 1, self.visual_style, apply_selection=False)
        strip = strips[0] if strips else Strip.blank(width, self.rich_style)
        return strip.crop_extend(0, width, self.rich_style)

    @property
    def _cursor_style(self) -> Style:
        style = self.get_visual_style("line-list--cursor")
        if self.get_component_styles("line-list--cursor").text_style.reverse:
            style += Style(reverse=True)  # Textual leaves it out
        return style

    # ------------------------------------------------------------------------------------- moving

    def _keep_in_view(self) -> None:
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        wanted = min(max(top, self._index - height + 1), self._index)
        self._scroll(min(wanted, max(len(self._keys) - height, 0)))

    def _scroll(self, to: int) -> None:
        if to != self.scroll_offset.y:
            self.scroll_to(y=max(to, 0), animate=False, immediate=True, force=True)

    def on_focus(self) -> None:
        self.refresh_line(self._index)

    def on_blur(self) -> None:
        self.refresh_line(self._index)

    def perform_down(self) -> None:
        self.go_to(self._index + 1)

    def perform_up(self) -> None:
        self.go_to(self._index - 1)

    def perform_top(self) -> None:
        self.go_to(0)

    def perform_bottom(self) -> None:
        self.go_to(len(self._keys) - 1)

    def perform_page_down(self) -> None:
        self.go_to(self._index + max(self.size.height - 1, 1))

    def perform_page_up(self) -> None:
        self.go_to(self._index - max(self.size.height - 1, 1))

    def on_click(self, event: Click) -> None:
        number = event.y + self.scroll_offset.y
        if 0 <= number < len(self._keys):
            self.go_to(number)
            if event.chain == 2:
                self.post_message(self.Chosen())

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.prevent_default()
        event.stop()
        self.go_to(self._index - _WHEEL)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.prevent_default()
        event.stop()
        self.go_to(self._index + _WHEEL)
