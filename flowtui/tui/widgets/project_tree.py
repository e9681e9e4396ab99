"""The projects of the control plane, and beneath each its registered flows and versions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias

from rich.text import Text
from textual.binding import BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from flowtui.models import FlowVersion, Project
from flowtui.tui import clock
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope, find
from flowtui.tui.messages import Part
from flowtui.tui.words import ago, plain


@dataclass(frozen=True, slots=True)
class RegisteredFlow:
    """All versions of one flow in one project, newest first."""

    project: Project
    name: str
    versions: tuple[FlowVersion, ...]


@dataclass(frozen=True, slots=True)
class Hint:
    """A line that is not a thing: loading, empty, failed."""

    text: str


_LEAST = 18
"""Cells of the tree in the narrowest layout; before the first layout it has none."""
_INDENT = 5
"""Cells of guides, triangle and scroll bar before and after a flow's name."""

NodeData: TypeAlias = Project | RegisteredFlow | FlowVersion | Hint


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

    def on_mount(self) -> None:
        app = app_of(self)
        if app.glyphs.ascii:
            self.ICON_NODE = "+ "  # pyright: ignore[reportConstantRedefinition]
            self.ICON_NODE_EXPANDED = "- "  # pyright: ignore[reportConstantRedefinition]
        app.session_changed.subscribe(self, self._changed)
        self._fill()

    def _changed(self, part: Part) -> None:
        if part in (Part.PROJECTS, Part.CONNECTION):
            self._fill()

    # ------------------------------------------------------------------------------------ facts

    @property
    def selected(self) -> NodeData | None:
        return self.cursor_node.data if self.cursor_node is not None else None

    @property
    def project(self) -> Project | None:
        """The project that the cursor is on or in."""
        node = self.cursor_node
        while node is not None:
            if isinstance(node.data, Project):
                return node.data
            node = node.parent
        return None

    def facts(self) -> Facts:
        selected = self.selected
        return replace(
            app_of(self).facts(),
            project=self.project,
            version=selected if isinstance(selected, FlowVersion) else None,
        )

    # ---------------------------------------------------------------------------------- content

    def _fill(self) -> None:
        session = app_of(self).session
        self.border_title = (
            f"1 Projects ({len(session.projects)})" if session.projects else "1 Projects"
        )
        hints = self._hints()
        if hints:
            self.clear()
            for text in hints:
                self.root.add_leaf(Text(text, style="italic"), Hint(text))
            self.root.expand()
            return
        opened = {
            node.data.id
            for node in self.root.children
            if isinstance(node.data, Project) and node.is_expanded
        }
        opened_flows = {
            (node.data.project.id, node.data.name)
            for parent in self.root.children
            for node in parent.children
            if isinstance(node.data, RegisteredFlow) and node.is_expanded
        }
        place = self._place(self.cursor_node)
        line = self.cursor_line
        self.clear()
        for project in session.projects or ():
            node = self.root.add(self._project_label(project), project)
            if project.id in opened:
                self._fill_project(node, project, opened_flows)
                node.expand()
        self.root.expand()
        self._restore(place, line)

    def _hints(self) -> tuple[str, ...]:
        session = app_of(self).session
        if session.projects_problem is not None and not session.projects:
            return ("Cannot list projects", plain(session.projects_problem.what), "r  try again")
        if session.connecting:
            return ("connecting",)
        if not session.connected:
            steps = ("5  connection", "r  try again")
            startable = find(Scope.MAIN, "server").why_not(app_of(self).facts()) is None
            return ("Not connected", *(("s  start server",) if startable else ()), *steps)
        if session.projects is None:
            return ("listing",)
        if not session.projects:
            return ("No projects yet", "n  create the first")
        return ()

    def _fill_project(
        self,
        node: TreeNode[NodeData],
        project: Project,
        opened_flows: set[tuple[str, str]],
    ) -> None:
        versions = app_of(self).session.versions.get(project.name)
        if versions is None:
            node.add_leaf(Text("listing", style="italic"), Hint("listing"))
            return
        if not versions:
            node.add_leaf(Text("no flows yet", style="italic"), Hint("no flows yet"))
            return
        now = clock.now()
        for flow in _by_name(project, versions):
            newest = flow.versions[0]
            label, number = Text(plain(flow.name)), f" v{newest.version}"
            if label.cell_len + len(number) <= max(self.size.width, _LEAST) - _INDENT:
                label.append(number, style=self._muted)
            child = node.add(label, flow)
            for version in flow.versions:
                when = ago(version.created, now)
                child.add_leaf(
                    Text.assemble(f"v{version.version}", (f"  {when}", self._muted)), version
                )
            if (project.id, flow.name) in opened_flows:
                child.expand()

    @property
    def _muted(self) -> str:
        return app_of(self).theme_variables.get("muted", "")

    def _project_label(self, project: Project) -> Text:
        return Text.assemble(plain(project.name), (f" {project.flow_count}", self._muted))

    def _place(self, node: TreeNode[NodeData] | None) -> str:
        return "" if node is None or node.data is None else _identity(node.data)

    def _restore(self, place: str, line: int) -> None:
        """The cursor back on the same thing, else on the same line."""

        def put() -> None:
            if not self.is_attached:
                return
            for node in _walk(self.root):
                if node.data is not None and _identity(node.data) == place:
                    self.move_cursor(node)
                    return
            self.cursor_line = max(min(line, self.last_line), 0)

        self.call_after_refresh(put)

    def show_project(self, project_id: str) -> None:
        """Puts the cursor on a project."""
        for node in self.root.children:
            if isinstance(node.data, Project) and node.data.id == project_id:
                self.move_cursor(node)

    def on_tree_node_highlighted(self) -> None:
        self.refresh_bindings()

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[NodeData]) -> None:
        project = event.node.data
        if isinstance(project, Project) and not event.node.children:
            self._fill_project(event.node, project, set())
            app_of(self).projects.list_versions(project)

    # ---------------------------------------------------------------------------------- actions

    def perform_open(self) -> None:
        if self.cursor_node is not None and self.cursor_node.allow_expand:
            self.cursor_node.toggle()

    def perform_down(self) -> None:
        self.action_cursor_down()

    def perform_up(self) -> None:
        self.action_cursor_up()

    def perform_top(self) -> None:
        self.action_scroll_home()

    def perform_bottom(self) -> None:
        self.action_scroll_end()

    def perform_create(self) -> None:
        from flowtui.tui.screens.dialogs import NameDialog

        app = app_of(self)

        def answered(name: str | None) -> None:
            if name:
                app.projects.create(name)

        taken = tuple(project.name for project in app.session.projects or ())
        app.push_screen(NameDialog("New project", "Name", yes="Create", taken=taken), answered)

    def perform_rename(self) -> None:
        from flowtui.tui.screens.dialogs import NameDialog

        app, project = app_of(self), self.project
        if project is None:
            return

        def answered(name: str | None) -> None:
            if name and name != project.name:
                app.projects.rename(project, name)

        taken = tuple(p.name for p in app.session.projects or () if p.id != project.id)
        dialog = NameDialog(
            "Rename project", "New name", value=project.name, yes="Rename", taken=taken
        )
        app.push_screen(dialog, answered)

    def perform_delete(self) -> None:
        from flowtui.tui.screens.dialogs import ConfirmDialog, TypedConfirmDialog
        from flowtui.tui.words import counted

        app, project = app_of(self), self.project
        if project is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                app.projects.delete(project)

        if project.flow_count:
            flows = counted(project.flow_count, "flow")
            text = f"{flows} and all versions of them go with it. This cannot be undone."
            app.push_screen(
                TypedConfirmDialog(f"Delete “{project.name}”?", text, word=project.name), answered
            )
        else:
            text = "It is empty. This cannot be undone."
            app.push_screen(
                ConfirmDialog(f"Delete “{project.name}”?", text, yes="Delete", no="Keep"), answered
            )

    def perform_archive(self) -> None:
        from flowtui.tui.screens.dialogs import ConfirmDialog

        app, version = app_of(self), self.selected
        if not isinstance(version, FlowVersion):
            return

        def answered(yes: bool | None) -> None:
            if yes:
                app.projects.archive(version)

        app.push_screen(
            ConfirmDialog(
                f"Archive version {version.version} of “{version.name}”?",
                "Its schedule stops. It stays on the server but is no longer listed.",
                yes="Archive",
                no="Keep",
            ),
            answered,
        )


def _by_name(project: Project, versions: tuple[FlowVersion, ...]) -> tuple[RegisteredFlow, ...]:
    names: dict[str, list[FlowVersion]] = {}
    for version in versions:
        names.setdefault(version.name, []).append(version)
    return tuple(
        RegisteredFlow(project, name, tuple(sorted(found, key=lambda v: v.version, reverse=True)))
        for name, found in sorted(names.items())
    )


def _identity(data: NodeData) -> str:
    match data:
        case Project():
            return f"project:{data.id}"
        case RegisteredFlow():
            return f"flow:{data.project.id}:{data.name}"
        case FlowVersion():
            return f"version:{data.id}"
        case Hint():
            return "hint"


def _walk(node: TreeNode[NodeData]) -> list[TreeNode[NodeData]]:
    found = list(node.children)
    for child in node.children:
        found.extend(_walk(child))
    return found
