"""Where in its row each place stands: near what it is joined to, nothing above anything else.

Lines leave a box downwards at its one even column and come in from above at odd ones, or where no
other line leaves. So two lines never need the same column between two rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from flowtui.tui.looks.graph.layers import Layers, Spot, neighbours
from flowtui.tui.looks.graph.model import TaskGraph

_ROUNDS = 5
_GAP = 2
_PASSING = 2
"""Cells of a place where lines only pass."""
_STRAIGHT = 4.0
"""How much more it matters that a long line is straight than that a box is in the middle."""


@dataclass(frozen=True, slots=True)
class Box:
    left: int
    width: int

    @property
    def exit(self) -> int:
        """The column where lines leave it: even, in the middle."""
        return self.left + (self.width // 2 & ~1)

    def __contains__(self, column: int) -> bool:
        return self.left <= column < self.left + self.width


def boxes_of(graph: TaskGraph, layers: Layers) -> list[dict[Spot, Box]]:
    """For each layer its places and their boxes, from the left."""
    around = neighbours(layers.nets, len(layers.spots))
    coming: list[dict[Spot, int]] = [{} for _ in layers.spots]
    for number, between in enumerate(layers.nets, start=1):
        for net in between:
            for spot in net.below:
                coming[number][spot] = coming[number].get(spot, 0) + 1
    widths = [
        [_width(graph, spot, count.get(spot, 0)) for spot in layer]
        for layer, count in zip(layers.spots, coming, strict=True)
    ]
    lefts = [_packed(row) for row in widths]
    exits = [_exits(layers.spots[n], lefts[n], widths[n]) for n in range(len(widths))]
    downwards = list(range(len(widths)))
    for number in range(_ROUNDS):
        for layer in downwards if number % 2 == 0 else reversed(downwards):
            if number % 2 == 0:
                near, known = around[layer].above, exits[layer - 1] if layer else {}
            else:
                near = around[layer].below
                known = exits[layer + 1] if layer + 1 < len(widths) else {}
            wanted = _wanted(layers.spots[layer], lefts[layer], widths[layer], near, known)
            lefts[layer] = _spread(wanted, widths[layer])
            exits[layer] = _exits(layers.spots[layer], lefts[layer], widths[layer])
    even: list[list[int]] = [_even(row, width) for row, width in zip(lefts, widths, strict=True)]
    for number, layer in enumerate(layers.spots):
        if number:
            above = _exits(layers.spots[number - 1], even[number - 1], widths[number - 1])
            _straighten(layer, even[number], widths[number], around[number].above, above)
    start = min((row[0] for row in even if row), default=0)
    return [
        {
            spot: Box(left - start, width)
            for spot, left, width in zip(layer, even[number], widths[number], strict=True)
        }
        for number, layer in enumerate(layers.spots)
    ]


def _width(graph: TaskGraph, spot: Spot, coming: int) -> int:
    """Room for the name in its brackets, and for every line that comes in."""
    if spot.node is None:
        return _PASSING
    node = graph.nodes[spot.node]
    return max(cell_len(node.label) + node.room + 2, 2 * coming)


def _packed(widths: Sequence[int]) -> list[float]:
    lefts: list[float] = []
    at = 0
    for width in widths:
        lefts.append(at)
        at += width + _GAP
    return lefts


def _exits(
    layer: Sequence[Spot], lefts: Sequence[float], widths: Sequence[int]
) -> dict[Spot, float]:
    return {
        spot: left + (width // 2 & ~1)
        for spot, left, width in zip(layer, lefts, widths, strict=True)
    }


def _wanted(
    layer: Sequence[Spot],
    lefts: Sequence[float],
    widths: Sequence[int],
    near: Mapping[Spot, Sequence[Spot]],
    known: Mapping[Spot, float],
) -> list[tuple[float, float]]:
    """(Where it would like its left side, how much that matters.)"""
    wanted: list[tuple[float, float]] = []
    for spot, left, width in zip(layer, lefts, widths, strict=True):
        joined = [known[each] for each in near.get(spot, ())]
        if not joined:
            wanted.append((left, 0.1))
            continue
        middle = sum(joined) / len(joined)
        weight = _STRAIGHT if spot.node is None else 1.0
        wanted.append((middle - (width // 2 & ~1), weight))
    return wanted


def _spread(wanted: Sequence[tuple[float, float]], widths: Sequence[int]) -> list[float]:
    """The places nearest to the wanted ones that keep order and gaps: pool adjacent violators."""
    before: list[float] = []
    at = 0
    for width in widths:
        before.append(at)
        at += width + _GAP
    blocks: list[tuple[float, float, int]] = []
    for (left, weight), offset in zip(wanted, before, strict=True):
        value, total, count = left - offset, weight, 1
        while blocks and blocks[-1][0] > value:
            last, last_total, last_count = blocks.pop()
            value = (value * total + last * last_total) / (total + last_total)
            total, count = total + last_total, count + last_count
        blocks.append((value, total, count))
    values = [value for value, _, count in blocks for _ in range(count)]
    return [value + offset for value, offset in zip(values, before, strict=True)]


def _even(lefts: Sequence[float], widths: Sequence[int]) -> list[int]:
    """On even columns, never closer than the gap."""
    found: list[int] = []
    free: int | None = None
    for left, width in zip(lefts, widths, strict=True):
        place = round(left / 2) * 2
        if free is not None:
            place = max(place, free + free % 2)
        found.append(place)
        free = place + width + _gap(width)
    return found


def _straighten(
    layer: Sequence[Spot],
    lefts: list[int],
    widths: Sequence[int],
    near: Mapping[Spot, Sequence[Spot]],
    above: Mapping[Spot, float],
) -> None:
    """Right below the only place it is joined to, as far as there is room beside it."""
    for number, spot in enumerate(layer):
        joined = near.get(spot, ())
        if len(joined) != 1:
            continue
        wanted = int(above[joined[0]]) - (widths[number] // 2 & ~1)
        if number:
            free = lefts[number - 1] + widths[number - 1] + _gap(widths[number - 1])
            wanted = max(wanted, free + free % 2)
        if number + 1 < len(layer):
            last = lefts[number + 1] - widths[number] - _gap(widths[number])
            wanted = min(wanted, last - last % 2)
        lefts[number] = wanted


def _gap(width: int) -> int:
    """Lines that pass may stand closer than boxes."""
    return _GAP if width != _PASSING else 1
