"""From a stored line to the rows that show it: its colours, its level, what was searched."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.strip import Strip

from flowtui.deploy.events import Level
from flowtui.tui.logs.store import TAB, LineFilter, StoredLine
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.widgets.log.rows import Row

_TIME = 9
"""Cells of a time and the space after it."""
_SIGN = 2
"""Cells of the sign of a line's level, or of the cursor."""


@dataclass(frozen=True, slots=True)
class Look:
    """All that decides how a line is painted, besides the line."""

    console: Console
    glyphs: Glyphs
    base: Style
    muted: Style
    warning: Style
    error: Style
    match: Style
    match_here: Style
    here: Style
    """Of the line that the cursor is on."""
    selected: Style
    thumb: Style
    width: int
    """Cells of a row, all in all."""
    wrap: bool = False
    times: bool = False
    numbers: int = 0
    """Digits of the line numbers; 0 shows none."""
    tags: tuple[str, ...] = ()
    """One for each log, equally long; empty where there is one log only."""
    search: str = ""

    @property
    def margin(self) -> int:
        """Cells left of the text."""
        numbers = self.numbers + 1 if self.numbers else 0
        tags = len(self.tags[0]) + 1 if self.tags else 0
        return numbers + (_TIME if self.times else 0) + tags + _SIGN

    @property
    def text_width(self) -> int:
        return max(self.width - self.margin, 1)


@dataclass(frozen=True, slots=True)
class Marks:
    """What the reader has done with a line."""

    here: bool = False
    selected: bool = False


class Painter:
    """Paints lines by a `Look`; what it has painted it keeps until the look changes."""

    def __init__(self) -> None:
        self._look: Look | None = None
        self._stale = False
        self._pattern: re.Pattern[str] | None = None
        self._texts: LRUCache[tuple[int, int, Marks], tuple[Strip, ...]] = LRUCache(512)
        self._rows: LRUCache[tuple[int, Row, Marks, int], Strip] = LRUCache(512)
        self._heights: LRUCache[tuple[int, int], int] = LRUCache(2048)

    def use(self, look: Look) -> None:
        if look == self._look and not self._stale:
            return
        self._stale = False
        self._texts.clear()
        self._rows.clear()
        self._heights.clear()
        self._look = look
        flags = re.IGNORECASE if LineFilter(look.search).ignores_case else 0
        self._pattern = re.compile(re.escape(look.search), flags) if look.search else None

    def forget(self) -> None:
        """Other logs are shown, or the colours have changed."""
        self._stale = True

    @property
    def ready(self) -> bool:
        return self._look is not None

    @property
    def look(self) -> Look:
        assert self._look is not None
        return self._look

    def height(self, store: int, line: StoredLine) -> int:
        """Rows that a line takes."""
        look = self.look
        if not look.wrap:
            return 1
        text = line.text
        if text.isascii() and "\t" not in text:
            return max(-(-len(text) // look.text_width), 1)
        key = (store, line.number)
        height = self._heights.get(key)
        if height is None:
            height = len(_cuts(_shown(text), look.text_width)) + 1
            self._heights[key] = height
        return height

    def row(self, store: int, line: StoredLine, row: Row, marks: Marks, left: int) -> Strip:
        """One row of a line, from the cell `left` of its text on."""
        key = (store, row, marks, left)
        painted = self._rows.get(key)
        if painted is None:
            texts = self._text(store, line, marks)
            text = texts[row.row] if row.row < len(texts) else Strip([])
            style = self._style(line, marks)
            body = text.crop_extend(left, left + self.look.text_width, style)
            painted = Strip.join([self._margin(store, line, row, marks, style), body])
            self._rows[key] = painted
        return painted

    def _text(self, store: int, line: StoredLine, marks: Marks) -> tuple[Strip, ...]:
        key = (store, line.number, marks)
        texts = self._texts.get(key)
        if texts is None:
            texts = tuple(self._painted(line, marks))
            self._texts[key] = texts
        return texts

    def _style(self, line: StoredLine, marks: Marks) -> Style:
        look = self.look
        style = look.base
        if line.level is Level.WARNING:
            style += look.warning
        elif line.level is Level.ERROR:
            style += look.error
        elif line.level is Level.DEBUG:
            style += look.muted
        if marks.selected:
            return style + look.selected
        return style + look.here if marks.here else style

    def _painted(self, line: StoredLine, marks: Marks) -> Iterable[Strip]:
        """The text of the line as one strip, or when wrapped as one for each row."""
        look = self.look
        style = self._style(line, marks)
        hit = self._pattern is not None and self._pattern.search(line.text) is not None
        if line.text == line.coloured and not hit:
            yield from self._plain(_shown(line.text), style)
            return
        text = Text.from_ansi(line.coloured, no_wrap=True, end="")
        if hit and self._pattern is not None:
            text.highlight_regex(self._pattern, look.match_here if marks.here else look.match)
        if "\t" in text.plain:
            text.expand_tabs(TAB)
        pieces = text.divide(_cuts(text.plain, look.text_width)) if look.wrap else (text,)
        for piece in pieces:
            segments = Segment.apply_style(piece.render(look.console), style)
            yield Strip([segment for segment in segments if segment.text])

    def _plain(self, text: str, style: Style) -> Iterable[Strip]:
        if not self.look.wrap:
            yield Strip([Segment(text, style)], len(text) if text.isascii() else None)
            return
        start = 0
        for cut in (*_cuts(text, self.look.text_width), len(text)):
            yield Strip([Segment(text[start:cut], style)])
            start = cut

    def _margin(self, store: int, line: StoredLine, row: Row, marks: Marks, style: Style) -> Strip:
        """What stands left of a row; only a line's first row says anything."""
        look = self.look
        if row.row:
            return Strip([Segment(" " * look.margin, style)])
        says = ""
        if look.numbers:
            says += f"{row.position + 1:>{look.numbers}} "
        if look.times:
            says += f"{datetime.fromtimestamp(line.at):%H:%M:%S} "
        if look.tags:
            says += f"{look.tags[store]} "
        signs = {Level.WARNING: "!", Level.ERROR: look.glyphs.failed}
        sign = look.glyphs.cursor if marks.here else signs.get(line.level, "")
        segments = [Segment(says, style + look.muted)] if says else []
        return Strip([*segments, Segment(f"{sign:<{_SIGN}}", style)])


def _shown(text: str) -> str:
    return text.expandtabs(TAB) if "\t" in text else text


def _cuts(text: str, width: int) -> list[int]:
    """Where a text is cut into rows of this many cells: no wide character is cut in two."""
    if text.isascii():
        return list(range(width, len(text), width))
    if cell_len(text) <= width:
        return []
    cuts: list[int] = []
    at = 0
    for piece in chop_cells(text, width)[:-1]:
        at += len(piece)
        cuts.append(at)
    return cuts
