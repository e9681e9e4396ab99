"""The projects of the control plane, and beneath each its registered flows and their versions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, TypeAlias

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from flowtui.models import FlowVersion, Project, Schedule
from flowtui.quantities import ago
from flowtui.tui import asking, asking_runs, clock
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope, find
from flowtui.tui.looks.colours import colour_style
from flowtui.tui.looks.words import plain, shortened
from flowtui.tui.messages import Part
from flowtui.tui.view_models.registered import RegisteredFlow, flows_of, schedule_mark
from flowtui.tui.widgets.filling import Filler, Item


@dataclass(frozen=True, slots=True)
class Hint:
    """A line that is not a thing: loading, empty, failed."""

    text: str


_LEAST = 18
"""Cells of the tree in the narrowest layout; before the first layout it has none."""
_INDENT = 5
"""Cells of guides, triangle and scroll bar before and after a flow's name."""
_ROOM = 250
"""Nodes that are added before keys are heard again: some milliseconds."""

NodeData: TypeAlias = Project | RegisteredFlow | FlowVersion | Hint
Node: TypeAlias = TreeNode[NodeData]


@dataclass(frozen=True, slots=True)
class _Listed:
    """The flows of a project as they were made into items, and what they were made from."""

    project: Project
    versions: tuple[FlowVersion, ...]
    width: int
    items: tuple[Item[NodeData], ...]


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
        self._listed: dict[str, _Listed] = {}
        """By the project's id."""
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
        if part in (Part.PROJECTS, Part.VERSIONS, Part.CONNECTION):
            self._fill()

    def _repaint(self) -> None:
        """Labels carry colours of the theme."""
        self._listed.clear()
        self._fill()

    # ------------------------------------------------------------------------------------ facts

    @property
    def selected(self) -> NodeData | None:
        return self.cursor_node.data if self.cursor_node is not None else None

    @property
    def project(self) -> Project | None:
        """The project that the cursor is on or in."""
        return next((data for data in self._around() if isinstance(data, Project)), None)

    @property
    def flow(self) -> RegisteredFlow | None:
        """The registered flow that the cursor is on or in."""
        return next((data for data in self._around() if isinstance(data, RegisteredFlow)), None)

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
            version=self.version,
            in_use=flow.in_use if flow is not None else None,
        )

    # ---------------------------------------------------------------------------------- content

    def _fill(self) -> None:
        """Show what the session knows, by the fewest changes; the rest of a long list comes once
        keys were heard."""
        if not self.is_attached:
            return
        session = app_of(self).session
        count = f" ({len(session.projects)})" if session.projects else ""
        title = f"1 Projects{count}"
        if title != self.border_title:
            self.border_title = title
        before, line = self.cursor_node, self.cursor_line
        place = "" if before is None or before.data is None else _identity(before.data)
        filler = Filler[NodeData](_identity, _ROOM)
        hints = self._hints()
        filler.fill(self.root, [_hint(text) for text in hints] if hints else self._projects())
        for node in self.root.children:
            if isinstance(node.data, Project) and node.is_expanded:
                self._fill_project(filler, node, node.data)
        if filler.moved:
            self._restore(place, line)
        self._tell()
        if not filler.complete:
            self.call_after_refresh(self._fill)

    def _hints(self) -> tuple[str, ...]:
        app = app_of(self)
        session, keymap = app.session, app.keymap
        again = f"{keymap.key('main.refresh')}  try again"
        if session.projects_problem is not None and not session.projects:
            return ("Cannot list projects", plain(session.projects_problem.what), again)
        if session.connecting and session.projects is None:
            return ("connecting",)
        if not session.connected and not session.connecting:
            steps = (f"{keymap.key('main.connection')}  connection", again)
            startable = find(Scope.MAIN, "server").why_not(app.facts()) is None
            start = f"{keymap.key('main.server')}  start server"
            return ("Not connected", *((start,) if startable else ()), *steps)
        if session.projects is None:
            return ("listing",)
        if not session.projects:
            return ("No projects yet", f"{keymap.key('projects.create')}  create the first")
        return ()

    def _projects(self) -> list[Item[NodeData]]:
        muted = colour_style(self, "muted")

        def label(project: Project) -> Text:
            return Text.assemble(plain(project.name), (f" {project.flow_count}", muted))

        return [
            Item(project, partial(label, project), opens=True)
            for project in app_of(self).session.projects or ()
        ]

    def _fill_project(self, filler: Filler[NodeData], node: Node, project: Project) -> None:
        versions = app_of(self).session.versions.get(project.name)
        if versions is None:
            filler.fill(node, [_hint("listing")])
            return
        if not versions:
            filler.fill(node, [_hint("no flows yet")])
            return
        filler.fill(node, self._flows(project, versions))
        for child in node.children:
            if child.is_expanded and isinstance(child.data, RegisteredFlow):
                filler.fill(child, self._versions(child.data))

    def _flows(
        self, project: Project, versions: tuple[FlowVersion, ...]
    ) -> tuple[Item[NodeData], ...]:
        listed = self._listed.get(project.id)
        known = (project, versions, self.size.width)
        if listed is None or (listed.project, listed.versions, listed.width) != known:
            label = partial(self._flow_label, colour_style(self, "muted"))
            items: tuple[Item[NodeData], ...] = tuple(
                Item(flow, partial(label, flow), opens=True) for flow in flows_of(project, versions)
            )
            listed = self._listed[project.id] = _Listed(*known, items)
        return listed.items

    def _flow_label(self, muted: Style, flow: RegisteredFlow) -> Text:
        """Its name, whether it is scheduled, and where there is room the number of its version."""
        mark = schedule_mark(flow.in_use.schedule, app_of(self).glyphs)
        name = Text(plain(flow.name))
        scheduled, number = f" {mark}" if mark else "", f" {plain(flow.in_use.short)}"
        room = max(self.size.width, _LEAST) - _INDENT
        if name.cell_len + len(scheduled) + len(number) > room:
            number = ""
        return Text.assemble(name, (scheduled, muted), (number, muted))

    def _versions(self, flow: RegisteredFlow) -> list[Item[NodeData]]:
        session, glyphs = app_of(self).session, app_of(self).glyphs
        muted, now = colour_style(self, "muted"), clock.now()

        def label(version: FlowVersion) -> Text:
            mark = glyphs.skipped if version.archived else glyphs.done
            when = f"  {ago(version.created, now)}"
            return Text.assemble((f"{mark} ", muted), plain(version.short), (when, muted))

        versions = session.all_versions.get(flow.place, flow.versions)
        return [Item(version, partial(label, version), ages=True) for version in versions]

    def get_label_width(self, node: Node) -> int:
        """As long as `render_label` makes it, without making it: there may be thousands."""
        label = node.label
        length = label.cell_len if isinstance(label, Text) else len(label)
        return length + (len(self.ICON_NODE) if node.allow_expand else 0)

    def _restore(self, place: str, line: int) -> None:
        """The cursor back on the same thing, else on the same line."""
        last = self.last_line  # builds the lines: until then nodes do not know theirs
        if last < 0:
            return
        if not place:
            self.cursor_line = 0  # else keys are heard by nothing until the first move
            return
        node = next((n for n in _walk(self.root) if n.data and _identity(n.data) == place), None)
        if node is not None and node is self.cursor_node:
            return
        if node is not None:
            self.move_cursor(node)
        else:
            self.move_cursor_to_line(max(min(line, last), 0))

    def show_project(self, project_id: str) -> None:
        """Puts the cursor on a project."""
        for node in self.root.children:
            if isinstance(node.data, Project) and node.data.id == project_id:
                self.move_cursor(node)

    def _tell(self) -> None:
        """What there is to say of the thing under the cursor, at the foot of the pane."""
        words = ""
        match self.selected:
            case Project(description=description):
                words = description
            case RegisteredFlow(in_use=version):
                mark = schedule_mark(version.schedule, app_of(self).glyphs)
                # Short enough for the narrowest tree.
                words = {
                    Schedule.ACTIVE: f"{mark} scheduled",
                    Schedule.PAUSED: f"{mark} schedule off",
                }.get(version.schedule, "")
            case FlowVersion(archived=archived):
                flow = self.flow
                in_use = flow is not None and flow.in_use.id == getattr(self.selected, "id", "")
                words = "archived" if archived else "in use" if in_use else "not archived"
            case _:
                pass
        told = shortened(plain(words), max(self.size.width - 3, 0))
        if told != self._told:
            self._told = told
            self.border_subtitle = Content(told)

    def on_tree_node_highlighted(self) -> None:
        self._tell()
        self.refresh_bindings()

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[NodeData]) -> None:
        opened = event.node.data
        if isinstance(opened, Project | RegisteredFlow):
            self._fill()
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

    def perform_archive(self) -> None:
        if self.version is not None:
            asking.archive_version(app_of(self), self.version)
        elif self.flow is not None:
            asking.archive_flow(app_of(self), self.flow)

    def perform_roll_back(self) -> None:
        if self.version is not None:
            in_use = self.flow.in_use if self.flow is not None else None
            asking.roll_back(app_of(self), self.version, in_use)


def _hint(text: str) -> Item[NodeData]:
    return Item(Hint(text), lambda: Text(text, style="italic"))


def _identity(data: NodeData) -> str:
    match data:
        case Project():
            return f"project:{data.id}"
        case RegisteredFlow():
            return f"flow:{data.project.id}:{data.name}"
        case FlowVersion():
            return f"version:{data.id}"
        case Hint():
            return f"hint:{data.text}"


def _walk(node: Node) -> list[Node]:
    found = list(node.children)
    for child in node.children:
        found.extend(_walk(child))
    return found
