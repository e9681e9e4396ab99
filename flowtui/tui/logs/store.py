"""A bounded ring of encoded log lines: producers append, views look when their clock ticks.

Lines are numbered from 0 for ever; the ring holds those from `first` to `total`. They are kept in
blocks, each one piece of bytes once it is full: a hundred thousand lines cost little more than
their text, and a search runs over a block at a time.
"""

from __future__ import annotations

import re
import time
from array import array
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from unicodedata import east_asian_width

from flowtui.deploy.events import Level

TAB = 8
"""Cells from one tab stop to the next."""
LONGEST_SHOWN = 8192
"""Characters of one line that a view shows and a search looks at."""
LONGEST_KEPT = 1_000_000
"""Characters of one line that are kept for copy and save; the line says when it had more."""
_KEPT_BYTES = 16 * 2**20
"""Of the long lines kept whole, together: the oldest of them are cut when newer ones come."""
_RING_BYTES = 64 * 2**20
"""Of text in the ring: the oldest lines go, also when they are few, when they are very long."""
_BLOCK = 1024
"""Lines."""

LEVELS = (Level.DEBUG, Level.INFO, Level.WARNING, Level.ERROR)
"""The least important first."""
_RANK = {level: rank for rank, level in enumerate(LEVELS)}
_INFO = _RANK[Level.INFO]
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")


