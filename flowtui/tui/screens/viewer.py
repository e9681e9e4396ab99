"""A text in front of the screen that is only read."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Scope
from flowtui.tui.counting import DIGITS
from flowtui.tui.screens.dialogs import keys_line


class ShowText(Performs, VerticalScroll, can_focus=True):
    """The text that scrolls."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.SHEET, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.SHEET, Scope.LIST), *DIGITS]

    def perform_leave(self) -> None:
        self.screen.dismiss(None)

    def perform_down(self) -> None:
        self.scroll_down(animate=False)

    def perform_up(self) -> None:
        self.scroll_up(animate=False)

    def perform_top(self) -> None:
        self.scroll_home(animate=False)

    def perform_bottom(self) -> None:
        self.scroll_end(animate=False)

    def perform_page_down(self) -> None:
        self.scroll_page_down(animate=False)

    def perform_page_up(self) -> None:
        self.scroll_page_up(animate=False)


class ShowScreen(ModalScreen[None]):
    """What one of these shows is made once, when it is opened."""

    AUTO_FOCUS = "#sheet-body"

    def heading(self) -> str:
        return ""

    def content(self) -> Content:
        return Content("")

    def compose(self) -> ComposeResult:
        keymap = app_of(self).keymap
        with Vertical(classes="sheet") as box:
            box.border_title = Content(self.heading())
            with ShowText(id="sheet-body"):
                yield Static(self.content(), markup=False)
            yield keys_line(
                (f"{keymap.key('list.down')} {keymap.key('list.up')}", "scroll"),
                (keymap.key("sheet.leave"), "close"),
            )

    @property
    def text_width(self) -> int:
        """Cells that a line of the text has."""
        return min(100, app_of(self).size.width * 96 // 100) - 6
