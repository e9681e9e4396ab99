"""The rows of the flow browser, drawn only where they are in view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual

from flowtui.flow_rows import FlowRow
from flowtui.models import Ability
from flowtui.tui import asking_runs, clock
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.messages import Part
from flowtui.tui.view_models.deploys import DeployRecord
from flowtui.tui.view_models.flow_list import Sorting, arranged, last_run
from flowtui.tui.view_models.places import Place, place_of
from flowtui.tui.widgets.flows.columns import Cells, Column, columns_for, header, line

_HEADER = 1
"""Lines above the rows; they stay when the rows scroll."""
_CURSOR, _FILTER, _SORT, _TIMES = "cursor", "filter", "sort", "times"
"""What is remembered, by name."""


class FlowTable(Performs, ScrollView, can_focus=True):
    """Rows keep their cursor, selection and scroll position while files change under them."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.FLOWS, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.FLOWS, Scope.LIST)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"flows--cursor"}

    @dataclass
    class RowChosen(Message):
        """The cursor is on another row, or the row under it changed."""

        row: FlowRow | None

    class FilterWanted(Message):
        """The person wants to type a filter."""

    class FilterCleared(Message):
        """All rows are shown again."""

    class TitleChanged(Message):
        """What the title says of the list has changed: filter, selection, order."""

    def __init__(self) -> None:
        super().__init__(id="flows")
        self.filter_text = ""
        self.sorting = Sorting()
        self.exact_times = False
        self._shown: dict[str, FlowRow] = {}
        self._keys: tuple[str, ...] = ()
        self._index = 0
        self._wanted = ""
        """Key of the row that the cursor was on when the app was left, until it is there."""
        self._chosen: FlowRow | None = None
        """The row that was told to be under the cursor."""
        self._selected: set[str] = set()
        self._columns: tuple[Column, ...] = ()
        self._lines: dict[int, tuple[Cells, Content]] = {}
        """What is drawn at each line in view."""

    def on_mount(self) -> None:
        app = app_of(self)
        app.session_changed.subscribe(self, self._changed)
        app.theme_changed_signal.subscribe(self, lambda _: self.refresh())
        self.set_interval(30, self._show_times)

    def on_resize(self) -> None:
        self._lay_columns()
        self._keep_cursor_in_view()

    def on_focus(self) -> None:
        self.refresh_line(self._index + _HEADER)

    def on_blur(self) -> None:
        self.refresh_line(self._index + _HEADER)

    def _changed(self, part: Part) -> None:
        match part:
            case Part.ROWS:
                self._fill()
            case Part.DEPLOYS | Part.RUNS | Part.HOT:
                self._draw()
                self.refresh_bindings()
            case Part.CONNECTION:
                self._lay_columns()
            case Part.REMEMBERED:
                self._restore()
            case _:
                pass

    def _restore(self) -> None:
        remembering = app_of(self).remembering
        self.filter_text = remembering.get(_FILTER)
        self.sorting = Sorting.read(remembering.get(_SORT))
        self.exact_times = remembering.get(_TIMES) == "exact"
        self._wanted = remembering.get(_CURSOR)
        self._lay_columns()
        self._fill()
        self.post_message(self.TitleChanged())

    def _lay_columns(self) -> None:
        columns = columns_for(
            self.size.width,
            exact_times=self.exact_times,
            labels=Ability.CHANGE_IN_PLACE in app_of(self).session.abilities,
        )
        if columns != self._columns:
            self._columns = columns
            self._lines.clear()
            self.virtual_size = Size(self.size.width, len(self._keys) + _HEADER)
            self.refresh()

    # ------------------------------------------------------------------------------------ facts

    @property
    def row(self) -> FlowRow | None:
        """The row under the cursor."""
        return self._shown[self._keys[self._index]] if self._keys else None

    @property
    def row_count(self) -> int:
        """Rows that match the filter."""
        return len(self._keys)

    @property
    def record(self) -> DeployRecord | None:
        """The newest deploy of the flow under the cursor."""
        row = self.row
        if row is None or row.flow is None:
            return None
        return app_of(self).session.deploys.latest_of(row.flow)

    @property
    def selected(self) -> tuple[FlowRow, ...]:
        """The selected rows, also those that the filter hides, in the order of the files."""
        rows = arranged(app_of(self).session.rows or (), "", Sorting(), {})
        return tuple(row for key, row in rows.items() if key in self._selected)

    def _place(self) -> Place | None:
        """Where the flow under the cursor is written."""
        row, workspace = self.row, app_of(self).session.workspace
        if row is None or workspace is None:
            return None
        return place_of(row.location, workspace.root)

    def facts(self) -> Facts:
        record, place = self.record, self._place()
        return replace(
            app_of(self).facts(),
            row=self.row,
            row_deploying=record is not None and record.running,
            row_hot=self.row is not None and self._is_hot(self.row),
            rows=self.row_count,
            selected=len(self._selected),
            targets=tuple(row.flow.target for row in self.selected if row.flow is not None)
            if self._selected
            else (),
            file=str(place.file) if place is not None else "",
            no_editor=app_of(self).editing.why_not(),
        )

    # ---------------------------------------------------------------------------------- content

    def set_filter(self, text: str) -> None:
        if text == self.filter_text:
            return
        self.filter_text = text
        app_of(self).remembering.put(_FILTER, text)
        self._fill()

    def _fill(self) -> None:
        """Show the rows of the session, the cursor on the row that it was on before."""
        session = app_of(self).session
        key = self._wanted or (self._keys[self._index] if self._keys else "")
        shown = arranged(session.rows or (), self.filter_text, self.sorting, session.last_runs)
        self._shown, self._keys = shown, tuple(shown)
        if key in shown:
            self._index = self._keys.index(key)
            self._wanted = ""
        else:
            self._index = min(self._index, max(len(self._keys) - 1, 0))
        if self._selected:
            every = arranged(session.rows or (), "", Sorting(), {})
            self._selected &= every.keys()
        size = Size(self.size.width, len(self._keys) + _HEADER)
        if size != self.virtual_size:
            self.virtual_size = size
        self._keep_cursor_in_view()
        self._draw()
        self._tell()
        self.refresh_bindings()

    def _tell(self) -> None:
        """Say which row the cursor is on, where that is another one or differs from before."""
        row = self.row
        if row is self._chosen:
            return
        differs = row != self._chosen
        self._chosen = row
        if differs:
            self.post_message(self.RowChosen(row))

    def _show_times(self) -> None:
        """“5m ago” grows older."""
        self._lines.clear()
        self._draw(anew=True)

    def _draw(self, *, anew: bool = False) -> None:
        """Draw the lines in view that differ from what is on the screen."""
        before = self._lines
        self._lines = {}
        top = self.scroll_offset.y
        for place in range(max(self.size.height - _HEADER, 0)):
            index = top + place
            known = before.get(index)
            now = self._line(index, known)
            if now is not None:
                self._lines[index] = now
            same = now is known or (
                now is not None and known is not None and now[1].is_same(known[1])
            )
            if not same or anew:
                self.refresh_line(index + _HEADER)

    def _line(
        self, index: int, known: tuple[Cells, Content] | None
    ) -> tuple[Cells, Content] | None:
        """What a row shows, made only where it shows something else than before."""
        if index >= len(self._keys):
            return None
        cells = self._cells(self._keys[index])
        if known is not None and known[0] == cells:
            return known
        content = line(
            cells,
            self._columns,
            app_of(self).glyphs,
            clock.now(),
            exact_times=self.exact_times,
        )
        return cells, content

    def _cells(self, key: str) -> Cells:
        session, row = app_of(self).session, self._shown[key]
        deploying = ""
        if row.flow is not None:
            target = row.flow.target
            for record in session.deploys.running:
                if record.flow.target == target:
                    deploying = str(record.active_stage or "deploying")
        return Cells(
            row,
            deploying,
            key in self._selected,
            row.key in session.new,
            last_run(row, session.last_runs),
            self._is_hot(row),
        )

    def _is_hot(self, row: FlowRow) -> bool:
        return row.flow is not None and row.flow.target in app_of(self).session.hot.flows

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if y < _HEADER:
            return self._strip(header(self._columns, self.sorting, app_of(self).glyphs), width)
        index = self.scroll_offset.y + y - _HEADER
        drawn = self._line(index, self._lines.get(index))
        if drawn is None:
            return Strip.blank(width, self.rich_style)
        self._lines[index] = drawn
        content = drawn[1]
        if index == self._index:
            style = self.get_visual_style("flows--cursor")
            if self.get_component_styles("flows--cursor").text_style.reverse:
                style += Style(reverse=True)  # Textual leaves it out
            content = content.pad_right(max(width - content.cell_length, 0)).stylize(style)
        return self._strip(content, width)

    def _strip(self, content: Content, width: int) -> Strip:
        cells = max(content.cell_length, width, 1)
        strips = Visual.to_strips(self, content, cells, 1, self.visual_style, apply_selection=False)
        strip = strips[0] if strips else Strip.blank(width, self.rich_style)
        return strip.crop_extend(0, width, self.rich_style)

    # ----------------------------------------------------------------------------------- cursor

    def move_cursor(self, index: int) -> None:
        """To the row of this number, or the nearest there is."""
        index = min(max(index, 0), max(len(self._keys) - 1, 0))
        before, self._index = self._index, index
        self._wanted = ""
        if before != index:
            self.refresh_line(before + _HEADER)
            self.refresh_line(index + _HEADER)
        self._keep_cursor_in_view()
        self._tell()
        row = self.row
        if row is None:
            return
        app = app_of(self)
        if row.key in app.session.new:
            app.folder.looked_at(row)
            self._draw()
        if before != index:
            app.remembering.put(_CURSOR, self._keys[index])
            self.refresh_bindings()

    def move_to(self, key: str) -> bool:
        """To the row of this key; False where there is none, or the filter hides it."""
        if key not in self._shown:
            return False
        self.move_cursor(self._keys.index(key))
        return True

    def _keep_cursor_in_view(self) -> None:
        top, height = self.scroll_offset.y, max(self.size.height - _HEADER, 1)
        wanted = min(max(top, self._index - height + 1), self._index)
        wanted = min(wanted, max(len(self._keys) - height, 0))
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True, force=True)

    def perform_down(self) -> None:
        self.move_cursor(self._index + 1)

    def perform_up(self) -> None:
        self.move_cursor(self._index - 1)

    def perform_top(self) -> None:
        self.move_cursor(0)

    def perform_bottom(self) -> None:
        self.move_cursor(len(self._keys) - 1)

    def perform_page_down(self) -> None:
        self.move_cursor(self._index + max(self.size.height - _HEADER - 1, 1))

    def perform_page_up(self) -> None:
        self.move_cursor(self._index - max(self.size.height - _HEADER - 1, 1))

    def on_click(self, event: Click) -> None:
        if event.y >= _HEADER:
            self.move_cursor(self.scroll_offset.y + event.y - _HEADER)
            return
        at = 1
        for column in self._columns:
            if at <= event.x < at + column.width:
                same = self.sorting.by is column.key
                self._sort(Sorting(column.key, same and not self.sorting.reverse))
            at += column.width + 2

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.prevent_default()
        event.stop()
        self.move_cursor(self._index - 3)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.prevent_default()
        event.stop()
        self.move_cursor(self._index + 3)

    # ---------------------------------------------------------------------------------- actions

    def perform_deploy(self) -> None:
        from flowtui.tui.screens.deploy import DeployScreen

        if self._selected:
            self._deploy_selected()
            return
        app, row, record = app_of(self), self.row, self.record
        if row is None or row.flow is None:
            return
        app.remembering.opened(row.flow.target)
        if record is None or not record.running:
            record = (
                app.deploying.plan(row.flow)
                if app.plan_wanted
                else app.deploying.deploy_now(row.flow)
            )
        app.push_screen(DeployScreen(record.key))

    def _deploy_selected(self) -> None:
        """Ask once for all of them, then show the list of deploys."""
        from flowtui.tui.screens.deploys import DeploysScreen
        from flowtui.tui.screens.dialogs import ConfirmDialog
        from flowtui.tui.view_models.selection import Selection

        app = app_of(self)
        selection = Selection.of(self.selected, app.session.deploys)
        if not selection.flows:
            app.say(f"deploy: none of the selected flows can be deployed\n{selection.refused}")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._select(set())
                app.deploying.deploy_all(selection.flows)
                app.push_screen(DeploysScreen())

        app.push_screen(
            ConfirmDialog(selection.title, selection.text, yes="Deploy", no="Not now"), answered
        )

    def perform_deploy_now(self) -> None:
        from flowtui.tui.screens.deploy import DeployScreen

        if self._selected:
            self._deploy_selected()
            return
        app, row, record = app_of(self), self.row, self.record
        if row is None or row.flow is None:
            return
        if record is None or not record.running:
            record = app.deploying.deploy_now(row.flow)
        app.push_screen(DeployScreen(record.key))

    def perform_run(self) -> None:
        version = self.row.version if self.row is not None else None
        asking_runs.new_run(app_of(self), asking_runs.target_of(version))

    def perform_hot(self) -> None:
        rows = self.selected or ((self.row,) if self.row is not None else ())
        targets = tuple(
            row.flow.target for row in rows if row.flow is not None and row.flow.function is None
        )
        if targets:
            app_of(self).hot.toggle(targets)

    def perform_last_deploy(self) -> None:
        from flowtui.tui.screens.deploy import DeployScreen

        record = self.record
        if record is None:
            app_of(self).say("This flow was not deployed in this session yet.")
            return
        app_of(self).push_screen(DeployScreen(record.key))

    def perform_select(self) -> None:
        if not self._keys:
            return
        self._select(self._selected ^ {self._keys[self._index]})
        self.move_cursor(self._index + 1)

    def perform_select_all(self) -> None:
        """All that are shown; where they all are selected already, none."""
        shown = set(self._keys)
        self._select(self._selected - shown if shown <= self._selected else self._selected | shown)

    def _select(self, keys: set[str]) -> None:
        self._selected = keys
        self._draw()
        self.post_message(self.TitleChanged())
        self.refresh_bindings()

    def perform_sort(self) -> None:
        self._sort(self.sorting.next())

    def perform_reverse(self) -> None:
        self._sort(Sorting(self.sorting.by, not self.sorting.reverse))

    def _sort(self, sorting: Sorting) -> None:
        self.sorting = sorting
        app_of(self).remembering.put(_SORT, str(sorting))
        self._fill()
        self.refresh_line(0)
        self.refresh()
        self.post_message(self.TitleChanged())

    def perform_times(self) -> None:
        self.exact_times = not self.exact_times
        app_of(self).remembering.put(_TIMES, "exact" if self.exact_times else "")
        self._lines.clear()
        self._lay_columns()
        self._draw(anew=True)
        self.refresh()

    def perform_edit(self) -> None:
        place = self._place()
        if place is not None:
            app_of(self).editing.edit(place)

    def perform_filter(self) -> None:
        self.post_message(self.FilterWanted())

    def perform_clear_filter(self) -> None:
        """Without a filter the selection is given up."""
        if not self.filter_text and self._selected:
            self._select(set())
            return
        self.set_filter("")
        self.post_message(self.FilterCleared())
