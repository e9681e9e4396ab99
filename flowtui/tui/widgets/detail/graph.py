"""The tasks of a flow as a graph: what runs after what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, overload

from textual.content import Content

from flowtui.flow_rows import FlowRow
from flowtui.quantities import counted
from flowtui.tui.looks.laying import hanging
from flowtui.tui.widgets.detail.known import plan_first, serialization
from flowtui.tui.widgets.detail.page import Page

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.looks.graph.drawing import Drawing, Kind
    from flowtui.tui.looks.graph.model import TaskGraph


_NO_GRAPH = (
    "Prefect 2 and 3 find out which tasks a flow has while it runs: before that there is nothing "
    "to draw. Each of its runs shows its tasks, in the tab Runs."
)


@cache
def _styles() -> Mapping[Kind, str]:
    from flowtui.tui.looks.graph.drawing import Kind

    return {
        Kind.SPACE: "",
        Kind.TASK: "bold $foreground",
        Kind.PARAMETER: "$secondary",
        Kind.LINE: "$muted",
        Kind.ARROW: "$muted",
        Kind.MAPPED: "bold $warning",
    }


class GraphTab:
    id = "graph"
    title = "Graph"

    def wanted(self, app: FlowtuiApp, row: FlowRow) -> None:
        app.details.describe(row.version)

    def page(self, app: FlowtuiApp, row: FlowRow, width: int) -> Page:
        if row.is_deployment:
            return Page.of(hanging(Content(""), Content.styled(_NO_GRAPH, "$muted"), width))
        known = serialization(app.session, row)
        if known is None:
            key = app.keymap.key("flows.deploy")
            words = plan_first(app.session, row, key, "its graph is drawn from the plan")
            return Page.of(hanging(Content(""), Content.styled(words, "$muted"), width))
        drawn = app.details.drawn(known)
        if drawn is None:
            return Page.of(Content.styled("Drawing the graph.", "$muted"))
        head = _head(drawn.graph, known.origin, mark="*" if app.glyphs.ascii else "⇊")
        if drawn.drawing is None:
            return _listed(drawn.graph, drawn.order, head, width)
        return Page(_Lines(head, drawn.drawing), max(drawn.drawing.width, head.cell_length))


def _head(graph: TaskGraph, origin: str, *, mark: str) -> Content:
    mapped = any(edge.mapped for edge in graph.edges)
    parts: list[str | tuple[str, str]] = [(counted(graph.tasks, "task"), "bold")]
    if graph.parameters:
        parts += [", ", (f"({counted(graph.parameters, 'parameter')})", "$secondary")]
    if mapped:
        parts += [", ", (f"{mark} mapped", "$warning")]
    if graph.left_out:
        parts.append((f", {counted(graph.left_out, 'edge')} cannot be drawn", "$warning"))
    parts.append((f"  {origin}", "$muted"))
    return Content.assemble(*parts)


def _listed(graph: TaskGraph, order: Sequence[int], head: Content, width: int) -> Page:
    """What is too tangled for lines: the names, each after all that it needs."""
    why = f"{counted(len(graph.edges), 'edge')} are too many to draw. In the order they can run:"
    lines = [head, *hanging(Content(""), Content.styled(why, "$muted"), width).split("\n")]
    return Page((*lines, *(Content(graph.nodes[number].label) for number in order)))


class _Lines(Sequence[Content]):
    """The rows of a drawing, made when they come into view."""

    def __init__(self, head: Content, drawing: Drawing) -> None:
        self._head, self._drawing = head, drawing

    def __len__(self) -> int:
        return len(self._drawing.rows) + 1

    @overload
    def __getitem__(self, number: int) -> Content: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Content]: ...
    def __getitem__(self, number: int | slice) -> Content | Sequence[Content]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        if number == 0:
            return self._head
        styles, runs = _styles(), self._drawing.rows[number - 1]
        return Content.assemble(*((run.text, styles[run.kind]) for run in runs))

    def same_as(self, other: Sequence[Content]) -> bool:
        return (
            isinstance(other, _Lines)
            and other._drawing is self._drawing
            and other._head.is_same(self._head)
        )
