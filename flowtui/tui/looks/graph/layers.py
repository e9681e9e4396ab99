"""Who stands in which row: every task below all that it needs, in an order with few crossings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flowtui.tui.looks.graph.model import Edge, TaskGraph

_SWEEPS = 6
MOST_TASKS = 3_000
MOST_SPOTS = 20_000
"""What is larger or more tangled is not drawn."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a layer: a node, or where a bundle of long edges passes through."""

    node: int | None = None
    bundle: int | None = None


@dataclass(frozen=True, slots=True)
class Net:
    """All of `above` lead to all of `below`, drawn as one line between two layers."""

    above: tuple[Spot, ...]
    below: tuple[Spot, ...]
    mapped: frozenset[Spot] = frozenset()
    """Those of `below` that are mapped over what comes."""


class TooTangled(Exception):  # noqa: N818  (a finding about a graph, not a failure of ours)
    """Drawn, the graph would be too large for anyone to read."""


@dataclass(frozen=True, slots=True)
class Layers:
    spots: tuple[tuple[Spot, ...], ...]
    """From the top, each from the left."""
    nets: tuple[tuple[Net, ...], ...]
    """Between each layer and the next one: one less than there are layers."""


def layers_of(graph: TaskGraph) -> Layers:
    """Longest path layering, bundles of what leads to the same tasks, order by barycenter.

    Raises TooTangled.
    """
    if len(graph.nodes) > MOST_TASKS:
        raise TooTangled
    depth = _depths(graph)
    height = max(depth, default=-1) + 1
    spots: list[list[Spot]] = [[] for _ in range(height)]
    for number in range(len(graph.nodes)):
        spots[depth[number]].append(Spot(node=number))
    nets: list[list[Net]] = [[] for _ in range(max(height - 1, 0))]
    for number, bundle in enumerate(_bundles(graph, depth)):
        _lay(bundle, number, depth, spots, nets)
        if sum(map(len, spots)) > MOST_SPOTS:
            raise TooTangled
    return _ordered(spots, nets)


def in_order(graph: TaskGraph) -> list[int]:
    """Numbers of the nodes, each after all that it needs."""
    depth = _depths(graph)
    return sorted(range(len(graph.nodes)), key=lambda number: depth[number])


def _depths(graph: TaskGraph) -> list[int]:
    """The longest way from a task that needs nothing; parameters stand right above their first."""
    below: dict[int, list[int]] = defaultdict(list)
    waiting = [0] * len(graph.nodes)
    for edge in graph.edges:
        below[edge.upstream].append(edge.downstream)
        waiting[edge.downstream] += 1
    depth = [0] * len(graph.nodes)
    ready = [number for number, count in enumerate(waiting) if not count]
    roots = list(ready)
    while ready:
        following: list[int] = []
        for number in ready:
            for each in below[number]:
                depth[each] = max(depth[each], depth[number] + 1)
                waiting[each] -= 1
                if not waiting[each]:
                    following.append(each)
        ready = following
    for number in roots:
        if below[number]:
            depth[number] = min(depth[each] for each in below[number]) - 1
    return depth


@dataclass(frozen=True, slots=True)
class _Bundle:
    """Tasks of one layer that lead to the same tasks in the same way."""

    sources: tuple[int, ...]
    edges: tuple[Edge, ...]
    """Of the first source; those of the others lead to the same."""


