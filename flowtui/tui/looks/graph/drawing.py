"""The graph as lines of characters: boxes in rows, lines between them, bridges where they cross."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len

from flowtui.tui.looks.graph.layers import Net, Spot, layers_of
from flowtui.tui.looks.graph.model import Node, TaskGraph
from flowtui.tui.looks.graph.places import Box, boxes_of
from flowtui.tui.looks.words import shortened

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_ACROSS = 16
"""Another line passes below this one."""
_LINES = {
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _UP | _RIGHT: "└",
    _UP | _LEFT: "┘",
    _DOWN | _RIGHT: "┌",
    _DOWN | _LEFT: "┐",
    _UP | _LEFT | _RIGHT: "┴",
    _DOWN | _LEFT | _RIGHT: "┬",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT: "┤",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}
_ASCII_LINES = {_UP | _DOWN: "|", _LEFT | _RIGHT: "-"}
"""Every other joint is a plus."""


class Kind(StrEnum):
    SPACE = "space"
    TASK = "task"
    PARAMETER = "parameter"
    LINE = "line"
    ARROW = "arrow"
    MAPPED = "mapped"


@dataclass(frozen=True, slots=True)
class Run:
    text: str
    kind: Kind
    node: int | None = None
    """The number of the node whose box this is."""


@dataclass(frozen=True, slots=True)
class Drawing:
    width: int
    """Cells of the widest row."""
    rows: tuple[tuple[Run, ...], ...]

    def __str__(self) -> str:
        return "\n".join("".join(run.text for run in row).rstrip() for row in self.rows)


def draw(graph: TaskGraph, *, ascii: bool = False) -> Drawing:  # noqa: A002
    """The whole graph, the same for the same graph. Raises TooTangled."""
    layers = layers_of(graph)
    boxes = boxes_of(graph, layers)
    rows: list[tuple[Run, ...]] = []
    width = 0
    entries: Mapping[tuple[Net, Spot], int] = {}
    for number, layer in enumerate(boxes):
        rows.append(_row(_boxes_row(graph, layer, entries, ascii=ascii)))
        if number < len(layers.nets):
            nets = layers.nets[number]
            entries = _entries(nets, layer, boxes[number + 1])
            rows.extend(_between(nets, entries, layer, ascii=ascii))
    for row in rows:
        width = max(width, sum(cell_len(run.text) for run in row))
    return Drawing(width, tuple(rows))


@dataclass(frozen=True, slots=True)
class _Piece:
    column: int
    text: str
    kind: Kind
    node: int | None = None


def _boxes_row(
    graph: TaskGraph,
    layer: Mapping[Spot, Box],
    entries: Mapping[tuple[Net, Spot], int],
    *,
    ascii: bool,  # noqa: A002
) -> list[_Piece]:
    coming = {spot: column for (_, spot), column in entries.items() if spot.node is None}
    pieces: list[_Piece] = []
    for spot, box in layer.items():
        if spot.node is None:
            straight = coming[spot] == box.exit
            joint = "+" if ascii else "┌"
            text = ("|" if ascii else "│") if straight else joint + ("+" if ascii else "┘")
            pieces.append(_Piece(box.left, text, Kind.LINE))
            continue
        node = graph.nodes[spot.node]
        kind = Kind.PARAMETER if node.parameter else Kind.TASK
        pieces.append(_Piece(box.left, boxed(node, node.label, box.width), kind, spot.node))
    return pieces


def boxed(node: Node, text: str, width: int) -> str:
    """A text in the middle of a node's box of so many cells."""
    text = shortened(text, width - 2)
    room = width - 2 - cell_len(text)
    inner = " " * (room // 2) + text + " " * (room - room // 2)
    return f"({inner})" if node.parameter else f"[{inner}]"


def _entries(
    nets: Sequence[Net], above: Mapping[Spot, Box], below: Mapping[Spot, Box]
) -> dict[tuple[Net, Spot], int]:
    """The column where each net comes into each place below it."""
    leaving = {box.exit for box in above.values()}
    coming: dict[Spot, list[Net]] = {}
    for net in nets:
        for spot in net.below:
            coming.setdefault(spot, []).append(net)
    found: dict[tuple[Net, Spot], int] = {}
    for spot, each in coming.items():
        box = below[spot]
        aside: list[Net] = []
        for net in each:
            straight = [above[a].exit for a in net.above if above[a].exit in box]
            if straight and (spot.node is not None or box.exit in straight):
                found[net, spot] = min(straight, key=lambda column: abs(column - box.exit))
            else:
                aside.append(net)
        if len(aside) == 1 and len(each) == 1 and box.exit not in leaving:
            found[aside[0], spot] = box.exit
            continue
        aside.sort(key=lambda net: _middle(net, above))
        columns = range(box.left + 1, box.left + box.width, 2)
        first = min(max(len(columns) // 2 - len(aside) // 2, 0), len(columns) - len(aside))
        for net, column in zip(aside, columns[first:], strict=False):
            found[net, spot] = column
    return found


def _middle(net: Net, above: Mapping[Spot, Box]) -> float:
    return sum(above[spot].exit for spot in net.above) / len(net.above)


@dataclass(frozen=True, slots=True)
class _Wire:
    """One net between two rows, by columns."""

    tops: frozenset[int]
    bottoms: frozenset[int]
    first: int
    last: int

    @property
    def straight(self) -> bool:
        return self.first == self.last


def _between(
    nets: Sequence[Net],
    entries: Mapping[tuple[Net, Spot], int],
    above: Mapping[Spot, Box],
    *,
    ascii: bool,  # noqa: A002
) -> list[tuple[Run, ...]]:
    """The rows between two layers: one for each track, then the arrows."""
    wires: list[_Wire] = []
    arrows: dict[int, Kind] = {}
    for net in nets:
        tops = frozenset(above[spot].exit for spot in net.above)
        bottoms = frozenset(entries[net, spot] for spot in net.below)
        columns = tops | bottoms
        wires.append(_Wire(tops, bottoms, min(columns), max(columns)))
        for spot in net.below:
            kind = Kind.MAPPED if spot in net.mapped else Kind.ARROW
            arrows[entries[net, spot]] = Kind.LINE if spot.node is None else kind
    tracks = _tracks(wires)
    height = max(tracks, default=-1) + 1
    cells: list[dict[int, int]] = [{} for _ in range(height)]
    for wire, track in zip(wires, tracks, strict=True):
        _draw_wire(wire, track, cells)
    rows = [_row(_pieces(row, ascii=ascii)) for row in cells]
    heads = {
        Kind.ARROW: "v" if ascii else "▼",
        Kind.MAPPED: "*" if ascii else "⇊",
        Kind.LINE: "|" if ascii else "│",
    }
    rows.append(_row([_Piece(column, heads[kind], kind) for column, kind in arrows.items()]))
    return rows


def _tracks(wires: Sequence[_Wire]) -> list[int]:
    """A track for each wire, -1 for straight ones; wires of one track do not touch."""
    tracks = [-1] * len(wires)
    ends: list[int] = []
    order = sorted(
        (number for number, wire in enumerate(wires) if not wire.straight),
        key=lambda number: (wires[number].first, wires[number].last),
    )
    for number in order:
        wire = wires[number]
        track = next((t for t, end in enumerate(ends) if end + 1 < wire.first), len(ends))
        if track == len(ends):
            ends.append(wire.last)
        else:
            ends[track] = wire.last
        tracks[number] = track
    return tracks


def _draw_wire(wire: _Wire, track: int, cells: Sequence[dict[int, int]]) -> None:
    if wire.straight:
        for row in cells:
            _add(row, wire.first, _UP | _DOWN)
        return
    for column in wire.tops:
        for row in cells[:track]:
            _add(row, column, _UP | _DOWN)
    for column in wire.bottoms:
        for row in cells[track + 1 :]:
            _add(row, column, _UP | _DOWN)
    row = cells[track]
    for column in range(wire.first, wire.last + 1):
        ways = (_LEFT if column > wire.first else 0) | (_RIGHT if column < wire.last else 0)
        ways |= (_UP if column in wire.tops else 0) | (_DOWN if column in wire.bottoms else 0)
        _add(row, column, ways)


def _add(row: dict[int, int], column: int, ways: int) -> None:
    """Where a line is already this one crosses it: the upright one is drawn, as a bridge."""
    row[column] = _UP | _DOWN | _ACROSS if column in row else ways


def _pieces(row: Mapping[int, int], *, ascii: bool) -> list[_Piece]:  # noqa: A002
    def glyph(ways: int) -> str:
        ways &= ~_ACROSS
        return _ASCII_LINES.get(ways, "+") if ascii else _LINES[ways]

    return [_Piece(column, glyph(ways), Kind.LINE) for column, ways in row.items()]


def _row(pieces: Iterable[_Piece]) -> tuple[Run, ...]:
    """Pieces put beside each other, those of one kind as one run."""
    runs: list[tuple[list[str], Kind, int | None]] = []
    at = 0
    for piece in sorted(pieces, key=lambda piece: piece.column):
        if piece.column > at:
            runs.append(([" " * (piece.column - at)], Kind.SPACE, None))
        if runs and runs[-1][1:] == (piece.kind, piece.node):
            runs[-1][0].append(piece.text)
        else:
            runs.append(([piece.text], piece.kind, piece.node))
        at = piece.column + cell_len(piece.text)
    return tuple(Run("".join(texts), kind, node) for texts, kind, node in runs)
