"""One run, live. It can be left and come back to; the run goes on."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen

from flowtui.tui.acting import app_of
from flowtui.tui.messages import Part
from flowtui.tui.widgets.flow_run.view import FlowRunView
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.status_line import StatusLine


class FlowRunScreen(Screen[None]):
    AUTO_FOCUS = ""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id

    def compose(self) -> ComposeResult:
        watch = app_of(self).session.run_watches.get(self.run_id)
        yield StatusLine()
        if watch is not None:
            yield FlowRunView(watch)
        yield KeyBar()

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)

    def on_screen_resume(self) -> None:
        app_of(self).flow_run.follow(self.run_id)

    def on_screen_suspend(self) -> None:
        """A question in front of it hides nothing of it."""
        if not app_of(self).screen.is_modal:
            app_of(self).flow_run.rest()

    def on_unmount(self) -> None:
        app_of(self).flow_run.rest_of(self.run_id)

    def _changed(self, part: Part) -> None:
        if part is Part.CONNECTION and self.is_current:
            app_of(self).flow_run.follow(self.run_id)
        if part in (Part.RUN_WATCHED, Part.CONNECTION) and self.is_attached:
            for view in self.query(FlowRunView):
                view.show()
