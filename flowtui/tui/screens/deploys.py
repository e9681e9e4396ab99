"""The deploys of this session, newest first; each opens as it was left."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import DataTable

from flowtui.deploy.events import Outcome
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.deploys import DeployRecord
from flowtui.tui.messages import Part
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.status_line import StatusLine
from flowtui.tui.words import duration, plain

_COLOURS = {
    Outcome.DONE: "success",
    Outcome.UNCHANGED: "success",
    Outcome.SKIPPED: "muted",
    Outcome.FAILED: "error",
    Outcome.CANCELLED: "warning",
}


class DeployTable(Performs, DataTable[Text]):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.DEPLOYS, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.DEPLOYS, Scope.LIST)]

    def __init__(self) -> None:
        super().__init__(id="deploys", cursor_type="row")
        self._keys: list[str] = []

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self.set_interval(1.0, self._tick)
        self._fill()

    def facts(self) -> Facts:
        return app_of(self).facts()

    def _tick(self) -> None:
        if app_of(self).session.deploys.running:
            self._fill()

    def _changed(self, part: Part) -> None:
        if part is Part.DEPLOYS:
            self._fill()

    def _fill(self) -> None:
        records = app_of(self).session.deploys.ran
        cursor = self.cursor_row
        key = self._keys[cursor] if 0 <= cursor < len(self._keys) else None
        self.border_title = f"Deploys ({len(records)})"
        with app_of(self).batch_update():
            self.clear(columns=True)
            columns = (("State", 20), ("Flow", 28), (f"{'Version':>8}", 8), (f"{'Took':>8}", 8))
            for title, width in columns:
                self.add_column(Text(title), width=width)
            for record in records:
                self.add_row(*self._cells(record))
        self._keys = [record.key for record in records]
        if key in self._keys:
            self.move_cursor(row=self._keys.index(key), animate=False)

    def _cells(self, record: DeployRecord) -> tuple[Text, ...]:
        app = app_of(self)
        glyphs, colours = app.glyphs, app.theme_variables
        result = record.result
        if result is None:
            stage = record.active_stage
            words = str(stage) if stage is not None else str(record.phase)
            state = Text(f"{glyphs.running} {words}", style=f"bold {colours['accent']}")
        else:
            good = result.outcome in (Outcome.DONE, Outcome.UNCHANGED)
            mark = glyphs.done if good else glyphs.failed
            state = Text(
                f"{mark} {result.outcome}", style=colours.get(_COLOURS[result.outcome], "")
            )
        elapsed = record.elapsed(app.session.deploys.clock())
        version = f"v{result.version}" if result is not None and result.version else ""
        return (
            state,
            Text(plain(record.flow.display_name)),
            Text(version, justify="right"),
            Text(duration(elapsed) if elapsed is not None else "", justify="right"),
        )

    def perform_open(self) -> None:
        from flowtui.tui.screens.deploy import DeployScreen

        if 0 <= self.cursor_row < len(self._keys):
            app_of(self).push_screen(DeployScreen(self._keys[self.cursor_row]))

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
        yield KeyBar()
