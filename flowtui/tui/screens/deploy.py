"""One deploy: its plan first, then the deploy itself. It can be left and come back to."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen

from flowtui.tui.acting import app_of
from flowtui.tui.messages import Part
from flowtui.tui.terminal.pace import LOCAL_HZ
from flowtui.tui.view_models.deploys import Phase
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.plan_view import PlanView
from flowtui.tui.widgets.run_view import RunView
from flowtui.tui.widgets.status_line import StatusLine

_PLAN_PHASES = (Phase.PLANNING, Phase.PLANNED, Phase.PLAN_FAILED)


class DeployScreen(Screen[None]):
    AUTO_FOCUS = ""

    def __init__(self, deploy_key: str) -> None:
        super().__init__()
        self.deploy_key = deploy_key
        self._planning: bool | None = None
        self._progressed = False

    def compose(self) -> ComposeResult:
        record = app_of(self).session.deploys.get(self.deploy_key)
        yield StatusLine()
        yield PlanView()
        if record is not None:
            yield RunView(record)
        yield KeyBar()

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self.set_interval(1 / LOCAL_HZ, self._show_progress)
        self.call_after_refresh(self._show)

    def _show_progress(self) -> None:
        if self._progressed and app_of(self).pace.take_turn(self):
            self._progressed = False
            self._show()

    def _changed(self, part: Part) -> None:
        self._progressed = self._progressed or part is Part.PROGRESS
        if part in (Part.DEPLOYS, Part.CONNECTION):
            self._show()

    def _show(self) -> None:
        record = app_of(self).session.deploys.get(self.deploy_key)
        if record is None or not self.is_attached:
            return
        plan, run = self.query_one(PlanView), self.query_one(RunView)
        planning = record.phase in _PLAN_PHASES
        if planning is not self._planning:
            self._planning = planning
            plan.display, run.display = planning, not planning
            self.set_focus(self.query_one("#plan-body" if planning else "#log"))
        if planning:
            plan.show(record)
        else:
            run.show(record)
