"""What the terminal shows, what it should show, and the shortest way from one to the other.

Textual sends every region that was drawn again, in full, with a reset after each piece of text:
10 kB for a frame of a log. Here both screens are kept as plain strings, one character and one pen
for each cell, and only what differs is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rich.color import ColorSystem
from rich.style import Style

from flowtui.tui.terminal.cells import FILLER, cells, has_clusters, spelled
from flowtui.tui.terminal.pens import PLAIN, UNKNOWN, Pen, pen_of, transition

_RUN = re.compile(r"(.)\1*", re.DOTALL)
_PART = re.compile(
    "(?P<sure>(?:[^\0\U000f0000-\U0010ffff](?!\0))+)"
    "|(?:[^\0\U000f0000-\U0010ffff]\0)+"
    "|[\U000f0000-\U0010ffff]\0*"
)
"""Narrow text, wide characters, or one cluster."""
_NOT_KNOWN = "\0"
"""The pen of a cell whose content nobody knows."""
_BLOCK = 8
"""Cells that are compared at once; a change costs its surroundings up to a cursor move, too."""
_WORTH_A_JUMP = 6
"""A cursor move is some bytes: equal cells up to so many are written again instead."""
_WORTH_ERASING = 7
_WORTH_SORTING = 6
_MOST_PENS = 60_000


class Piece(NamedTuple):
    """Some cells of one row that were drawn: texts and their styles, from a column on."""

    y: int
    x: int
    segments: Iterable[tuple[str, Style | None, object]]


class Canvas:
    """Rows of cells, as they should be and as the terminal has them."""

    def __init__(
        self,
        colours: ColorSystem = ColorSystem.TRUECOLOR,
        *,
        erases_with_background: bool = True,
    ) -> None:
        self._colours = colours
        self._erases_with_background = erases_with_background
        self.width = self.height = 0
        self._text: list[str] = []
        self._pens: list[str] = []
        self._shown_text: list[str] = []
        self._shown_pens: list[str] = []
        self._stale: dict[int, None] = {}
        """Rows that the terminal may not have yet, those that wait longest first."""
        self._marks: dict[Pen, str] = {}
        self._by_mark: list[Pen] = [UNKNOWN]
        self._cursor: tuple[int, int] | None = None
        """Where the last frame left the terminal's cursor."""

    @property
    def settled(self) -> bool:
        """Whether the terminal has been sent everything."""
        return not self._stale

    def resize(self, width: int, height: int) -> None:
        if (width, height) == (self.width, self.height):
            return
        self.width, self.height = width, height
        blank = self._mark(PLAIN._replace(blank=True))
        self._text = [" " * width] * height
        self._pens = [blank * width] * height
        self.forget()

    def forget(self) -> None:
        """What the terminal shows is no longer known: everything has to be sent again."""
        if len(self._by_mark) > _MOST_PENS:
            self._start_pens_again()
        self._shown_text = [" " * self.width] * self.height
        self._shown_pens = [_NOT_KNOWN * self.width] * self.height
        self._stale = dict.fromkeys(range(self.height))
        self._cursor = None

    def draw(self, pieces: Iterable[Piece]) -> None:
        """Take what was drawn; nothing is sent yet."""
        drawn: set[int] = set()
        for y, x, segments in pieces:
            if 0 <= y < self.height and 0 <= x < self.width and self._draw(y, x, segments):
                drawn.add(y)
        fresh: dict[int, None] = {}
        for y in sorted(drawn):
            self._stale.pop(y, None)
            if self._text[y] != self._shown_text[y] or self._pens[y] != self._shown_pens[y]:
                fresh[y] = None
        self._stale = {**fresh, **self._stale}

    def frame(self, most: int | None = None, cursor: tuple[int, int] = (0, 0)) -> str:
        """What to write so that the terminal shows the canvas; empty when it does already.

        With `most`, about so many characters: what was drawn last comes first, the other rows
        stay for the next frame. The terminal's cursor ends at `cursor` (column, row).
        """
        runs: list[_Run] = []
        writer = _Writer(self.width, self._erases_with_background)
        for y in list(self._stale):
            if most is not None and writer.size >= most:
                break
            del self._stale[y]
            changed = self._runs(y)
            writer.write(changed)
            runs += changed
            self._shown_text[y] = self._text[y]
            self._shown_pens[y] = self._pens[y]
        if not runs and self._cursor == cursor:
            return ""
        self._cursor = cursor
        frame = writer.finish(cursor)
        if len(runs) > _WORTH_SORTING:
            # Colours are long: one after the other they may cost less than the moves they save.
            sorted_writer = _Writer(self.width, self._erases_with_background)
            sorted_writer.write(sorted(runs, key=lambda run: run.pen.key))
            frame = min(frame, sorted_writer.finish(cursor), key=len)
        return frame

    # ------------------------------------------------------------------------------------ inside

    def _draw(self, y: int, x: int, segments: Iterable[tuple[str, Style | None, object]]) -> bool:
        """Whether it changes the row."""
        text, marks = self._spelled_out(segments)
        room = self.width - x
        if len(text) > room:
            cut = text[room] == FILLER
            text = text[: room - 1] + " " if cut else text[:room]
            marks = marks[:room]
        row, end = self._text[y], x + len(text)
        if text == row[x:end] and marks == self._pens[y][x:end]:
            return False
        left, right = row[:x], row[end:]
        # Half a wide character is none.
        if row[x] == FILLER:
            left = left[:-1] + " "
        if right.startswith(FILLER):
            right = " " + right[1:]
        self._text[y] = left + text + right
        self._pens[y] = self._pens[y][:x] + marks + self._pens[y][end:]
        return True

    def _spelled_out(self, segments: Iterable[tuple[str, Style | None, object]]) -> tuple[str, str]:
        texts: list[str] = []
        pens: list[str] = []
        for text, style, control in segments:
            if control is not None:
                continue
            row = cells(text)
            if row:
                texts.append(row)
                pens.append(self._mark(pen_of(style, row.isspace(), self._colours)) * len(row))
        return "".join(texts), "".join(pens)

    def _mark(self, pen: Pen) -> str:
        mark = self._marks.get(pen)
        if mark is None:
            mark = self._marks[pen] = chr(len(self._by_mark))
            self._by_mark.append(pen)
        return mark

    def _start_pens_again(self) -> None:
        pens, self._by_mark, self._marks = self._by_mark, [UNKNOWN], {}
        self._pens = ["".join(self._mark(pens[ord(mark)]) for mark in row) for row in self._pens]

    def _runs(self, y: int) -> list[_Run]:
        """What of a row is to be written, by what looks alike."""
        runs: list[_Run] = []
        for start, end in self._differences(y):
            for found in _RUN.finditer(self._pens[y], start, end):
                first, last = found.span()
                run = _Run(y, first, self._text[y][first:last], self._by_mark[ord(found[1])])
                before = runs[-1] if runs and runs[-1].end == first else None
                joined = before and _joined(before, run)
                if joined:
                    runs[-1] = joined
                else:
                    runs.append(run)
        return runs

    def _differences(self, y: int) -> list[tuple[int, int]]:
        """The cells of a row to write again: first, and one after the last."""
        text, shown_text = self._text[y], self._shown_text[y]
        pens, shown_pens = self._pens[y], self._shown_pens[y]
        if text == shown_text and pens == shown_pens:
            return []
        if has_clusters(text) or has_clusters(shown_text):
            # Terminals do not agree how wide these are: the row is written as a whole.
            return [(0, self.width)]
        wide = FILLER in text or FILLER in shown_text
        found: list[tuple[int, int]] = []
        for start in range(0, self.width, _BLOCK):
            end = min(start + _BLOCK, self.width)
            if (
                text[start:end] == shown_text[start:end]
                and pens[start:end] == shown_pens[start:end]
            ):
                continue
            while text[start] == shown_text[start] and pens[start] == shown_pens[start]:
                start += 1
            while text[end - 1] == shown_text[end - 1] and pens[end - 1] == shown_pens[end - 1]:
                end -= 1
            if wide:
                while start > 0 and FILLER in (text[start], shown_text[start]):
                    start -= 1
                while end < self.width and FILLER in (text[end], shown_text[end]):
                    end += 1
            if found and start - found[-1][1] <= _WORTH_A_JUMP:
                found[-1] = found[-1][0], end
            else:
                found.append((start, end))
        return found


