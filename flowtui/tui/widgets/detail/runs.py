"""The latest runs of a flow: what ran, what runs, what is planned."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content

from flowtui.models import Ability, Problem
from flowtui.run_models import FlowRun, RunState
from flowtui.tui import clock
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.laying import hanging, problem_content
from flowtui.tui.looks.words import duration, exact, plain, when
from flowtui.tui.widgets.detail.page import Page
from flowtui.workspace import FlowRow

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_ROOMY = 75
"""Cells from which the name comes first."""

RUN_STYLES = {
    RunState.PLANNED: "$muted",
    RunState.RUNNING: "$accent",
    RunState.GOOD: "$success",
    RunState.BAD: "$error",
    RunState.CANCELLED: "$warning",
}


class RunsTab:
    id = "runs"
    title = "Runs"

    def wanted(self, app: FlowtuiApp, row: FlowRow) -> None:
        if row.version is not None:
            app.registered.read_for_details((row.version.project, row.version.name), runs=True)

    def page(self, app: FlowtuiApp, row: FlowRow, width: int) -> Page:
        version = row.version
        if version is None:
            return _words("It has no runs: no version of it is registered.", width)
        if Ability.TELL_RUNS not in app.session.abilities:
            told = f"This control plane cannot {Ability.TELL_RUNS}."
            return _words(told if app.session.connected else "Not connected.", width)
        found = app.session.runs.get((version.project, version.name))
        if found is None:
            return _words("Reading the runs.", width)
        if isinstance(found, Problem):
            return Page.of(problem_content(found, app.glyphs.failed, width))
        if not found:
            text = "No runs yet. They come with an agent, which starts what is due."
            return _words(text, width)
        now = clock.now()
        names = max(len(plain(run.name)) for run in found)
        lines = tuple(_line(run, app.glyphs, now, names, narrow=width < _ROOMY) for run in found)
        longest = max(line.cell_length for line in lines)
        return Page(lines, width=longest if longest > width else 0, choices=dict(enumerate(found)))


def _words(text: str, width: int) -> Page:
    return Page.of(hanging(Content(""), Content.styled(text, "$muted"), width))


def _line(run: FlowRun, glyphs: Glyphs, now: datetime, names: int, *, narrow: bool) -> Content:
    """Where room is short, what became of it comes before its name."""
    style = RUN_STYLES[run.kind]
    seconds = run.seconds(now)
    took = duration(seconds) if seconds is not None else ""
    moment = run.started or run.scheduled
    name = f"{plain(run.name):<{names}}  "
    return Content.assemble(
        (f"{run_mark(run.kind, glyphs)} {plain(run.state):<10}", style),
        "" if narrow else name,
        (f"v{run.version:<4}", "$muted"),
        f"{when(moment, now):<9}",
        f"{took:>7}  ",
        plain(run.message),
        f"  {name}" if narrow else "",
        (f"  {exact(moment)}", "$muted"),
        (f"  {plain(', '.join(run.labels))}" if run.labels else "", "$muted"),
    )


def run_mark(kind: RunState, glyphs: Glyphs) -> str:
    return {
        RunState.PLANNED: glyphs.waiting,
        RunState.RUNNING: glyphs.running,
        RunState.GOOD: glyphs.done,
        RunState.BAD: glyphs.failed,
        RunState.CANCELLED: glyphs.skipped,
    }[kind]
