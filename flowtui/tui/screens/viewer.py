"""Screens that only show: the problems known now."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from flowtui.tui.acting import app_of
from flowtui.tui.laying import problem_content
from flowtui.tui.screens.dialogs import keys_line
from flowtui.tui.words import counted


class ShowScreen(ModalScreen[None]):
    """A scrolling text that Escape, q and Enter close."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "leave", "close"),
        Binding("j,down", "down", "down", show=False),
        Binding("k,up", "up", "up", show=False),
        Binding("g,home", "top", "top", show=False),
        Binding("G,end", "bottom", "bottom", show=False),
        Binding("pagedown,space,ctrl+d", "page_down", "page down", show=False),
        Binding("pageup,ctrl+u", "page_up", "page up", show=False),
    ]

    def heading(self) -> str:
        return ""

    def content(self) -> Content:
        return Content("")

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet") as box:
            box.border_title = self.heading()
            with VerticalScroll(id="sheet-body"):
                yield Static(self.content(), markup=False)
            yield keys_line(("j k", "scroll"), ("Esc", "close"))

    @property
    def text_width(self) -> int:
        """Cells that a line of the text has."""
        return min(100, app_of(self).size.width * 96 // 100) - 6

    def action_leave(self) -> None:
        self.dismiss(None)

    @property
    def _body(self) -> VerticalScroll:
        return self.query_one("#sheet-body", VerticalScroll)

    def action_down(self) -> None:
        self._body.scroll_down(animate=False)

    def action_up(self) -> None:
        self._body.scroll_up(animate=False)

    def action_top(self) -> None:
        self._body.scroll_home(animate=False)

    def action_bottom(self) -> None:
        self._body.scroll_end(animate=False)

    def action_page_down(self) -> None:
        self._body.scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        self._body.scroll_page_up(animate=False)


class ProblemsScreen(ShowScreen):
    """Every problem known when it was opened."""

    def heading(self) -> str:
        return f"Problems: {counted(len(app_of(self).session.problems()), 'problem')}"

    def content(self) -> Content:
        app = app_of(self)
        problems = app.session.problems()
        if not problems:
            return Content.styled("Nothing is wrong.", "$muted")
        lines: list[Content] = []
        for problem in problems:
            lines += [problem_content(problem, app.glyphs.failed, self.text_width), Content("\n")]
        return Content.assemble(*lines)
