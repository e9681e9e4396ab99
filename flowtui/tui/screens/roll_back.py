"""Before an earlier version is gone back to: what that changes, and what stays."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from flowtui.deploy.rolling_back import WayBack
from flowtui.tui.acting import app_of
from flowtui.tui.looks.diff import diff_lines
from flowtui.tui.looks.words import plain
from flowtui.tui.screens.dialogs import Dialog, DialogList, dialog_text, keys_line

_EDGES = 8
"""Cells beside the difference: borders, padding, the scroll bar."""
_WIDTH = 96
_BESIDE = 16
"""Lines above and below it."""
_LINES = 8
"""Lines of one difference that are shown here."""


class Back(StrEnum):
    """How to go back."""

    KEEPING = "keeping"
    """What was changed elsewhere stays."""
    EXACTLY = "exactly"


class RollBackDialog(Dialog[Back]):
    """Answers how to go back, None for not at all; the cursor starts on that."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("v", "show_all", "all of it")]

    def __init__(self, way: WayBack) -> None:
        super().__init__()
        self._way = way

    def compose(self) -> ComposeResult:
        way, version = self._way, self._way.version
        kept = any(change.kept for change in way.changes.found)
        with Vertical(classes="dialog", id="roll-back") as box:
            box.border_title = Content(
                plain(f"Roll “{version.flow_name}” back to {version.words}?")
            )
            yield dialog_text(_text(way), classes="dialog-text")
            if way.in_use is not None:
                difference = self._difference()
                with VerticalScroll(id="roll-back-difference", can_focus=False) as scrolled:
                    room = max(app_of(self).size.height - _BESIDE, 4)
                    scrolled.styles.height = min(difference.plain.count("\n") + 1, room)
                    yield Static(difference, markup=False)
            options = [
                Option("Leave it", id="no"),
                Option("Roll back" + (", and keep those changes" if kept else ""), id=Back.KEEPING),
            ]
            if kept:
                options.append(Option("Roll back exactly: undo them too", id=Back.EXACTLY))
            yield DialogList(*options)
            yield keys_line(
                ("↑↓", "choose"), ("Enter", "answer"), ("v", "all of it"), ("Esc", "no")
            )

    def _difference(self) -> Content:
        app = app_of(self)
        width = min(_WIDTH, app.size.width * 96 // 100) - _EDGES
        lines = diff_lines(self._way.changes, width, app.glyphs, key="v", most=_LINES)
        return Content("\n").join(lines)

    def action_show_all(self) -> None:
        from flowtui.tui.screens.difference import DifferenceScreen

        way = self._way
        title = f"Back to {way.version.words} of {way.version.flow_name}"
        app_of(self).push_screen(DifferenceScreen(title, way.changes))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        answer = event.option_id
        self.dismiss(Back(answer) if answer in (Back.KEEPING, Back.EXACTLY) else None)


def _text(way: WayBack) -> str:
    undone = f" Rolling back to {way.in_use.words} undoes it." if way.in_use is not None else ""
    if way.version.deployment:
        kept = any(change.kept for change in way.changes.found)
        stays = " What was changed elsewhere since the last deploy is marked =." if kept else ""
        what = "The deployment gets what was deployed then; its image or files must still be there."
        return f"{what}{stays}{undone}"
    return (
        "What was registered then is registered again, as a new version. Nothing is built; its "
        f"image must still be in the registry.{undone}"
    )
