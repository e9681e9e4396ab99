"""All of what a deploy would change, with nothing cut."""

from __future__ import annotations

from textual.content import Content

from flowtui.deploy.change import Changes
from flowtui.tui.acting import app_of
from flowtui.tui.looks.diff import diff_lines
from flowtui.tui.looks.words import plain
from flowtui.tui.screens.viewer import ShowScreen


class DifferenceScreen(ShowScreen):
    def __init__(self, title: str, changes: Changes) -> None:
        super().__init__()
        self._title = title
        self._changes = changes

    def heading(self) -> str:
        return plain(self._title)

    def content(self) -> Content:
        lines = diff_lines(self._changes, self.text_width, app_of(self).glyphs, most=None)
        return Content("\n").join(lines)