def _bundles(graph: TaskGraph, depth: Sequence[int]) -> list[_Bundle]:
    outgoing: dict[int, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        outgoing[edge.upstream].append(edge)
    same: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for number in range(len(graph.nodes)):
        if outgoing[number]:
            ends = frozenset((edge.downstream, edge.mapped) for edge in outgoing[number])
            same[depth[number], ends].append(number)
    return [_Bundle(tuple(each), tuple(outgoing[each[0]])) for each in same.values()]


def _lay(
    bundle: _Bundle,
    number: int,
    depth: Sequence[int],
    spots: list[list[Spot]],
    nets: list[list[Net]],
) -> None:
    """The nets of a bundle from its layer down to the last of its ends."""
    passing = Spot(bundle=number)
    above = tuple(Spot(node=source) for source in bundle.sources)
    last = max(depth[edge.downstream] for edge in bundle.edges)
    for layer in range(depth[bundle.sources[0]] + 1, last + 1):
        ends = [edge for edge in bundle.edges if depth[edge.downstream] == layer]
        below = [Spot(node=edge.downstream) for edge in ends]
        if layer < last:
            below.append(passing)
            spots[layer].append(passing)
        mapped = frozenset(Spot(node=edge.downstream) for edge in ends if edge.mapped)
        nets[layer - 1].append(Net(above, tuple(below), mapped))
        above = (passing,)


@dataclass(slots=True)
class _Neighbours:
    """Who a spot is joined to in the layer above and in the layer below."""

    above: dict[Spot, list[Spot]] = field(default_factory=dict[Spot, list[Spot]])
    below: dict[Spot, list[Spot]] = field(default_factory=dict[Spot, list[Spot]])


def _ordered(spots: list[list[Spot]], nets: list[list[Net]]) -> Layers:
    around = neighbours(nets, len(spots))
    best = [list(layer) for layer in spots]
    fewest = _crossings(best, nets)
    current = [list(layer) for layer in spots]
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        down = sweep % 2 == 0
        order = range(1, len(current)) if down else range(len(current) - 2, -1, -1)
        for layer in order:
            fixed = current[layer - 1] if down else current[layer + 1]
            joined = around[layer].above if down else around[layer].below
            current[layer] = _by_barycenter(current[layer], fixed, joined)
        count = _crossings(current, nets)
        if count < fewest:
            best, fewest = [list(layer) for layer in current], count
    return Layers(tuple(map(tuple, best)), tuple(map(tuple, nets)))


def neighbours(nets: Sequence[Sequence[Net]], height: int) -> list[_Neighbours]:
    """For each layer, who its spots are joined to."""
    around = [_Neighbours() for _ in range(height)]
    for layer, between in enumerate(nets):
        for net in between:
            for spot in net.above:
                around[layer].below.setdefault(spot, []).extend(net.below)
            for spot in net.below:
                around[layer + 1].above.setdefault(spot, []).extend(net.above)
    return around


def _by_barycenter(
    layer: list[Spot], fixed: Sequence[Spot], joined: Mapping[Spot, list[Spot]]
) -> list[Spot]:
    place = {spot: number for number, spot in enumerate(fixed)}

    def weight(item: tuple[int, Spot]) -> float:
        number, spot = item
        near = joined.get(spot)
        if not near:
            return number * len(fixed) / max(len(layer), 1)
        return sum(place[each] for each in near) / len(near)

    return [spot for _, spot in sorted(enumerate(layer), key=weight)]


def _crossings(layers: Sequence[Sequence[Spot]], nets: Sequence[Sequence[Net]]) -> int:
    """Pairs of lines that cross, counted by nets: their middles above against those below."""
    total = 0
    for layer, between in enumerate(nets):
        above = {spot: number for number, spot in enumerate(layers[layer])}
        below = {spot: number for number, spot in enumerate(layers[layer + 1])}
        lines = sorted(
            (above[a], below[b]) for net in between for a in net.above[:8] for b in net.below[:8]
        )
        total += _inversions([end for _, end in lines])
    return total


def _inversions(values: list[int]) -> int:
    """Pairs out of order, by counting over a tree of sums."""
    size = max(values, default=0) + 1
    sums = [0] * (size + 1)
    found = 0
    for seen, value in enumerate(values):
        smaller_or_equal, place = 0, value + 1
        while place:
            smaller_or_equal += sums[place]
            place -= place & -place
        found += seen - smaller_or_equal
        place = value + 1
        while place <= size:
            sums[place] += 1
            place += place & -place
    return found
