"""The columns of a list of runs, and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from textual.content import Content

from flowtui.quantities import ago, duration, exact, when
from flowtui.run_models import FlowRun, RunState
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.run_states import RUN_STYLES, state_mark
from flowtui.tui.looks.words import padded, plain, shortened

GAP = 2
"""Cells between two columns."""
_STATE, _VERSION, _WHEN, _EXACT, _TOOK = 12, 4, 9, 19, 6
_OWN_VERSION = 10
"""Cells of a deployment's version, which is text."""
_PROJECT, _LABELS = 16, 20
_READABLE = 44
"""Cells that flow, name and message keep, whatever else there is to show."""
_MOST_FLOW, _MOST_NAME = 28, 24
_LATE = timedelta(minutes=1)


class Shows(StrEnum):
    STATE = "State"
    FLOW = "Flow"
    NAME = "Run"
    PROJECT = "Project"
    VERSION = "Ver"
    WHEN = "When"
    TOOK = "Took"
    LABELS = "Labels"
    POOL = "Work pool"
    MESSAGE = "Message"


@dataclass(frozen=True, slots=True)
class Column:
    shows: Shows
    width: int

    @property
    def right(self) -> bool:
        """Whether it is aligned at its right side."""
        return self.shows in (Shows.VERSION, Shows.WHEN, Shows.TOOK)


def columns_for(
    width: int, *, exact_times: bool = False, deployments: bool = False
) -> tuple[Column, ...]:
    """The columns that fit into so many cells; flow and run name share what the others leave.

    Runs of deployments have a work pool in place of labels.
    """
    moment = _EXACT if exact_times else _WHEN
    fixed = {
        Shows.STATE: _STATE,
        Shows.VERSION: _OWN_VERSION if deployments else _VERSION,
        Shows.WHEN: moment,
        Shows.TOOK: _TOOK,
    }
    # The last cell stays free: beside it is the scroll bar.
    room = width - sum(each + GAP for each in fixed.values()) - GAP - 1
    if deployments and room < _READABLE:
        room += fixed.pop(Shows.VERSION) + GAP
    taker = Shows.POOL if deployments else Shows.LABELS
    for shows, cells in ((taker, _LABELS), (Shows.PROJECT, _PROJECT)):
        if room - cells - GAP >= _READABLE:
            fixed[shows] = cells
            room -= cells + GAP
    flow = min(max(room * 5 // 9, 8), _MOST_FLOW)
    name = min(max(room - flow, 6), _MOST_NAME)
    fixed |= {Shows.FLOW: flow, Shows.NAME: name}
    rest = room - flow - name - GAP
    if rest >= _MOST_NAME:
        fixed[Shows.MESSAGE] = rest
    return tuple(Column(shows, fixed[shows]) for shows in Shows if shows in fixed)


def columns_of_one_flow(width: int) -> tuple[Column, ...]:
    """Where all runs are of one flow."""
    others = _STATE + _VERSION + _WHEN + _TOOK + 5 * GAP
    return (
        Column(Shows.STATE, _STATE),
        Column(Shows.NAME, min(max(width - others, 8), _MOST_NAME)),
        Column(Shows.VERSION, _VERSION),
        Column(Shows.WHEN, _WHEN),
        Column(Shows.TOOK, _TOOK),
    )


def header(columns: tuple[Column, ...]) -> Content:
    titles = [
        padded(shortened(f"{column.shows}", column.width), column.width, right=column.right)
        for column in columns
    ]
    if titles:
        titles[0] = padded(f"  {Shows.STATE}", _STATE)
    return Content.styled((" " * GAP).join(titles), "$muted")


def line(
    run: FlowRun,
    columns: tuple[Column, ...],
    glyphs: Glyphs,
    now: datetime,
    *,
    exact_times: bool = False,
) -> Content:
    parts: list[str | tuple[str, str]] = []
    for column in columns:
        text, style = _cell(run, column, glyphs, now, exact_times=exact_times)
        cut = shortened(text, column.width)
        parts += [(padded(cut, column.width, right=column.right), style), " " * GAP]
    return Content.assemble(*parts)


def _cell(
    run: FlowRun, column: Column, glyphs: Glyphs, now: datetime, *, exact_times: bool
) -> tuple[str, str]:
    match column.shows:
        case Shows.STATE:
            style = RUN_STYLES[run.kind]
            bold = "bold " if run.kind is RunState.RUNNING else ""
            return f"{state_mark(run.state, glyphs)} {plain(run.state)}", f"{bold}{style}"
        case Shows.FLOW:
            return plain(run.flow_name), ""
        case Shows.NAME:
            return plain(run.name), ""
        case Shows.PROJECT:
            return plain(run.project), "$muted"
        case Shows.VERSION:
            return plain(run.version_words), "$muted"
        case Shows.WHEN:
            return moment_words(run, now, exact_times=exact_times)
        case Shows.TOOK:
            seconds = run.seconds(now)
            return duration(seconds) if seconds is not None else "", ""
        case Shows.POOL:
            return plain(run.work_pool), "$muted"
        case Shows.LABELS:
            return plain(", ".join(run.labels)), "$muted"
        case Shows.MESSAGE:
            return plain(run.message), "$muted"


def moment_words(run: FlowRun, now: datetime, *, exact_times: bool = False) -> tuple[str, str]:
    """When it started, or is planned to; one that is due and has not started is late."""
    moment = run.started or run.state_start or run.scheduled
    if exact_times:
        return exact(moment), "$muted"
    if run.kind is RunState.PLANNED and moment is not None and now - moment >= _LATE:
        return f"late {ago(moment, now).removesuffix(' ago')}", "$warning"
    return when(moment, now), "$muted"
