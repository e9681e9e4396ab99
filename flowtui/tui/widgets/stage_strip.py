"""The five stages side by side: state in a glyph and a word, and a live duration."""

from __future__ import annotations

from functools import partial

from textual.content import Content
from textual.events import Click, Resize
from textual.geometry import Offset
from textual.message import Message

from flowtui.deploy.events import Stage
from flowtui.quantities import duration
from flowtui.tui.acting import app_of
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.words import shortened
from flowtui.tui.screens.jump import Spot
from flowtui.tui.view_models.deploys import STAGES, DeployRecord, StageState
from flowtui.tui.widgets.painted import Painted

_STYLES = {
    StageState.WAITING: "$faint",
    StageState.NOT_RUN: "$faint",
    StageState.RUNNING: "$accent",
    StageState.DONE: "$success",
    StageState.SKIPPED: "$muted",
    StageState.FAILED: "$error",
    StageState.CANCELLED: "$warning",
    StageState.INTERRUPTED: "$warning",
}


def stage_mark(state: StageState, glyphs: Glyphs) -> str:
    return {
        StageState.WAITING: glyphs.waiting,
        StageState.NOT_RUN: glyphs.waiting,
        StageState.RUNNING: glyphs.running,
        StageState.DONE: glyphs.done,
        StageState.SKIPPED: glyphs.skipped,
        StageState.FAILED: glyphs.failed,
        StageState.CANCELLED: glyphs.failed,
        StageState.INTERRUPTED: glyphs.failed,
    }[state]


class StageStrip(Painted):
    """Two lines of five cells; the stage whose log is shown is marked."""

    class StageClicked(Message):
        def __init__(self, stage: Stage) -> None:
            super().__init__()
            self.stage = stage

    def __init__(self) -> None:
        super().__init__(id="stages")
        self._record: DeployRecord | None = None
        self._selected: Stage | None = None

    def show(self, record: DeployRecord, selected: Stage | None) -> None:
        """None marks no stage: the logs of all of them are shown."""
        self._record, self._selected = record, selected
        self.repaint()

    def on_resize(self, _: Resize) -> None:
        self.repaint()

    def repaint(self) -> None:
        """Paint again if anything changed, durations included."""
        record, width = self._record, self.content_size.width
        if record is None or width < len(STAGES):
            return
        cell = width // len(STAGES)
        now = app_of(self).session.deploys.clock()
        top: list[tuple[str, str]] = []
        bottom: list[tuple[str, str]] = []
        for number, stage in enumerate(STAGES, start=1):
            name = str(stage) if cell >= len("3 health check") + 2 else str(stage).split()[-1]
            chosen = stage is self._selected
            title = f" {shortened(f'{number} {name}', cell - 2):<{cell - 2}} "
            top.append((title, "bold $foreground on $selected" if chosen else "$muted"))
            words = shortened(self._words(record, stage, now, narrow=cell < 16), cell - 2)
            words = f" {words:<{cell - 2}} "
            style = _STYLES[record.stages[stage].state]
            bottom.append((words, f"{style} on $selected" if chosen else style))
        content = Content.assemble(*top, "\n", *bottom)
        self.paint(content)

    def _words(self, record: DeployRecord, stage: Stage, now: float, *, narrow: bool) -> str:
        view = record.stages[stage]
        mark = stage_mark(view.state, app_of(self).glyphs)
        elapsed = view.elapsed(now)
        if elapsed is None or view.state is StageState.SKIPPED:
            return f"{mark} {view.state}"
        took = duration(elapsed)
        if view.state is StageState.RUNNING and elapsed < 60:
            took = f"{int(elapsed)}s"
        return f"{mark} {took}" if narrow else f"{mark} {view.state} {took}"

    def jump_spots(self) -> tuple[Spot, ...]:
        cell = max(self.content_size.width // len(STAGES), 1)
        return tuple(
            Spot(
                self.region.offset + Offset(number * cell, 0),
                partial(self.post_message, self.StageClicked(stage)),
                width=1,
            )
            for number, stage in enumerate(STAGES)
        )

    def on_click(self, event: Click) -> None:
        cell = max(self.content_size.width // len(STAGES), 1)
        self.post_message(self.StageClicked(STAGES[min(event.x // cell, len(STAGES) - 1)]))
