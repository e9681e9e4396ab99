"""The flow's file, at its line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from textual.content import Content

from flowtui.flow_rows import FlowRow
from flowtui.models import BrokenFile, LocalFlow
from flowtui.tui.looks.highlighting import Ink, SourceFile
from flowtui.tui.looks.laying import hanging
from flowtui.tui.looks.words import plain
from flowtui.tui.widgets.detail.page import Page

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_ABOVE = 2
"""Lines in view above the flow's own."""
_STYLES = {
    Ink.PLAIN: "$foreground",
    Ink.KEYWORD: "$primary",
    Ink.NAME: "bold $accent",
    Ink.DECORATOR: "$secondary",
    Ink.STRING: "$success",
    Ink.NUMBER: "$warning",
    Ink.COMMENT: "italic $muted",
}


class SourceTab:
    id = "source"
    title = "Source"

    def wanted(self, app: FlowtuiApp, row: FlowRow) -> None:
        place = row.flow or row.broken
        if place is not None:
            app.details.read_source(place.path)

    def page(self, app: FlowtuiApp, row: FlowRow, width: int) -> Page:
        place = row.flow or row.broken
        if place is None:
            words = "Its file is not there any more."
            return Page.of(hanging(Content(""), Content.styled(words, "$muted"), width))
        file = app.session.sources.get(place.path)
        if file is None:
            return Page.of(Content.styled(f"Reading {plain(place.path)}.", "$muted"))
        if file.problem:
            words = f"{plain(place.path)} cannot be read: {plain(file.problem)}"
            return Page.of(hanging(Content(""), Content.styled(words, "$error"), width))
        lines = _Lines(file, place, app.glyphs.cursor)
        return Page(lines, lines.gutter + file.width, top=max(place.line - 1 - _ABOVE, 0))


class _Lines(Sequence[Content]):
    """The lines of a file, coloured when they come into view."""

    def __init__(self, file: SourceFile, place: LocalFlow | BrokenFile, mark: str) -> None:
        self._file, self._place, self._mark = file, place, mark
        self._digits = max(len(str(len(file.lines))), 3)

    @property
    def gutter(self) -> int:
        """Cells left of the text."""
        return self._digits + 3

    def __len__(self) -> int:
        return len(self._file.lines) + self._file.cut

    @overload
    def __getitem__(self, number: int) -> Content: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Content]: ...
    def __getitem__(self, number: int | slice) -> Content | Sequence[Content]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        if number >= len(self._file.lines):
            return Content.styled("… the rest of this long file is not shown", "$muted")
        here = number == self._place.line - 1
        colour = "error" if isinstance(self._place, BrokenFile) else "primary"
        mark = self._mark if here else " "
        return Content.assemble(
            (f"{mark}{number + 1:>{self._digits}}  ", f"bold ${colour}" if here else "$faint"),
            *((piece.text, _STYLES[piece.ink]) for piece in self._file.lines[number]),
        )

    def same_as(self, other: Sequence[Content]) -> bool:
        return (
            isinstance(other, _Lines)
            and other._file is self._file
            and other._place.line == self._place.line
            and other._mark == self._mark
        )
