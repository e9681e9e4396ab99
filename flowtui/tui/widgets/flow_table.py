"""The flow browser: every flow and broken file of the folder, one row each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import DataTable

from flowtui.tui import clock
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.deploys import DeployRecord
from flowtui.tui.glyphs import STATE_STYLES, STATE_WORDS, state_mark
from flowtui.tui.messages import Part
from flowtui.tui.words import ago, plain, shortened, shortened_left
from flowtui.workspace import FlowRow


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    title: str
    width: int


def columns_for(width: int) -> tuple[Column, ...]:
    """The columns that fit into so many cells; name and file share what the others leave."""
    fixed = [Column("state", "State", 14)]
    if width >= 48:
        fixed.append(Column("version", "Ver", 4))
    if width >= 72:
        fixed.append(Column("when", "Deployed", 9))
    if width >= 92:
        fixed.append(Column("project", "Project", 18))
    padding = 2 * (len(fixed) + 2) + 1
    rest = max(width - padding - sum(column.width for column in fixed), 16)
    name = max(min(rest * 5 // 9, 40), 8)
    by_key = {column.key: column for column in fixed}
    by_key["name"] = Column("name", "Name", name)
    by_key["file"] = Column("file", "File", rest - name)
    order = ("state", "name", "file", "project", "version", "when")
    return tuple(by_key[key] for key in order if key in by_key)


class FlowTable(Performs, DataTable[Text]):
    """Rows keep their cursor and scroll position while files change under them."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.FLOWS, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.FLOWS, Scope.LIST)]

    @dataclass
    class RowChosen(Message):
        """The cursor is on another row, or the row under it changed."""

        row: FlowRow | None

    class FilterWanted(Message):
        """The person wants to type a filter."""

    class FilterCleared(Message):
        """All rows are shown again."""

    def __init__(self) -> None:
        super().__init__(id="flows", cursor_type="row", zebra_stripes=False)
        self.filter_text = ""
        self._shown: dict[str, FlowRow] = {}
        self._columns: tuple[Column, ...] = ()
        self._cells: dict[str, tuple[Text, ...]] = {}
        self._deploying: dict[str, str] = {}
        """What is said of each flow that is deploying, by its target."""

    def on_mount(self) -> None:
        app = app_of(self)
        app.session_changed.subscribe(self, self._changed)
        app.theme_changed_signal.subscribe(self, lambda _: self._fill(anew=True))
        self.set_interval(30, self._show_times)

    def on_resize(self) -> None:
        columns = columns_for(self.size.width)
        if columns != self._columns:
            self._columns = columns
            self._fill(anew=True)

    def _changed(self, part: Part) -> None:
        if part is Part.ROWS:
            self._fill()
        elif part is Part.DEPLOYS:
            self._show_deploys()

    # ------------------------------------------------------------------------------------ facts

    @property
    def row(self) -> FlowRow | None:
        """The row under the cursor."""
        keys = tuple(self._shown)
        index = self.cursor_row
        return self._shown[keys[index]] if 0 <= index < len(keys) else None

    @property
    def record(self) -> DeployRecord | None:
        """The newest deploy of the flow under the cursor."""
        row = self.row
        if row is None or row.flow is None:
            return None
        return app_of(self).session.deploys.latest_of(row.flow)

    def facts(self) -> Facts:
        record = self.record
        return replace(
            app_of(self).facts(),
            row=self.row,
            row_deploying=record is not None and record.running,
        )

    # ---------------------------------------------------------------------------------- content

    def set_filter(self, text: str) -> None:
        self.filter_text = text
        self._fill()

    def _fill(self, *, anew: bool = False) -> None:
        """Show the rows of the session; cells are made only for rows that differ from before."""
        if not self._columns:
            return
        wanted = _with_keys(self._matching())
        deploying = self._deploy_words()
        stale = self._differing(deploying)
        self._deploying = deploying
        cells = {
            key: self._row_cells(row)
            if anew or self._shown.get(key) != row or _target(row) in stale
            else self._cells[key]
            for key, row in wanted.items()
        }
        before = self.row
        if anew or tuple(wanted) != tuple(self._shown):
            self._rebuild(wanted, cells)
        else:
            self._update(cells)
            self._shown = wanted
        self._cells = cells
        if self.row is not before or self.row != before:
            self.post_message(self.RowChosen(self.row))
        self.refresh_bindings()

    def _show_deploys(self) -> None:
        """Only the state of rows whose deploy says something else than before."""
        deploying = self._deploy_words()
        stale = self._differing(deploying)
        self._deploying = deploying
        if not stale or not self._columns:
            return
        changed = {key for key, row in self._shown.items() if _target(row) in stale}
        self._update({key: self._row_cells(self._shown[key]) for key in changed})
        self.refresh_bindings()

    def _show_times(self) -> None:
        """“5m ago” grows older."""
        self._update({key: self._row_cells(row) for key, row in self._shown.items()})

    def _deploy_words(self) -> dict[str, str]:
        return {
            record.flow.target: str(record.active_stage or "deploying")
            for record in app_of(self).session.deploys.running
        }

    def _differing(self, deploying: dict[str, str]) -> set[str]:
        before = self._deploying
        return {
            target
            for target in deploying.keys() | before.keys()
            if deploying.get(target) != before.get(target)
        }

    def _matching(self) -> list[FlowRow]:
        words = self.filter_text.lower().split()
        return [
            row
            for row in app_of(self).session.rows or ()
            if all(word in _haystack(row) for word in words)
        ]

    def _rebuild(self, wanted: dict[str, FlowRow], cells: dict[str, tuple[Text, ...]]) -> None:
        keys_before = tuple(self._shown)
        index = self.cursor_row
        key = keys_before[index] if 0 <= index < len(keys_before) else None
        scroll = self.scroll_offset
        with app_of(self).batch_update(), self.prevent(DataTable.RowHighlighted):
            self.clear(columns=True)
            for column in self._columns:
                justify = "right" if column.key in ("version", "when") else "left"
                title = Text(f"{column.title:{'>' if justify == 'right' else '<'}{column.width}}")
                self.add_column(title, width=column.width, key=column.key)
            self._shown = wanted
            for row_key, row_cells in cells.items():
                self.add_row(*row_cells, key=row_key)
            if wanted:
                keys = tuple(wanted)
                place = keys.index(key) if key in wanted else min(max(index, 0), len(keys) - 1)
                self.move_cursor(row=place, animate=False, scroll=False)
                self.scroll_to(scroll.x, scroll.y, animate=False, immediate=True)
                self.call_after_refresh(self._keep_cursor_in_view)

    def _keep_cursor_in_view(self) -> None:
        if not self.is_attached:
            return
        self.move_cursor(row=self.cursor_row, animate=False)

    def _update(self, cells: dict[str, tuple[Text, ...]]) -> None:
        for key, row_cells in cells.items():
            known = self._cells.get(key)
            if known is row_cells or known == row_cells:
                continue
            for column, cell, old in zip(
                self._columns, row_cells, known or (None,) * len(row_cells), strict=True
            ):
                if cell != old:
                    self.update_cell(key, column.key, cell)
            self._cells[key] = row_cells

    def _row_cells(self, row: FlowRow) -> tuple[Text, ...]:
        now = clock.now()
        version = row.version
        muted = app_of(self).theme_variables.get("muted", "")
        number = f"v{version.version}" if version is not None else ""
        when = ago(version.created, now).removesuffix(" ago") if version is not None else ""

        def cell(key: str, width: int) -> Text:
            match key:
                case "state":
                    return self._state_cell(row)
                case "name":
                    return Text(shortened(plain(row.name), width))
                case "file":
                    return Text(shortened_left(plain(row.location), width), style=muted)
                case "project":
                    return Text(shortened(plain(row.project or ""), width))
                case "version":
                    return Text(number, justify="right")
                case _:
                    return Text(when, style=muted, justify="right")

        return tuple(cell(column.key, column.width) for column in self._columns)

    def _state_cell(self, row: FlowRow) -> Text:
        app = app_of(self)
        colours = app_of(self).theme_variables
        words = self._deploying.get(_target(row))
        if words is not None:
            return Text(f"{app.glyphs.running} {words}", style=f"bold {colours['accent']}")
        mark = state_mark(row.state, app.glyphs)
        style = colours.get(STATE_STYLES[row.state], "")
        return Text(f"{mark} {STATE_WORDS[row.state]}", style=style)

    def on_data_table_row_highlighted(self) -> None:
        self.post_message(self.RowChosen(self.row))
        self.refresh_bindings()

    # ---------------------------------------------------------------------------------- actions

    def perform_down(self) -> None:
        self.action_cursor_down()

    def perform_up(self) -> None:
        self.action_cursor_up()

    def perform_top(self) -> None:
        self.action_scroll_top()

    def perform_bottom(self) -> None:
        self.action_scroll_bottom()

    def perform_deploy(self) -> None:
        from flowtui.tui.screens.deploy import DeployScreen

        app, row, record = app_of(self), self.row, self.record
        if row is None or row.flow is None:
            return
        if record is None or not record.running:
            record = app.deploying.plan(row.flow)
        app.push_screen(DeployScreen(record.key))

    def perform_last_deploy(self) -> None:
        from flowtui.tui.screens.deploy import DeployScreen

        record = self.record
        if record is None:
            app_of(self).say("This flow was not deployed in this session yet.")
            return
        app_of(self).push_screen(DeployScreen(record.key))

    def perform_filter(self) -> None:
        self.post_message(self.FilterWanted())

    def perform_clear_filter(self) -> None:
        self.set_filter("")
        self.post_message(self.FilterCleared())


def _with_keys(rows: list[FlowRow]) -> dict[str, FlowRow]:
    """Rows by a key of their own: two flows of one name in one file get a number each."""
    seen: Counter[str] = Counter()
    keyed: dict[str, FlowRow] = {}
    for row in rows:
        seen[row.key] += 1
        keyed[row.key if seen[row.key] == 1 else f"{row.key}#{seen[row.key]}"] = row
    return keyed


def _target(row: FlowRow) -> str:
    return row.flow.target if row.flow is not None else ""


def _haystack(row: FlowRow) -> str:
    return " ".join((str(row.state), row.name, row.location, row.project or "")).lower()
