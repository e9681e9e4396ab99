"""The projects of the control plane with their registered flows and their versions; work pools."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Tree

from flowtui.models import FlowVersion, Project
from flowtui.run_models import WorkPool
from flowtui.tui import asking, asking_runs, clock
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.colours import colour_style
from flowtui.tui.looks.words import plain, shortened
from flowtui.tui.messages import Part
from flowtui.tui.view_models.registered import DeployedFlow, RegisteredFlow
from flowtui.tui.widgets.filling import Filler
from flowtui.tui.widgets.project_tree.contents import Contents
from flowtui.tui.widgets.project_tree.labels import Labels, foot
from flowtui.tui.widgets.project_tree.nodes import (
    Heading,
    Hint,
    Node,
    NodeData,
    identity,
    walk,
)

_ROOM = 250
"""Nodes that are added before keys are heard again: some milliseconds."""


class ProjectTree(Performs, Tree[NodeData]):
    ICON_NODE = "▸ "
    ICON_NODE_EXPANDED = "▾ "
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PROJECTS, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.PROJECTS, Scope.LIST)]

    def __init__(self) -> None:
        super().__init__("projects", id="projects")
        self.show_root = False
        self.guide_depth = 2
        self.auto_expand = False
        self._contents = Contents()
        self._width = 0
        self._told = ""

    def on_mount(self) -> None:
        app = app_of(self)
        if app.glyphs.ascii:
            self.ICON_NODE = "+ "  # pyright: ignore[reportConstantRedefinition]
            self.ICON_NODE_EXPANDED = "- "  # pyright: ignore[reportConstantRedefinition]
        app.session_changed.subscribe(self, self._changed)
        app.theme_changed_signal.subscribe(self, lambda _: self._repaint())
        self.root.expand()
        self._fill()

    def on_resize(self) -> None:
        if self.size.width != self._width:
            self._width = self.size.width
            self._fill()

    def _changed(self, part: Part) -> None:
        if part in (Part.PROJECTS, Part.VERSIONS, Part.CONNECTION, Part.WORK_POOLS):
            self._fill()

    def _repaint(self) -> None:
        """Labels carry colours of the theme."""
        self._contents.forget()
        self._fill()

    # ------------------------------------------------------------------------------------ facts

    @property
    def selected(self) -> NodeData | None:
        return self.cursor_node.data if self.cursor_node is not None else None

    @property
    def place(self) -> str:
        """What the cursor is on, the same for the same thing; empty where it is on nothing."""
        return identity(self.selected) if self.selected is not None else ""

    @property
    def project(self) -> Project | None:
        """The project that the cursor is on or in."""
        return next((data for data in self._around() if isinstance(data, Project)), None)

    @property
    def flow(self) -> RegisteredFlow | None:
        """The registered flow, or deployment, that the cursor is on or in."""
        for data in self._around():
            if isinstance(data, RegisteredFlow):
                return data
            if isinstance(data, DeployedFlow) and len(data.deployments) == 1:
                return data.deployments[0]
        return None

    @property
    def pool(self) -> WorkPool | None:
        """The work pool that the cursor is on or in."""
        return next((data for data in self._around() if isinstance(data, WorkPool)), None)

    @property
    def version(self) -> FlowVersion | None:
        """The version that the cursor is on."""
        return self.selected if isinstance(self.selected, FlowVersion) else None

    def _around(self) -> list[NodeData]:
        """What the cursor is on, and what that is in."""
        found: list[NodeData] = []
        node = self.cursor_node
        while node is not None:
            if node.data is not None:
                found.append(node.data)
            node = node.parent
        return found

    def facts(self) -> Facts:
        flow = self.flow
        return replace(
            app_of(self).facts(),
            project=self.project,
            registered=flow,
            several=flow is None and isinstance(self.selected, DeployedFlow),
            version=self.version,
            in_use=flow.in_use if flow is not None else None,
            pool=self.pool,
        )

    # ---------------------------------------------------------------------------------- content

    def _fill(self) -> None:
        """Show what the session knows, by the fewest changes; the rest of a long list comes once
        keys were heard."""
        if not self.is_attached:
            return
        app = app_of(self)
        self._show_title()
        labels = Labels(
            app.glyphs, self.size.width, clock.now(), lambda name: colour_style(self, name)
        )
        before, line = self.cursor_node, self.cursor_line
        filler = Filler[NodeData](identity, _ROOM)
        filler.fill(self.root, self._contents.top(app.session, app.facts, app.keymap, labels))
        for node in self.root.children:
            self._fill_open(filler, node, labels)
        if filler.moved:
            self._restore(before.data if before is not None else None, line)
        self._tell()
        if not filler.complete:
            self.call_after_refresh(self._fill)

    def _show_title(self) -> None:
        projects = [each for each in app_of(self).session.projects or () if each.name]
        count = f" ({len(projects)})" if projects else ""
        title = f"1 Projects{count}"
        if title != self.border_title:
            self.border_title = title

    def _fill_open(self, filler: Filler[NodeData], node: Node, labels: Labels) -> None:
        """What is in a node that shows it."""
        if not node.is_expanded:
            return
        contents, session = self._contents, app_of(self).session
        match node.data:
            case Project() as project:
                filler.fill(node, contents.of_project(session, project, labels))
            case DeployedFlow() as flow:
                filler.fill(node, contents.of_deployed_flow(flow, labels))
            case RegisteredFlow() as flow:
                filler.fill(node, contents.of_flow(session, flow, labels))
            case WorkPool() as pool:
                filler.fill(node, contents.of_pool(pool, labels))
            case _:
                return
        for child in node.children:
            self._fill_open(filler, child, labels)

    def get_label_width(self, node: Node) -> int:
        """As long as `render_label` makes it, without making it: there may be thousands."""
        label = node.label
        length = label.cell_len if isinstance(label, Text) else len(label)
        return length + (len(self.ICON_NODE) if node.allow_expand else 0)

    def _restore(self, before: NodeData | None, line: int) -> None:
        """The cursor back on the same thing, else on the same line."""
        last = self.last_line  # builds the lines: until then nodes do not know theirs
        if last < 0:
            return
        if before is None or (isinstance(before, Hint) and line == 0):
            # Else keys are heard by nothing until the first move; a heading has little use for any.
            first = 1 if isinstance(self.root.children[0].data, Heading) else 0
            self.cursor_line = min(first, last)
            return
        place = identity(before)
        nodes = [] if isinstance(before, Hint) else walk(self.root)
        node = next((n for n in nodes if n.data and identity(n.data) == place), None)
        if node is not None and node is self.cursor_node:
            return
        if node is not None:
            self.move_cursor(node)
        else:
            self.move_cursor_to_line(max(min(line, last), 0))

    def show(self, thing: Project | WorkPool) -> None:
        """Puts the cursor on it."""
        for node in self.root.children:
            if node.data is not None and identity(node.data) == identity(thing):
                self.move_cursor(node)

    def _tell(self) -> None:
        """What there is to say of the thing under the cursor, at the foot of the pane."""
        flow = self.flow
        in_use = flow.in_use if flow is not None else None
        words = foot(self.selected, in_use, app_of(self).glyphs, clock.now())
        told = shortened(plain(words), max(self.size.width - 3, 0))
        if told != self._told:
            self._told = told
            self.border_subtitle = Content(told)

    def on_tree_node_highlighted(self) -> None:
        self._tell()
        self.refresh_bindings()

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[NodeData]) -> None:
        opened = event.node.data
        self._fill()
        if isinstance(opened, Project | RegisteredFlow):
            app_of(self).projects.opened(opened)

    def on_tree_node_collapsed(self, event: Tree.NodeCollapsed[NodeData]) -> None:
        closed = event.node.data
        if isinstance(closed, Project | RegisteredFlow):
            app_of(self).projects.closed(closed)

    # ---------------------------------------------------------------------------------- actions

    def perform_open(self) -> None:
        if self.cursor_node is not None and self.cursor_node.allow_expand:
            self.cursor_node.toggle()

    def perform_down(self) -> None:
        self._go(self.cursor_line + 1)

    def perform_up(self) -> None:
        self._go(self.cursor_line - 1)

    def perform_top(self) -> None:
        self._go(0)

    def perform_bottom(self) -> None:
        self._go(self.last_line)

    def _go(self, line: int) -> None:
        """At once: an animated scroll is a dozen frames where one does."""
        self.cursor_line = max(min(line, self.last_line), 0)
        self.scroll_to_line(self.cursor_line, animate=False)

    def perform_create(self) -> None:
        asking.create_project(app_of(self))

    def perform_rename(self) -> None:
        if self.project is not None:
            asking.rename_project(app_of(self), self.project)

    def perform_describe(self) -> None:
        if self.project is not None:
            asking.describe_project(app_of(self), self.project)

    def perform_delete(self) -> None:
        if self.project is not None:
            asking.delete_project(app_of(self), self.project)

    def perform_run(self) -> None:
        if self.flow is not None:
            asking_runs.new_run(app_of(self), asking_runs.target_of(self.flow.in_use))

    def perform_move(self) -> None:
        if self.flow is not None:
            asking.move_flow(app_of(self), self.flow)

    def perform_schedule(self) -> None:
        if self.flow is not None:
            asking.switch_schedule(app_of(self), self.flow)

    def perform_delete_version(self) -> None:
        if self.flow is not None:
            asking.delete_deployment(app_of(self), self.flow.in_use)

    def perform_create_pool(self) -> None:
        app_of(self).pools.choose_type()

    def perform_pause_pool(self) -> None:
        if self.pool is not None:
            app_of(self).pools.pause(self.pool, paused=not self.pool.paused)

    def perform_archive(self) -> None:
        if self.version is not None:
            asking.archive_version(app_of(self), self.version)
        elif self.flow is not None:
            asking.archive_flow(app_of(self), self.flow)

    def perform_roll_back(self) -> None:
        if self.version is not None:
            asking.roll_back(app_of(self), self.version)
