"""The tasks of a flow and what each needs, from the flow's serialization."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from flowtui.models import Json, JsonObject
from flowtui.tui.looks.words import plain, shortened

_LONGEST = 30
"""Cells of a name; longer ones are cut."""


@dataclass(frozen=True, slots=True)
class Node:
    label: str
    """As it is drawn, unique in its graph."""
    parameter: bool = False
    slug: str = ""
    """What its task runs are known by; empty where the serialization does not tell."""
    room: int = 0
    """Cells kept free in its box, for how it stands in a run."""


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to another that waits for it, by their numbers in the graph."""

    upstream: int
    downstream: int
    mapped: bool = False


@dataclass(frozen=True, slots=True)
class TaskGraph:
    nodes: tuple[Node, ...]
    """In the order of the serialization."""
    edges: tuple[Edge, ...]
    """Each pair of nodes once; no cycles."""
    left_out: int = 0
    """Edges that cannot be drawn: to tasks that are not there, or closing a circle."""

    @property
    def tasks(self) -> int:
        return sum(not node.parameter for node in self.nodes)

    @property
    def parameters(self) -> int:
        return len(self.nodes) - self.tasks


def task_graph(serialized: JsonObject) -> TaskGraph:
    """Reads the serialization of any Prefect from 0.6 to 1.4; what is not there is left out."""
    tasks = _objects(serialized.get("tasks"))
    parameters = {str(each.get("name")) for each in _objects(serialized.get("parameters"))}
    slugs = {str(task.get("slug", f"\0{n}")): n for n, task in enumerate(tasks)}
    labels = _labels(tasks)
    nodes = tuple(
        Node(label, _is_parameter(task, parameters), str(task.get("slug") or ""))
        for task, label in zip(tasks, labels, strict=True)
    )
    wanted = _objects(serialized.get("edges"))
    found: dict[tuple[int, int], bool] = {}
    missing = 0
    for edge in wanted:
        upstream = slugs.get(_slug(edge.get("upstream_task")))
        downstream = slugs.get(_slug(edge.get("downstream_task")))
        if upstream is None or downstream is None:
            missing += 1
            continue
        pair = (upstream, downstream)
        found[pair] = found.get(pair, False) or bool(edge.get("mapped"))
    edges = [Edge(*pair, mapped) for pair, mapped in found.items()]
    kept = without_circles(len(nodes), edges)
    return TaskGraph(nodes, kept, missing + len(edges) - len(kept))


_MARK, _COUNTS = 2, 10
"""Cells of a mark and a space; of a space and ` 1000/1000`."""


def with_room_for_states(graph: TaskGraph) -> TaskGraph:
    """The same graph with boxes that have room for a mark, and for counts where tasks are mapped:
    what comes in later moves nothing."""
    mapped = {edge.downstream for edge in graph.edges if edge.mapped}
    nodes = tuple(
        replace(node, room=_MARK + _COUNTS * (number in mapped))
        for number, node in enumerate(graph.nodes)
    )
    return replace(graph, nodes=nodes)


def without_circles(nodes: int, edges: Sequence[Edge]) -> tuple[Edge, ...]:
    """The edges in their order, without those that lead back to where a path came from."""
    below: list[list[Edge]] = [[] for _ in range(nodes)]
    for edge in edges:
        below[edge.upstream].append(edge)
    unseen, open_, done = 0, 1, 2
    state = [unseen] * nodes
    back: set[Edge] = set()
    for start in range(nodes):
        if state[start] != unseen:
            continue
        state[start] = open_
        stack = [(start, iter(below[start]))]
        while stack:
            node, rest = stack[-1]
            edge = next(rest, None)
            if edge is None:
                state[node] = done
                stack.pop()
            elif state[edge.downstream] == open_:
                back.add(edge)
            elif state[edge.downstream] == unseen:
                state[edge.downstream] = open_
                stack.append((edge.downstream, iter(below[edge.downstream])))
    return tuple(edge for edge in edges if edge not in back)


def _labels(tasks: Sequence[JsonObject]) -> list[str]:
    """Names, cut; the same name of several tasks gets a number each."""
    names = [shortened(plain(str(task.get("name") or "task")), _LONGEST) for task in tasks]
    total, seen = Counter(names), Counter[str]()
    labels: list[str] = []
    for name in names:
        seen[name] += 1
        labels.append(name if total[name] == 1 else f"{name} #{seen[name]}")
    return labels


def _is_parameter(task: JsonObject, parameters: set[str]) -> bool:
    kind = str(task.get("type") or "")
    return kind.endswith("Parameter") and str(task.get("name")) in parameters


def _slug(end: Json) -> str:
    return str(end.get("slug")) if isinstance(end, Mapping) else ""


def _objects(value: Json) -> list[JsonObject]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [cast("dict[str, Any]", item) for item in value if isinstance(item, Mapping)]
