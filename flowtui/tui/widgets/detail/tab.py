"""What every tab of the detail pane can do, and the line that names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from textual.content import Content

from flowtui.flow_rows import FlowRow
from flowtui.tui.widgets.detail.page import Page

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class Tab(Protocol):
    """One question about a flow. Only the tab that is shown is ever asked anything."""

    @property
    def id(self) -> str:
        """What it is remembered by."""
        ...

    @property
    def title(self) -> str: ...

    def wanted(self, app: FlowtuiApp, row: FlowRow) -> None:
        """Begin to read what is not known yet (`app.details`); the pane stops it in time."""
        ...

    def page(self, app: FlowtuiApp, row: FlowRow, width: int) -> Page:
        """What is known now, wrapped to `width` cells where it can be. No waiting in here."""
        ...


def tab_line(titles: Sequence[str], shown: int, width: int) -> Content:
    """All titles, the shown one in brackets; those farthest from it go where room is short.

    Brackets stand where spaces were: moving along the tabs moves nothing else.
    """
    first, last = 0, len(titles)
    while last - first > 1 and _length(titles, first, last) > width:
        if shown - first > last - 1 - shown:
            first += 1
        else:
            last -= 1
    parts: list[tuple[str, str]] = []
    for number in range(first, last):
        before = "[" if number == shown else "]" if number == shown + 1 else " "
        parts.append((before, "bold" if before != " " else ""))
        parts.append((titles[number], "bold $primary" if number == shown else "$muted"))
    parts.append(("]", "bold") if last - 1 == shown else (" ", ""))
    left = "…" if first > 0 else ""
    right = "…" if last < len(titles) else ""
    return Content.assemble(left, *(part for part in parts), right)


def _length(titles: Sequence[str], first: int, last: int) -> int:
    cut = (first > 0) + (last < len(titles))
    return sum(len(title) + 1 for title in titles[first:last]) + 1 + cut


def tab_at(titles: Sequence[str], line: str, x: int) -> int | None:
    """The number of the title at this cell of a tab line, for a click."""
    for number, title in enumerate(titles):
        start = line.find(title)
        if start >= 0 and start <= x < start + len(title):
            return number
    return None
