"""The lines a view shows, in order: one log, or those of several that a filter lets through.

Positions count from 0 for ever, as line numbers do: what falls out of a ring moves `first`, and no
line gets another position. Looking for lines is done in slices, so that it never holds up a key.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable
from typing import Protocol

from flowtui.tui.logs.store import LineFilter, LogStore

SLICE = 16_384
"""Lines looked at in one go: some milliseconds."""
_STORES = 8
"""More than there are stages: a line's code is its number times this, plus the index of its log."""


class Lines(Protocol):
    """What a view asks of its lines."""

    @property
    def stores(self) -> tuple[LogStore, ...]: ...

    @property
    def first(self) -> int:
        """Position of the oldest line."""
        ...

    @property
    def end(self) -> int:
        """Position after the newest line."""
        ...

    def advance(self) -> bool:
        """Take in what has come and what has gone, a slice at most; True when that was all."""
        ...

    def at(self, position: int) -> tuple[int, int] | None:
        """Which of the logs, and the line's number in it."""
        ...

    def near(self, time: float, store: int, number: int) -> int:
        """Position of this line, or else of the one that came after it."""
        ...

    def picked(self, wanted: LineFilter, start: int, stop: int) -> list[int]:
        """Positions of the wanted lines from `start` to before `stop`."""
        ...


class WholeLog:
    """Every line of one log: its positions are its numbers."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self.stores: tuple[LogStore, ...] = (store,)
        self.first = store.first
        self.end = store.total

    def advance(self) -> bool:
        self.first, self.end = self._store.first, self._store.total
        return True

    def at(self, position: int) -> tuple[int, int] | None:
        return (0, position) if self._store.first <= position < self._store.total else None

    def near(self, time: float, store: int, number: int) -> int:
        return number

    def picked(self, wanted: LineFilter, start: int, stop: int) -> list[int]:
        return self._store.picked(wanted, start, stop)


class PickedLines:
    """The lines of some logs that a filter lets through, in the order in which they came."""

    def __init__(self, stores: tuple[LogStore, ...], wanted: LineFilter) -> None:
        self.stores = stores
        self._wanted = wanted
        self._codes: array[int] = array("q")
        self._before = 0
        """Position of the first code: the codes before it were dropped."""
        self._seen = [store.first for store in stores]
        self.first = 0

    @property
    def end(self) -> int:
        return self._before + len(self._codes)

    def advance(self) -> bool:
        self._take_in()
        self._let_go()
        return all(seen >= store.total for seen, store in zip(self._seen, self.stores, strict=True))

    def _take_in(self) -> None:
        stops = [
            min(max(seen, store.first) + SLICE, store.total)
            for seen, store in zip(self._seen, self.stores, strict=True)
        ]
        if len(self.stores) == 1:
            store = self.stores[0]
            picked = store.picked(self._wanted, self._seen[0], stops[0])
            self._codes.extend(number * _STORES for number in picked)
            self._seen[0] = stops[0]
            return
        # A log that is not looked through to its end may hold older lines than the others' last.
        until = min(
            (
                store.time(stop - 1)
                for store, stop in zip(self.stores, stops, strict=True)
                if store.first < stop < store.total
            ),
            default=float("inf"),
        )
        came: list[tuple[float, int]] = []
        for index, (store, stop) in enumerate(zip(self.stores, stops, strict=True)):
            if until < float("inf"):
                start = max(self._seen[index], store.first)
                stop = start + bisect_left(range(start, stop), True, key=_later(store, until))
            picked = store.picked(self._wanted, self._seen[index], stop)
            came.extend((store.time(number), number * _STORES + index) for number in picked)
            self._seen[index] = stop
        came.sort(key=_when)
        self._codes.extend(code for _, code in came)

    def _let_go(self) -> None:
        """What fell out of one log is gone, and what came before that in the others too."""
        dropped_until = max(store.dropped_until for store in self.stores)
        gone = self.first - self._before
        while gone < len(self._codes):
            index, number = self._codes[gone] % _STORES, self._codes[gone] // _STORES
            store = self.stores[index]
            held = number >= store.first
            if held and (len(self.stores) == 1 or store.time(number) >= dropped_until):
                break
            gone += 1
        self.first = self._before + gone
        if gone > SLICE:
            del self._codes[:gone]
            self._before = self.first

    def at(self, position: int) -> tuple[int, int] | None:
        if not self.first <= position < self.end:
            return None
        code = self._codes[position - self._before]
        number, index = divmod(code, _STORES)
        store = self.stores[index]
        return (index, number) if store.first <= number < store.total else None

    def near(self, time: float, store: int, number: int) -> int:
        offset = self.first - self._before
        if len(self.stores) == 1:
            return self._before + bisect_left(self._codes, number * _STORES, lo=offset)
        found = bisect_left(self._codes, time, lo=offset, key=self._time_of)
        code = number * _STORES + store
        for place in range(found, len(self._codes)):
            if self._codes[place] == code:
                return self._before + place
            if self._time_of(self._codes[place]) > time:
                break
        return self._before + found

    def _time_of(self, code: int) -> float:
        number, index = divmod(code, _STORES)
        store = self.stores[index]
        return store.time(number) if number >= store.first else 0.0

    def picked(self, wanted: LineFilter, start: int, stop: int) -> list[int]:
        start, stop = max(start, self.first), min(stop, self.end)
        codes = self._codes[start - self._before : max(stop, start) - self._before]
        matching: set[int] = set()
        for index, store in enumerate(self.stores):
            numbers = [code // _STORES for code in codes if code % _STORES == index]
            if numbers:
                found = store.picked(wanted, numbers[0], numbers[-1] + 1)
                matching.update(number * _STORES + index for number in found)
        return [start + place for place, code in enumerate(codes) if code in matching]


def _later(store: LogStore, until: float) -> Callable[[int], bool]:
    return lambda number: store.time(number) > until


def _when(line: tuple[float, int]) -> float:
    return line[0]


class Matches:
    """The positions of the lines that a search finds, kept up as lines come and go."""

    def __init__(self, lines: Lines, text: str) -> None:
        self.text = text
        self._lines = lines
        self._wanted = LineFilter(text)
        self._positions: list[int] = []
        self._seen = lines.first

    def advance(self) -> bool:
        """Look at a slice of the lines not yet looked at; True when that was all."""
        lines = self._lines
        stop = min(max(self._seen, lines.first) + SLICE, lines.end)
        self._positions.extend(lines.picked(self._wanted, self._seen, stop))
        self._seen = max(stop, self._seen)
        if self._positions and self._positions[0] < lines.first:
            del self._positions[: bisect_left(self._positions, lines.first)]
        return self._seen >= lines.end

    def __len__(self) -> int:
        return len(self._positions)

    def index(self, position: int) -> int | None:
        """Which match, counted from 0, the line of this position is."""
        at = bisect_left(self._positions, position)
        return at if at < len(self) and self._positions[at] == position else None

    def after(self, position: int, *, around: bool = True) -> int | None:
        """The first match at or after this position; else, going around, the first of all."""
        at = bisect_left(self._positions, position)
        if at < len(self):
            return self._positions[at]
        return self._positions[0] if around and self._positions else None

    def before(self, position: int) -> int | None:
        """The last match before this position; else, going around, the last of all."""
        if not self._positions:
            return None
        return self._positions[bisect_left(self._positions, position) - 1]
