"""A line that opens what is seldom wanted."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Blur, Click, Focus
from textual.message import Message
from textual.widgets import Static

from flowtui.tui.acting import app_of


class MoreLine(Static, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space,right,left", "open_or_close", "open", show=False),
        Binding("down,j", "app.focus_next", "next field", show=False),
        Binding("up,k", "app.focus_previous", "field before", show=False),
    ]

    class Toggled(Message):
        def __init__(self, opened: bool) -> None:
            super().__init__()
            self.opened = opened

    def __init__(self, words: str, *, opened: bool) -> None:
        super().__init__(id="more", markup=False)
        self._words, self._opened = words, opened

    def on_mount(self) -> None:
        self._show()

    def on_focus(self, _: Focus) -> None:
        self._show()

    def on_blur(self, _: Blur) -> None:
        self._show()

    def _show(self) -> None:
        glyphs = app_of(self).glyphs
        mark = glyphs.descending if self._opened else glyphs.cursor
        style = "bold $accent" if self.has_focus else "$muted"
        self.update(Content.assemble((f"{mark} more: {self._words}", style)))

    def action_open_or_close(self) -> None:
        self._opened = not self._opened
        self._show()
        self.post_message(self.Toggled(self._opened))

    def on_click(self, _: Click) -> None:
        self.action_open_or_close()
