"""The task graph of a run, each box with the mark and the colour of how its task stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from flowtui.run_models import RunState
from flowtui.runs.tasks import NodeState
from flowtui.tui import asking_runs
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.graph import DrawnGraph
from flowtui.tui.looks.graph.drawing import Kind, Run, boxed
from flowtui.tui.looks.graph.model import Node
from flowtui.tui.looks.run_states import RUN_STYLES, kind_mark, state_mark, state_style
from flowtui.tui.view_models.run_watch import RunWatch

_SIDEWAYS = 8
_STYLES = {
    Kind.SPACE: "",
    Kind.TASK: "$muted",
    Kind.PARAMETER: "$secondary",
    Kind.LINE: "$faint",
    Kind.ARROW: "$faint",
    Kind.MAPPED: "bold $warning",
}


class RunGraph(Performs, ScrollView, can_focus=True):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.RUN_GRAPH, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.RUN_GRAPH, Scope.LIST)]

    class ErrorWanted(Message):
        """The first error in the log is wanted."""

    def __init__(self, watch: RunWatch) -> None:
        super().__init__(id="run-graph")
        self._watch = watch
        self._drawn: DrawnGraph | None = None
        self._states: Mapping[str, NodeState] = {}
        self._words = ""
        """Why there is no graph, in the place of one."""

    def facts(self) -> Facts:
        watch = self._watch
        return replace(app_of(self).facts(), run=watch.run, log_lines=len(watch.log.store))

    def on_mount(self) -> None:
        app_of(self).theme_changed_signal.subscribe(self, lambda _: self.refresh())

    def on_resize(self) -> None:
        self._resize()

    # ------------------------------------------------------------------------------------ drawing

    def show(self) -> None:
        """Only the lines with a task that stands otherwise than before are drawn again."""
        watch, before = self._watch, self._states
        words = self._why_none()
        if watch.drawn is not self._drawn or words != self._words:
            self._drawn, self._states, self._words = watch.drawn, watch.nodes, words
            self._resize()
            self.refresh()
            return
        self._states = watch.nodes
        if self._drawn is None:
            return
        for number, numbers in enumerate(self._nodes_by_row()):
            nodes = (self._drawn.graph.nodes[each] for each in numbers)
            if any(before.get(n.slug) != self._states.get(n.slug) for n in nodes):
                self.refresh_line(number)

    def _why_none(self) -> str:
        watch = self._watch
        if watch.drawn is not None:
            return ""
        if not watch.described:
            return "Reading the graph."
        if watch.serialized is None:
            return "This control plane does not return what is registered: there is no graph."
        if "tasks" not in watch.serialized:
            return (
                "Flows of Prefect 2 and 3 have no graph before they run: their code decides. "
                "The task runs are in the first tab, in the order they started."
            )
        return "Drawing the graph."

    def _nodes_by_row(self) -> list[tuple[int, ...]]:
        drawn = self._drawn
        if drawn is None:
            return []
        if drawn.drawing is None:
            return [(number,) for number in drawn.order]
        return [
            tuple(run.node for run in row if run.node is not None) for row in drawn.drawing.rows
        ]

    def _resize(self) -> None:
        drawn, region = self._drawn, self.scrollable_content_region
        drawing = drawn.drawing if drawn is not None else None
        if drawn is None:
            size = Size(region.width, 1)
        elif drawing is None:
            size = Size(region.width, len(drawn.order))
        else:
            size = Size(max(drawing.width, region.width), len(drawing.rows))
        if size != self.virtual_size:
            self.virtual_size = size

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        width = self.scrollable_content_region.width
        line = self.content_at(scroll_y + y)
        cells = max(line.cell_length, width, 1)
        strips = Visual.to_strips(self, line, cells, 1, self.visual_style, apply_selection=False)
        strip = strips[0] if strips else Strip.blank(width, self.rich_style)
        return strip.crop_extend(scroll_x, scroll_x + width, self.rich_style)

    def content_at(self, number: int) -> Content:
        drawn = self._drawn
        if drawn is None:
            return Content.styled(self._words if number == 0 else "", "$muted")
        if drawn.drawing is None:
            if number >= len(drawn.order):
                return Content("")
            node = drawn.graph.nodes[drawn.order[number]]
            text, style = _box(node, self._states.get(node.slug), app_of(self).glyphs)
            return Content.styled(text, style)
        if number >= len(drawn.drawing.rows):
            return Content("")
        return Content.assemble(*(self._part(run) for run in drawn.drawing.rows[number]))

    def _part(self, run: Run) -> tuple[str, str]:
        drawn = self._drawn
        if run.node is None or drawn is None:
            return run.text, _STYLES[run.kind]
        node = drawn.graph.nodes[run.node]
        text, style = _box(node, self._states.get(node.slug), app_of(self).glyphs)
        return boxed(node, text, Content(run.text).cell_length), style

    # ------------------------------------------------------------------------------------ actions

    def perform_down(self) -> None:
        self.scroll_relative(y=1, animate=False, immediate=True)

    def perform_up(self) -> None:
        self.scroll_relative(y=-1, animate=False, immediate=True)

    def perform_top(self) -> None:
        self.scroll_home(animate=False, immediate=True, x_axis=False)

    def perform_bottom(self) -> None:
        self.scroll_end(animate=False, immediate=True, x_axis=False)

    def perform_page_down(self) -> None:
        self.scroll_page_down(animate=False)

    def perform_page_up(self) -> None:
        self.scroll_page_up(animate=False)

    def perform_scroll_right(self) -> None:
        self.scroll_relative(x=_SIDEWAYS, animate=False, immediate=True)

    def perform_scroll_left(self) -> None:
        self.scroll_relative(x=-_SIDEWAYS, animate=False, immediate=True)

    def perform_copy_run_id(self) -> None:
        asking_runs.copy_id(app_of(self), self._watch.run)

    def perform_first_error(self) -> None:
        self.post_message(self.ErrorWanted())


def _box(node: Node, state: NodeState | None, glyphs: Glyphs) -> tuple[str, str]:
    """What stands in a box, and its style."""
    if state is None:
        return node.label, _STYLES[Kind.PARAMETER if node.parameter else Kind.TASK]
    if not state.total:
        bold = "bold " if state.kind in (RunState.RUNNING, RunState.BAD) else ""
        return f"{state_mark(state.state, glyphs)} {node.label}", bold + state_style(state.state)
    counts = f" {state.over}/{state.total}"
    if len(counts) > node.room - 2:
        counts = f" {state.over * 100 // state.total}%"
    return f"{kind_mark(state.kind, glyphs)} {node.label}{counts}", f"bold {RUN_STYLES[state.kind]}"
