"""The text of lines as it is copied and saved: whole, without colours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from flowtui.tui.logs.lines import Lines
from flowtui.tui.logs.store import LogStore

_SLICE = 4096
"""Lines between two looks at the keys."""


@dataclass(frozen=True, slots=True)
class Source:
    lines: Lines
    stores: tuple[LogStore, ...]
    tags: tuple[str, ...]

    def text(self, position: int, *, time: bool = False) -> str:
        """A line with its log's tag, with `time` also when it came; empty when it is gone."""
        at = self.lines.at(position)
        if at is None:
            return ""
        store = self.stores[at[0]]
        tag = f"{self.tags[at[0]]} " if self.tags else ""
        when = f"{datetime.fromtimestamp(store.time(at[1])):%Y-%m-%d %H:%M:%S} " if time else ""
        return when + tag + store.whole(at[1])


async def taken(source: Source, positions: range, *, times: bool = False) -> str:
    """The lines at these positions, as far as they are still held, below each other."""
    pieces: list[str] = []
    for start in range(positions.start, positions.stop, _SLICE):
        stop = min(start + _SLICE, positions.stop)
        held = range(max(start, source.lines.first), stop)
        pieces.extend(source.text(position, time=times) for position in held)
        await asyncio.sleep(0)
    return "\n".join(pieces)