@dataclass(frozen=True, slots=True)
class StoredLine:
    number: int
    text: str
    """As it is shown: at most `LONGEST_SHOWN` characters and without colours."""
    coloured: str
    """The same with its colours, which are the only control sequences in it."""
    level: Level
    at: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines are wanted. Small letters in `text` stand for both cases."""

    text: str = ""
    inverted: bool = False
    """Lines without the text."""
    level: Level = Level.DEBUG
    """The least important level."""

    @property
    def anything(self) -> bool:
        return not self.text and self.level is Level.DEBUG

    @property
    def ignores_case(self) -> bool:
        return self.text == self.text.lower()


def _joined(lines: list[bytes]) -> tuple[bytes, array[int]]:
    """The lines with a newline between, and where each ends."""
    ends = array("I")
    at = -1
    for line in lines:
        at += 1 + len(line)
        ends.append(at)
    return b"\n".join(lines), ends


def _cells(text: str) -> int:
    """At most so many cells wide, and exactly so many without combining characters."""
    shown = text.expandtabs(TAB)
    if shown.isascii():
        return len(shown)
    return len(shown) + sum(east_asian_width(character) in "WF" for character in shown)


@dataclass(slots=True)
class _Block:
    """Lines in a row; those of a full block are joined by newlines in `joined`."""

    lines: list[bytes] = field(default_factory=list[bytes])
    joined: bytes = b""
    ends: array[int] = field(default_factory=lambda: array("I"))
    """Where each line ends in `joined`."""
    levels: bytearray = field(default_factory=bytearray)
    times: array[float] = field(default_factory=lambda: array("d"))
    coloured: dict[int, bytes] = field(default_factory=dict[int, bytes])
    size: int = 0
    """Bytes."""

    def join(self) -> None:
        self.joined, self.ends = _joined(self.lines)
        self.lines = []

    def text_of(self, index: int) -> bytes:
        if self.lines:
            return self.lines[index]
        return self.joined[self.ends[index - 1] + 1 if index else 0 : self.ends[index]]

    def found(self, wanted: LineFilter) -> list[int]:
        """Indices of the lines with the wanted text."""
        joined, ends = (self.joined, self.ends) if not self.lines else _joined(self.lines)
        if not wanted.text.isascii():
            text = joined.decode()
            lines = (text.lower() if wanted.ignores_case else text).split("\n")
            return [index for index, line in enumerate(lines) if wanted.text in line]
        needle = wanted.text.encode()
        hay = joined.lower() if wanted.ignores_case else joined
        found: list[int] = []
        at = hay.find(needle)
        while at >= 0:
            index = bisect_right(ends, at)
            found.append(index)
            at = hay.find(needle, ends[index])
        return found

    def picked(self, wanted: LineFilter) -> list[int]:
        """Indices of the lines that are wanted."""
        indices = range(len(self.levels))
        if wanted.text:
            found = self.found(wanted)
            if wanted.inverted:
                without = set(found)
                found = [index for index in indices if index not in without]
        else:
            found = list(indices)
        rank = _RANK[wanted.level]
        if not rank:
            return found
        levels = self.levels
        return [index for index in found if levels[index] >= rank]


class LogStore:
    """The last `limit` lines of one stage. Appending is O(1); one thread at a time appends."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._blocks: deque[_Block] = deque([_Block()])
        self._blocks_from = 0
        """Number of the first line of the first block."""
        self._whole: dict[int, bytes] = {}
        self._whole_bytes = 0
        self._bytes = 0
        self.first = 0
        """Number of the oldest line held: so many have fallen out of the ring."""
        self.total = 0
        """Lines ever appended: also the change counter that views compare."""
        self.dropped_until = 0.0
        """When the newest of the lines that fell out had come; 0 while none has."""
        self.longest = 0
        """Cells of the longest line shown."""

    def append(self, text: str, level: Level = Level.INFO, at: float | None = None) -> None:
        """Outside text that was made safe: one line, or several. `\\r` replaces what is before it.

        `at` is in seconds since the epoch, now when it is left out.
        """
        at = time.time() if at is None else at
        if "\n" in text:
            for line in text.split("\n"):
                self._append(line, level, at)
            return
        self._append(text, level, at)

    def _append(self, text: str, level: Level, at: float) -> None:
        if "\r" in text:
            text = text.rstrip("\r").rpartition("\r")[2]
        block = self._blocks[-1]
        if len(block.levels) == _BLOCK:
            block.join()
            block = _Block()
            self._blocks.append(block)
        coloured = b""
        if "\x1b" in text:
            coloured = text.encode("utf-8", "replace")
            text = _COLOUR.sub("", text)
        if len(text) > LONGEST_SHOWN:
            self._keep_whole(text)
            coloured, text = b"", text[: LONGEST_SHOWN - 1] + "…"
        encoded = text.encode("utf-8", "replace")
        if coloured:
            block.coloured[len(block.levels)] = coloured
        block.lines.append(encoded)
        block.times.append(at)
        block.levels.append(_INFO if level is Level.INFO else _RANK[level])
        block.size += len(encoded) + len(coloured)
        self._bytes += len(encoded) + len(coloured)
        if len(text) > self.longest or "\t" in text or not text.isascii():
            self.longest = max(self.longest, _cells(text))
        self.total += 1
        if self.total - self.first > self._limit:
            self._drop(self.total - self._limit)
        if self._bytes > _RING_BYTES and len(self._blocks) > 1:
            self._drop(self._blocks_from + _BLOCK)

    def _keep_whole(self, text: str) -> None:
        if len(text) > LONGEST_KEPT:
            text = f"{text[:LONGEST_KEPT]} … ({len(text) - LONGEST_KEPT:,} more were not kept)"
        kept = text.encode("utf-8", "replace")
        self._whole[self.total] = kept
        self._whole_bytes += len(kept)
        while self._whole_bytes > _KEPT_BYTES:
            self._forget_whole(next(iter(self._whole)))

    def _forget_whole(self, number: int) -> None:
        self._whole_bytes -= len(self._whole.pop(number))

    def _drop(self, first: int) -> None:
        """Lines before `first` fall out."""
        self.dropped_until = self.time(first - 1)
        self.first = first
        while first - self._blocks_from >= _BLOCK and len(self._blocks) > 1:
            self._bytes -= self._blocks.popleft().size
            self._blocks_from += _BLOCK
        while self._whole and (oldest := next(iter(self._whole))) < first:
            self._forget_whole(oldest)

    def __len__(self) -> int:
        return self.total - self.first

    def _place(self, number: int) -> tuple[_Block, int]:
        index, offset = divmod(number - self._blocks_from, _BLOCK)
        return self._blocks[index], offset

    def line(self, number: int) -> StoredLine | None:
        """The line of this number, None when it is not held (any more, or yet)."""
        if not self.first <= number < self.total:
            return None
        block, index = self._place(number)
        text = block.text_of(index).decode()
        coloured = block.coloured.get(index)
        return StoredLine(
            number,
            text,
            coloured.decode() if coloured is not None else text,
            LEVELS[block.levels[index]],
            block.times[index],
        )

    def time(self, number: int) -> float:
        """When a line that is held came, in seconds since the epoch."""
        block, index = self._place(number)
        return block.times[index]

    def whole(self, number: int) -> str:
        """A line that is held as it is copied and saved: not cut, without colours."""
        kept = self._whole.get(number)
        if kept is not None:
            return kept.decode()
        block, index = self._place(number)
        return block.text_of(index).decode()

    def picked(self, wanted: LineFilter, start: int, stop: int) -> list[int]:
        """Numbers of the wanted lines from `start` to before `stop`, of those that are held."""
        start, stop = max(start, self.first), min(stop, self.total)
        if wanted.anything:
            return list(range(start, stop))
        numbers: list[int] = []
        while start < stop:
            block, index = self._place(start)
            base = start - index
            numbers.extend(
                number for each in block.picked(wanted) if start <= (number := base + each) < stop
            )
            start = base + _BLOCK
        return numbers

    def lines(self) -> tuple[str, ...]:
        """The lines that are held, as they are shown."""
        held = (self.line(number) for number in range(self.first, self.total))
        return tuple(line.coloured for line in held if line is not None)
