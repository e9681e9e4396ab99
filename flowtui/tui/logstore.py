"""A bounded ring of log lines: producers append, views look when their flush clock ticks."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from flowtui.deploy.events import Level

LONGEST_SHOWN = 8192
"""Characters of one line that a view shows."""

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")


@dataclass(frozen=True, slots=True)
class StoredLine:
    text: str
    """The only control sequences in it are colours."""
    level: Level = Level.INFO


class LogStore:
    """The last `limit` lines of one stage. Appending is O(1) and safe from any thread."""

    def __init__(self, limit: int = 50_000) -> None:
        self._lines: deque[StoredLine] = deque(maxlen=limit)
        self.total = 0
        """Lines ever appended: also the change counter that views compare."""
        self.longest = 0
        """Characters of the longest line shown, without colour sequences."""

    def append(self, text: str, level: Level = Level.INFO) -> None:
        shown = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
        self._lines.append(StoredLine(shown, level))
        self.longest = max(self.longest, len(_COLOUR.sub("", shown) if "\x1b" in shown else shown))
        self.total += 1

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def dropped(self) -> int:
        """Lines that fell out of the ring."""
        return self.total - len(self._lines)

    def line(self, index: int) -> StoredLine | None:
        """The line at `index` of those still held, None outside of them."""
        try:
            return self._lines[index] if index >= 0 else None
        except IndexError:
            return None

    def lines(self) -> tuple[str, ...]:
        return tuple(line.text for line in self._lines)
