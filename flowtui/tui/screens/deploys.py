"""The deploys of this session and of earlier ones, newest first; each opens as it was left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar, TypeAlias

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import DataTable

from flowtui.deploy.events import Outcome
from flowtui.deploy.history import INTERRUPTED, RUNNING
from flowtui.deploy.history import DeployRecord as HistoryLine
from flowtui.tui import clock
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.deploys import DeployRecord
from flowtui.tui.messages import Part
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.painted import Painted
from flowtui.tui.widgets.status_line import StatusLine
from flowtui.tui.words import ago, duration, plain, plain_block, shortened

_COLOURS = {
    str(Outcome.DONE): "success",
    str(Outcome.UNCHANGED): "success",
    str(Outcome.SKIPPED): "muted",
    str(Outcome.FAILED): "error",
    str(Outcome.CANCELLED): "warning",
    INTERRUPTED: "warning",
}
_GOOD = (str(Outcome.DONE), str(Outcome.UNCHANGED))
_STATE, _VERSION, _TOOK, _WHEN = 16, 5, 7, 9
_PADDING = 2

Cells: TypeAlias = tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One deploy as the table shows it."""

    key: str
    state: str
    running: bool
    flow: str
    project: str
    version: int | None
    seconds: float | None
    started: float | None


def line_of(record: DeployRecord, now: float) -> Line:
    """A deploy of this session."""
    result = record.result
    state = str(result.outcome) if result is not None else str(record.active_stage or record.phase)
    decided, plan = record.decided, record.plan
    return Line(
        key=record.key,
        state=state,
        running=result is None,
        flow=decided.flow if decided is not None else record.flow.display_name,
        project=decided.project if decided is not None else plan.project if plan else "",
        version=result.version if result is not None else None,
        seconds=record.elapsed(now),
        started=record.started,
    )


def earlier_line(line: HistoryLine) -> Line:
    """A deploy of another session."""
    running = line.outcome == RUNNING
    return Line(
        key=line.id,
        state="elsewhere" if running else line.outcome,
        running=running,
        flow=line.flow,
        project=line.project,
        version=line.version,
        seconds=line.seconds,
        started=line.started,
    )


class DeployTable(Performs, DataTable[Text]):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.DEPLOYS, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.DEPLOYS, Scope.LIST)]

    def __init__(self) -> None:
        super().__init__(id="deploys", cursor_type="row")
        self._shown: dict[str, Cells] = {}
        self._flow_width = 0

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self.set_interval(1.0, self._tick)

    def on_resize(self) -> None:
        fixed = (_STATE, _VERSION, _TOOK, _WHEN)
        width = max(self.size.width - sum(fixed) - _PADDING * (len(fixed) + 1) - 1, 8)
        if width != self._flow_width:
            self._flow_width = width
            self._fill(anew=True)

    def facts(self) -> Facts:
        return replace(app_of(self).facts(), deploys=self.row_count)

    def _tick(self) -> None:
        if app_of(self).session.deploys.running:
            self._fill()

    def _changed(self, part: Part) -> None:
        if part is Part.DEPLOYS:
            self._fill()

    def _lines(self) -> list[Line]:
        session = app_of(self).session
        now = session.deploys.clock()
        return [
            *(line_of(record, now) for record in session.deploys.ran),
            *(earlier_line(line) for line in session.earlier_deploys),
        ]

    def _fill(self, *, anew: bool = False) -> None:
        if not self._flow_width:
            return
        cells = {line.key: self._cells(line) for line in self._lines()}
        self.border_title = f"Deploys ({len(cells)})"
        if anew or tuple(cells) != tuple(self._shown):
            self._rebuild(cells)
        else:
            for key, row in cells.items():
                for number, (cell, old) in enumerate(zip(row, self._shown[key], strict=True)):
                    if cell != old:
                        self.update_cell(key, str(number), cell)
        self._shown = cells
        self.refresh_bindings()

    def _rebuild(self, cells: dict[str, Cells]) -> None:
        key = self._key
        titles = (
            ("State", _STATE, "left"),
            ("Flow", self._flow_width, "left"),
            ("Ver", _VERSION, "right"),
            ("Took", _TOOK, "right"),
            ("When", _WHEN, "right"),
        )
        with app_of(self).batch_update():
            self.clear(columns=True)
            for number, (title, width, side) in enumerate(titles):
                text = f"{title:>{width}}" if side == "right" else title
                self.add_column(Text(text), width=width, key=str(number))
            for row_key, row in cells.items():
                self.add_row(*row, key=row_key)
        if key in cells:
            self.move_cursor(row=tuple(cells).index(key), animate=False)

    @property
    def _key(self) -> str | None:
        """Of the deploy under the cursor."""
        keys = tuple(self._shown)
        return keys[self.cursor_row] if 0 <= self.cursor_row < len(keys) else None

    def _cells(self, line: Line) -> Cells:
        app = app_of(self)
        glyphs, colours = app.glyphs, app.theme_variables
        if line.running:
            state = Text(f"{glyphs.running} {line.state}", style=f"bold {colours['accent']}")
        else:
            mark = glyphs.done if line.state in _GOOD else glyphs.failed
            style = colours.get(_COLOURS.get(line.state, "muted"), "")
            state = Text(f"{mark} {plain(line.state)}", style=style)
        muted = colours.get("muted", "")
        flow = Text(shortened(plain(line.flow), self._flow_width))
        room = self._flow_width - len(flow.plain) - 3
        if line.project and room >= 8:
            flow.append(f" {glyphs.arrow} {shortened(plain(line.project), room)}", style=muted)
        when = datetime.fromtimestamp(line.started, UTC) if line.started is not None else None
        since = ago(when, clock.now()).removesuffix(" ago")
        return (
            state,
            flow,
            Text(f"v{line.version}" if line.version else "", justify="right"),
            Text(duration(line.seconds) if line.seconds is not None else "", justify="right"),
            Text(since, style=muted, justify="right"),
        )

    def perform_open(self) -> None:
        from flowtui.tui.screens.deploy import DeployScreen

        app, key = app_of(self), self._key
        if key is None:
            return
        earlier = next((line for line in app.session.earlier_deploys if line.id == key), None)
        if earlier is not None:
            app.deploying.open_earlier(earlier)
        app.push_screen(DeployScreen(key))

    def perform_back(self) -> None:
        app_of(self).pop_screen()

    def perform_down(self) -> None:
        self.action_cursor_down()

    def perform_up(self) -> None:
        self.action_cursor_up()

    def perform_top(self) -> None:
        self.action_scroll_top()

    def perform_bottom(self) -> None:
        self.action_scroll_bottom()


class DeploysScreen(Screen[None]):
    AUTO_FOCUS = "#deploys"

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield DeployTable()
        yield Painted(id="deploys-empty")
        yield KeyBar()

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        app_of(self).deploying.read_history()
        self._show_emptiness()

    def _changed(self, part: Part) -> None:
        if part is Part.DEPLOYS:
            self._show_emptiness()

    def _show_emptiness(self) -> None:
        session = app_of(self).session
        count = len(session.deploys.ran) + len(session.earlier_deploys)
        box = self.query_one("#deploys-empty", Painted)
        box.set_class(count > 0, "-hidden")
        problem = session.history_problem
        if problem is not None:
            box.paint(Content(plain_block(f"{problem.what}\n{problem.where}\n{problem.fix}")))
        elif session.history is None:
            box.paint(Content("Reading the history."))
        else:
            box.paint(Content("Nothing was deployed from this folder yet. Enter on a flow does."))
