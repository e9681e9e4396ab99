"""The pane that shows one tab at a time, as lines that are drawn only where they are in view."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.events import Click
from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from flowtui.deploy.change import Changes
from flowtui.flow_rows import FlowRow
from flowtui.models import FlowVersion, Problem
from flowtui.run_models import FlowRun
from flowtui.tui import asking, asking_runs
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.messages import Part
from flowtui.tui.screens.jump import Spot
from flowtui.tui.view_models.places import Place, place_of
from flowtui.tui.widgets.detail.changes import ChangesTab
from flowtui.tui.widgets.detail.graph import GraphTab
from flowtui.tui.widgets.detail.overview import OverviewTab, no_flow
from flowtui.tui.widgets.detail.page import EMPTY, Page
from flowtui.tui.widgets.detail.problems import ProblemsTab
from flowtui.tui.widgets.detail.runs import RunsTab
from flowtui.tui.widgets.detail.source import SourceTab
from flowtui.tui.widgets.detail.tab import Tab, tab_at, tab_line
from flowtui.tui.widgets.detail.versions import VersionsTab

_SIDEWAYS = 8
"""Cells of one step to the side."""
_CORNERS = 6
"""Cells of a border's top that a title cannot have."""
REMEMBERED = "tab"


class DetailPane(Performs, ScrollView, can_focus=True):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.DETAILS, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.DETAILS, Scope.LIST)]

    def __init__(self) -> None:
        super().__init__(id="details")
        self.tabs: tuple[Tab, ...] = (
            OverviewTab(),
            GraphTab(),
            ChangesTab(),
            VersionsTab(),
            RunsTab(),
            ProblemsTab(),
            SourceTab(),
        )
        self._tab = 0
        self._row: FlowRow | None = None
        self._page = EMPTY
        self._tab_line = Content("")
        self._cursor: int | None = None
        """The line that the cursor is on, None where the page has none."""
        self._wanted: object | None = None
        """What the cursor is to stand on, until that has been read."""
        self._asked: tuple[object, ...] | None = None
        """What was asked for last: by row and tab."""

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        app_of(self).theme_changed_signal.subscribe(self, lambda _: self._paint())

    def on_resize(self) -> None:
        self._show_tabs()
        self._paint()

    def _changed(self, part: Part) -> None:
        if part in (Part.PROGRESS, Part.WORK):
            return
        if part is Part.ROWS:
            self._ask()
        if part is Part.REMEMBERED:
            self.open_tab(app_of(self).remembering.get(REMEMBERED))
            return
        self._paint()

    # ------------------------------------------------------------------------------------ facts

    @property
    def tab(self) -> Tab:
        """The tab that is shown."""
        return self.tabs[self._tab]

    @property
    def text_width(self) -> int:
        """Cells that a line of the text has; one is kept free for the scroll bar."""
        return max(self.scrollable_content_region.width - 1, 20)

    @property
    def chosen(self) -> object | None:
        """What the cursor stands on, on a page that has one."""
        return None if self._cursor is None else self._page.choices.get(self._cursor)

    def facts(self) -> Facts:
        chosen, place = self.chosen, self._place()
        return replace(
            app_of(self).facts(),
            row=self._row,
            version=chosen if isinstance(chosen, FlowVersion) else None,
            run=self.run,
            in_use=self._row.version if self._row is not None else None,
            compared=self._changes is not None,
            file=str(place.file) if place is not None else "",
            no_editor=app_of(self).editing.why_not(),
        )

    @property
    def _changes(self) -> Changes | None:
        """What a deploy would change, once that was compared."""
        row = self._row
        known = app_of(self).session.changes.get(row.key) if row is not None else None
        return known.changes if known is not None else None

    def _place(self) -> Place | None:
        """Where the problem under the cursor is, else the flow."""
        app, row, chosen = app_of(self), self._row, self.chosen
        if row is None:
            return None
        workspace = app.session.workspace
        root = workspace.root if workspace is not None else app.path
        there = place_of(chosen.where, root) if isinstance(chosen, Problem) else None
        return there or place_of(row.location, root)

    # ---------------------------------------------------------------------------------- showing

    def show(self, row: FlowRow | None) -> None:
        """Show this flow at once with what is known; what is not known is read, if it stays."""
        other = (row.key if row else None) != (self._row.key if self._row else None)
        self._row = row
        if other:
            self._wanted = None
        self._ask()
        self._paint(anew=other)

    def choose(self, row: FlowRow, tab_id: str, chosen: object) -> None:
        """Show this tab of the flow, the cursor on what of it is chosen, once it is there."""
        self.show(row)
        self._wanted = chosen
        self.open_tab(tab_id)
        self._paint()
        self._keep_cursor_in_view()
        app_of(self).remembering.put(REMEMBERED, self.tab.id)

    def open_tab(self, tab_id: str) -> None:
        """Show the tab of this id; one that is not there changes nothing."""
        for number, tab in enumerate(self.tabs):
            if tab.id == tab_id and number != self._tab:
                self._turn(number)

    def _turn(self, number: int) -> None:
        self._tab = number % len(self.tabs)
        self._show_tabs()
        self._ask()
        self._paint(anew=True)
        self.refresh_bindings()

    def _show_tabs(self) -> None:
        titles = [tab.title for tab in self.tabs]
        room = max(self.outer_size.width - _CORNERS, 10)
        title = Content.assemble("3", tab_line(titles, self._tab, room - 1))
        if not title.is_same(self._tab_line):
            self.border_title = self._tab_line = title

    def _ask(self) -> None:
        """Let the shown tab read what it needs; whatever another row or tab needed is dropped."""
        app, row = app_of(self), self._row
        if row is None:
            app.details.stop()
            self._asked = None
            return
        asked = (self._tab, row, app.session.connected, app.session.looks)
        if asked != self._asked:
            self._asked = asked
            app.details.stop()
            self.tab.wanted(app, row)

    def _paint(self, *, anew: bool = False) -> None:
        """Draw the lines that differ from those on the screen."""
        if not self.is_attached:
            return
        app, row, before = app_of(self), self._row, self._page
        width = self.text_width
        page = self.tab.page(app, row, width) if row is not None else no_flow(app, width)
        self._page = page
        size = Size(page.width, len(page.lines))
        if size != self.virtual_size:
            self.virtual_size = size
        for number in page.differing(before, self.scroll_offset.y, self.size.height):
            self.refresh_line(number)
        chosen = None if anew or self._cursor is None else before.choices.get(self._cursor)
        self._place_cursor(page, chosen if self._wanted is None else self._wanted)
        came_late = page.top != before.top and self.scroll_offset.y == before.top
        if anew or came_late:
            self.scroll_to(0, page.top, animate=False, immediate=True, force=True)
            self._keep_cursor_in_view()

    def _place_cursor(self, page: Page, chosen: object | None) -> None:
        """On what it stood on before, wherever that is now; else on the first choice."""
        places = list(page.choices)
        same = [place for place in places if _known_by(page.choices[place]) == _known_by(chosen)]
        if same:
            self._wanted = None
        self._move_cursor((same or places or [None])[0])

    def _move_cursor(self, line: int | None) -> None:
        before, self._cursor = self._cursor, line
        if before == line:
            return
        for each in (before, line):
            if each is not None:
                self.refresh_line(each)
        self.refresh_bindings()

    def _keep_cursor_in_view(self) -> None:
        if self._cursor is None:
            return
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True, force=True)
        elif height and self._cursor >= top + height:
            below = self._cursor - height + 1
            self.scroll_to(y=below, animate=False, immediate=True, force=True)

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        width = self.scrollable_content_region.width
        number = scroll_y + y
        if number >= len(self._page.lines):
            return Strip.blank(width, self.rich_style)
        line = self._page.lines[number]
        if number == self._cursor and self.has_focus:
            line = line.stylize("$block-cursor-foreground on $block-cursor-background")
        cells = max(line.cell_length, width, 1)
        strips = Visual.to_strips(self, line, cells, 1, self.visual_style, apply_selection=False)
        strip = strips[0] if strips else Strip.blank(width, self.rich_style)
        return strip.crop_extend(scroll_x, scroll_x + width, self.rich_style)

    # ---------------------------------------------------------------------------------- actions

    def perform_next_tab(self) -> None:
        self._turn(self._tab + 1)
        app_of(self).remembering.put(REMEMBERED, self.tab.id)

    def perform_previous_tab(self) -> None:
        self._turn(self._tab - 1)
        app_of(self).remembering.put(REMEMBERED, self.tab.id)

    def perform_down(self) -> None:
        self._step(1)

    def perform_up(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        """To the next choice; a page without choices is scrolled."""
        self._wanted = None
        places = list(self._page.choices)
        if self._cursor not in places:
            self.scroll_relative(y=by, animate=False, immediate=True)
            return
        place = min(max(places.index(self._cursor) + by, 0), len(places) - 1)
        self._move_cursor(places[place])
        self._keep_cursor_in_view()

    def perform_top(self) -> None:
        self._move_cursor(next(iter(self._page.choices), None))
        self.scroll_home(animate=False, immediate=True, x_axis=False)

    def perform_bottom(self) -> None:
        self._move_cursor(next(reversed(list(self._page.choices)), None))
        self.scroll_end(animate=False, immediate=True, x_axis=False)

    def perform_page_down(self) -> None:
        self.scroll_page_down(animate=False)

    def perform_page_up(self) -> None:
        self.scroll_page_up(animate=False)

    def perform_scroll_right(self) -> None:
        self.scroll_relative(x=_SIDEWAYS, animate=False, immediate=True)

    def perform_scroll_left(self) -> None:
        self.scroll_relative(x=-_SIDEWAYS, animate=False, immediate=True)

    def perform_difference(self) -> None:
        from flowtui.tui.screens.difference import DifferenceScreen

        row, changes = self._row, self._changes
        if row is not None and changes is not None:
            title = f"What a deploy of {row.name} would change"
            app_of(self).push_screen(DifferenceScreen(title, changes))

    def perform_edit(self) -> None:
        place = self._place()
        if place is not None:
            app_of(self).editing.edit(place)

    def perform_archive(self) -> None:
        if isinstance(self.chosen, FlowVersion):
            asking.archive_version(app_of(self), self.chosen)

    def perform_roll_back(self) -> None:
        if isinstance(self.chosen, FlowVersion) and self._row is not None:
            asking.roll_back(app_of(self), self.chosen)

    # ------------------------------------------------------------------------------- of one run

    @property
    def run(self) -> FlowRun | None:
        """The run under the cursor, in Runs."""
        return self.chosen if isinstance(self.chosen, FlowRun) else None

    def perform_open_run(self) -> None:
        asking_runs.open_run(app_of(self), self.run)

    def perform_new_run(self) -> None:
        version = self._row.version if self._row is not None else None
        asking_runs.new_run(app_of(self), asking_runs.target_of(version))

    def perform_cancel_run(self) -> None:
        asking_runs.cancel_run(app_of(self), self.run)

    def perform_run_again(self) -> None:
        asking_runs.run_again(app_of(self), self.run)

    def perform_why_waiting(self) -> None:
        asking_runs.why_waiting(app_of(self), self.run)

    def perform_copy_run_id(self) -> None:
        asking_runs.copy_id(app_of(self), self.run)

    def jump_spots(self) -> tuple[Spot, ...]:
        titles, line = [tab.title for tab in self.tabs], self._tab_line.plain
        return tuple(
            Spot(
                self.region.offset + Offset(2 + line.find(title), 0),
                partial(self._go_to_tab, number),
                width=1,
            )
            for number, title in enumerate(titles)
            if line.find(title) > 0
        )

    def _go_to_tab(self, number: int) -> None:
        self.screen.set_focus(self)
        self._turn(number)
        app_of(self).remembering.put(REMEMBERED, self.tab.id)

    def on_click(self, event: Click) -> None:
        number = tab_at([tab.title for tab in self.tabs], self._tab_line.plain, event.x - 3)
        if event.y == 0 and number is not None:
            self._turn(number)
            app_of(self).remembering.put(REMEMBERED, self.tab.id)


def _known_by(chosen: object) -> object:
    """A run or a version is the same one when its state has changed."""
    return chosen.id if isinstance(chosen, FlowRun | FlowVersion) else chosen