class _Run(NamedTuple):
    """Cells of one row that one pen writes."""

    y: int
    x: int
    text: str
    pen: Pen

    @property
    def end(self) -> int:
        return self.x + len(self.text)


def _joined(left: _Run, right: _Run) -> _Run | None:
    """Both as one where one is blank: spaces look alike in every pen of their background."""
    text = left.text + right.text
    if right.pen.blank and left.pen.hides_on(right.pen.background):
        return left._replace(text=text)
    if left.pen.blank and right.pen.hides_on(left.pen.background):
        return left._replace(text=text, pen=right.pen)
    return None


class _Writer:
    """One frame being spelled."""

    def __init__(self, width: int, erases_with_background: bool) -> None:
        self._width = width
        self._erases_with_background = erases_with_background
        self._parts: list[str] = []
        self._pen = UNKNOWN
        self._at: tuple[int, int] | None = None
        self.size = 0

    def write(self, runs: list[_Run]) -> None:
        for run in runs:
            self._run(run)

    def finish(self, cursor: tuple[int, int]) -> str:
        sequence, _ = transition(self._pen, PLAIN)
        if self._pen is not UNKNOWN:
            self._add(sequence)
        if self._at != (cursor[1], cursor[0]):
            self._move(cursor[1], cursor[0])
        return "".join(self._parts)

    def _add(self, part: str) -> None:
        if part:
            self._parts.append(part)
            self.size += len(part)

    def _move(self, y: int, x: int) -> None:
        if self._at == (y, x):
            return
        if self._at is not None and self._at[0] == y and self._at[1] < x:
            right = x - self._at[1]
            self._add(f"\x1b[{right}C" if right > 1 else "\x1b[C")
        elif x:
            self._add(f"\x1b[{y + 1};{x + 1}H")
        else:
            self._add(f"\x1b[{y + 1}H" if y else "\x1b[H")
        self._at = (y, x)

    def _run(self, run: _Run) -> None:
        y, x, text, pen = run
        body = text.rstrip(" ")
        blanks = len(text) - len(body)
        erasable = self._erases_with_background or not pen.background
        if blanks < _WORTH_ERASING or not erasable or not pen.hides_on(pen.background):
            body, blanks = text, 0
        self._move(y, x)
        sequence, self._pen = transition(self._pen, pen)
        self._add(sequence)
        if body:
            self._spell(y, x, body)
        if blanks:
            self._move(y, x + len(body))
            self._add(f"\x1b[{blanks}X")

    def _spell(self, y: int, x: int, body: str) -> None:
        """Text, and the column said again wherever a terminal might count cells differently."""
        if FILLER not in body and not has_clusters(body):
            self._add(body)
            self._written(y, x + len(body))
            return
        for part in _PART.finditer(body):
            self._move(y, x + part.start())
            self._add(spelled(part[0]))
            self._written(y, x + part.end())
            if part["sure"] is None:
                self._at = None

    def _written(self, y: int, x: int) -> None:
        """Past the last column a terminal's cursor is not where one thinks."""
        self._at = (y, x) if x < self._width else None
