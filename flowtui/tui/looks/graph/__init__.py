"""The tasks of a flow drawn with the characters of a terminal. Knows nothing of widgets."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.models import JsonObject
from flowtui.tui.looks.graph.drawing import Drawing, draw
from flowtui.tui.looks.graph.layers import TooTangled, in_order
from flowtui.tui.looks.graph.model import TaskGraph, task_graph, with_room_for_states

__all__ = ["DrawnGraph", "drawn_graph", "task_graph"]


@dataclass(frozen=True, slots=True)
class DrawnGraph:
    graph: TaskGraph
    drawing: Drawing | None
    """None where it would be too tangled to be read."""
    order: tuple[int, ...]
    """Numbers of the nodes, each after all that it needs."""


def drawn_graph(
    serialized: JsonObject,
    *,
    ascii: bool,  # noqa: A002
    states: bool = False,
) -> DrawnGraph:
    """The graph of a serialized flow, drawn: quick for a hundred tasks, a second for thousands.

    With `states` its boxes have room for how each task stands in a run.
    """
    graph = task_graph(serialized)
    if states:
        graph = with_room_for_states(graph)
    order = tuple(in_order(graph))
    try:
        return DrawnGraph(graph, draw(graph, ascii=ascii), order)
    except TooTangled:
        return DrawnGraph(graph, None, order)
