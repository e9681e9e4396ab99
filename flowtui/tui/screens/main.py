"""The screen to live in: projects, flows, details."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.words import plain
from flowtui.tui.messages import Part
from flowtui.tui.widgets.detail import DetailPane
from flowtui.tui.widgets.flows import FlowTable
from flowtui.tui.widgets.hot_strip import HotStrip
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.project_tree import ProjectTree
from flowtui.tui.widgets.status_line import StatusLine

PANES = ("projects", "flows", "details")
_FOLDED = "folded"
"""What the folded panes are remembered by."""


class FilterField(Input):
    """The line below the flows; Escape shows all rows again, Enter keeps the filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "clear filter"),
        Binding("down", "submit", "to the rows"),
    ]

    class Left(Message):
        pass

    def __init__(self) -> None:
        super().__init__(placeholder="state, name, file or project", id="filter")

    def action_leave(self) -> None:
        self.post_message(self.Left())


class MainScreen(Performs, Screen[None]):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.MAIN,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.MAIN)]
    AUTO_FOCUS = "#flows"

    def __init__(self) -> None:
        super().__init__()
        self._title = Content("")
        self._alone: str | None = None
        """The pane that has the whole screen."""

    def compose(self) -> ComposeResult:
        yield StatusLine()
        with Horizontal(id="panes"):
            yield ProjectTree()
            with Vertical(id="right"):
                with Vertical(id="flows-box"):
                    yield FlowTable()
                    yield FilterField()
                yield DetailPane()
        yield HotStrip()
        yield KeyBar()

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self._show_title()
        self.query_one(DetailPane).show(None)

    def facts(self) -> Facts:
        return app_of(self).facts()

    def _changed(self, part: Part) -> None:
        if part is Part.ROWS:
            self._show_title()
        elif part is Part.REMEMBERED:
            self._restore_folds()

    def _show_title(self) -> None:
        session = app_of(self).session
        table = self.query_one(FlowTable)
        rows = session.rows or ()
        parts: list[tuple[str, str]] = [(f"2 Flows ({len(rows)})" if rows else "2 Flows", "")]
        selected = table.facts().selected
        if selected:
            parts.append((f"  {selected} selected", "bold $accent"))
        if table.filter_text:
            shown = f"  filter: {plain(table.filter_text)} ({table.row_count})"
            parts.append((shown, "$warning"))
        if session.watch_problem is not None:
            parts.append(("  not watching (!)", "$warning"))
        title = Content.assemble(*parts)
        if not title.is_same(self._title):
            self._title = title
            self.query_one("#flows-box").border_title = title

    @on(FlowTable.TitleChanged)
    def _title_changed(self) -> None:
        field = self.query_one("#filter", Input)
        wanted = self.query_one(FlowTable).filter_text
        if field.value != wanted:
            field.value = wanted
            field.set_class(bool(wanted), "-open")
        self._show_title()

    @on(FlowTable.RowChosen)
    def _row_chosen(self) -> None:
        # Not the message's row: the cursor may have gone on since.
        self.query_one(DetailPane).show(self.query_one(FlowTable).row)

    # ----------------------------------------------------------------------------------- filter

    @on(FlowTable.FilterWanted)
    def _filter_wanted(self) -> None:
        field = self.query_one("#filter", Input)
        field.add_class("-open")
        self.set_focus(field)

    @on(FlowTable.FilterCleared)
    def _filter_cleared(self) -> None:
        field = self.query_one("#filter", Input)
        field.value = ""
        field.remove_class("-open")
        self._show_title()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self.query_one(FlowTable).set_filter(event.value)
        self._show_title()

    @on(Input.Submitted, "#filter")
    def _filter_submitted(self, event: Input.Submitted) -> None:
        if not event.value:
            event.input.remove_class("-open")
        self.set_focus(self.query_one(FlowTable))

    @on(FilterField.Left)
    def _filter_left(self) -> None:
        self.query_one(FlowTable).perform_clear_filter()
        self.set_focus(self.query_one(FlowTable))

    # ---------------------------------------------------------------------------------- actions

    def perform_projects(self) -> None:
        self._go_to("projects")

    def perform_flows(self) -> None:
        self._go_to("flows")

    def perform_details(self) -> None:
        self._go_to("details")

    def _go_to(self, pane: str) -> None:
        """A pane that was folded opens; where one pane has the screen, this one gets it."""
        if self._alone is not None:
            self._show_alone(pane)
        self._fold(pane, folded=False)
        self.set_focus(self.query_one(f"#{pane}"))

    @property
    def _in_front(self) -> str:
        """The pane that hears the keys."""
        focused = self.focused
        inside = focused.ancestors_with_self if focused is not None else ()
        ids = {node.id for node in inside}
        return next((pane for pane in ("projects", "details") if pane in ids), "flows")

    def perform_zoom(self) -> None:
        self._show_alone(None if self._alone is not None else self._in_front)

    def _show_alone(self, pane: str | None) -> None:
        self._alone = pane
        for each in PANES:
            self.set_class(each == pane, f"-only-{each}")

    def perform_fold_projects(self) -> None:
        self._fold("projects", folded=not self.has_class("-fold-projects"))

    def perform_fold_details(self) -> None:
        self._fold("details", folded=not self.has_class("-fold-details"))

    def _fold(self, pane: str, *, folded: bool) -> None:
        if self.has_class(f"-fold-{pane}") == folded:
            return
        self.set_class(folded, f"-fold-{pane}")
        if folded and self._in_front == pane:
            self.set_focus(self.query_one(FlowTable))
        hidden = [each for each in PANES if self.has_class(f"-fold-{each}")]
        app_of(self).remembering.put(_FOLDED, " ".join(hidden))

    def _restore_folds(self) -> None:
        hidden = app_of(self).remembering.get(_FOLDED).split()
        for pane in ("projects", "details"):
            self._fold(pane, folded=pane in hidden)

    def perform_next_tab(self) -> None:
        self.query_one(DetailPane).perform_next_tab()

    def perform_previous_tab(self) -> None:
        self.query_one(DetailPane).perform_previous_tab()

    def perform_deploys(self) -> None:
        from flowtui.tui.screens.deploys import DeploysScreen

        app_of(self).push_screen(DeploysScreen())

    def perform_runs(self) -> None:
        from flowtui.tui.screens.flow_runs import FlowRunsScreen

        app_of(self).push_screen(FlowRunsScreen())

    def perform_connection(self) -> None:
        from flowtui.tui.screens.connection import ConnectionScreen

        app_of(self).push_screen(ConnectionScreen())

    def perform_doctor(self) -> None:
        from flowtui.tui.screens.doctor import DoctorScreen

        app_of(self).push_screen(DoctorScreen())

    def perform_agents(self) -> None:
        from flowtui.tui.screens.agents import AgentsScreen

        app_of(self).push_screen(AgentsScreen())

    def perform_start_agent(self) -> None:
        from flowtui.tui.asking_agents import start_agent

        start_agent(app_of(self))

    def perform_refresh(self) -> None:
        app = app_of(self)
        app.folder.look()
        if app.session.connected:
            app.projects.list()
            app.pools.list()
            app.registered.look_at_last_runs(anew=True)
        else:
            app.connecting.connect()
        app.reaching.look()

    def perform_server(self) -> None:
        app_of(self).serving.start()
