"""The latest runs of a flow: what ran, what runs, what is planned."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content

from flowtui.flow_rows import FlowRow
from flowtui.models import Ability, Problem
from flowtui.quantities import exact
from flowtui.run_models import FlowRun
from flowtui.tui import clock
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.laying import hanging, problem_content
from flowtui.tui.looks.words import plain
from flowtui.tui.view_models.registered import place_of
from flowtui.tui.widgets.detail.page import Page
from flowtui.tui.widgets.runs import columns

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class RunsTab:
    id = "runs"
    title = "Runs"

    def wanted(self, app: FlowtuiApp, row: FlowRow) -> None:
        if row.version is not None:
            app.registered.read_for_details(place_of(row.version), runs=True)

    def page(self, app: FlowtuiApp, row: FlowRow, width: int) -> Page:
        version = row.version
        if version is None:
            return _words("It has no runs: no version of it is registered.", width)
        if Ability.TELL_RUNS not in app.session.abilities:
            told = f"This control plane cannot {Ability.TELL_RUNS}."
            return _words(told if app.session.connected else "Not connected.", width)
        found = app.session.runs.get(place_of(version))
        if found is None:
            return _words("Reading the runs.", width)
        if isinstance(found, Problem):
            return Page.of(problem_content(found, app.glyphs.failed, width))
        if not found:
            key = app.keymap.key("details.new_run")
            text = f"No runs yet. {key} starts one; an agent picks it up when it is due."
            return _words(text, width)
        now = clock.now()
        shown = columns.columns_of_one_flow(width)
        lines = tuple(_line(run, shown, app.glyphs, now) for run in found)
        longest = max(line.cell_length for line in lines)
        return Page(lines, width=longest if longest > width else 0, choices=dict(enumerate(found)))


def _words(text: str, width: int) -> Page:
    return Page.of(hanging(Content(""), Content.styled(text, "$muted"), width))


def _line(
    run: FlowRun, shown: tuple[columns.Column, ...], glyphs: Glyphs, now: datetime
) -> Content:
    """As in the list of all runs, and after that what the side scrolls into view."""
    moment = run.started or run.scheduled
    return Content.assemble(
        columns.line(run, shown, glyphs, now),
        plain(run.message),
        (f"  {exact(moment)}", "$muted"),
        (f"  {plain(', '.join(run.labels))}" if run.labels else "", "$muted"),
    )
