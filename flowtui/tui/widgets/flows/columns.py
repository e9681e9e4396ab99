"""The columns of the flow browser, and what stands in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len
from textual.content import Content

from flowtui.flow_rows import FlowRow
from flowtui.quantities import ago, exact
from flowtui.run_models import FlowRun
from flowtui.tui.looks.glyphs import STATE_STYLES, STATE_WORDS, Glyphs, run_mark, state_mark
from flowtui.tui.looks.words import padded, plain, shortened, shortened_left
from flowtui.tui.view_models.flow_list import SortBy, Sorting

GAP = 2
"""Cells between two columns."""
_EXACT = 19
"""Cells of an exact time."""
_READABLE = 32
"""Cells that name and file keep, whatever else there is to show."""
_READABLE_WITH_LABELS = 28


_LABEL, _SHORT_LABEL, _ROOM_FOR_LABELS = 16, 8, 90
"""Cells of what deployments call their versions: a content hash and a commit, or the first."""


@dataclass(frozen=True, slots=True)
class Column:
    key: SortBy
    title: str
    width: int
    right: bool = False
    """Whether it is aligned at its right side."""


def columns_for(
    width: int, *, exact_times: bool = False, labels: bool = False
) -> tuple[Column, ...]:
    """The columns that fit into so many cells; name and file share what the others leave.

    `labels`: versions are texts of any length, not numbers.
    """
    moment = _EXACT if exact_times else 9
    label = _LABEL if width >= _ROOM_FOR_LABELS else _SHORT_LABEL
    optional = [
        Column(SortBy.VERSION, "Version", label)
        if labels
        else Column(SortBy.VERSION, "Ver", 5, right=True),
        Column(SortBy.DEPLOYED, "Deployed", moment, right=True),
        Column(SortBy.LAST_RUN, "Last run", _EXACT + 2 if exact_times else 10),
        Column(SortBy.PROJECT, "Project", 14),
    ]
    by_key = {SortBy.STATE: Column(SortBy.STATE, "State", 14)}
    room = width - 14 - 3 * GAP
    for column in optional:
        room -= column.width + GAP
        readable = _READABLE_WITH_LABELS if labels else _READABLE
        if room < (20 if column.key is SortBy.VERSION else readable):
            break
        by_key[column.key] = column
    used = sum(column.width + GAP for column in by_key.values())
    rest = max(width - used - 2 * GAP, 16)
    name = max(min(rest * 5 // 9, 40), 8)
    by_key[SortBy.NAME] = Column(SortBy.NAME, "Name", name)
    by_key[SortBy.FILE] = Column(SortBy.FILE, "File", min(rest - name, 60))
    order = (
        SortBy.STATE,
        SortBy.NAME,
        SortBy.FILE,
        SortBy.PROJECT,
        SortBy.VERSION,
        SortBy.DEPLOYED,
        SortBy.LAST_RUN,
    )
    return tuple(by_key[key] for key in order if key in by_key)


def header(columns: tuple[Column, ...], sorting: Sorting, glyphs: Glyphs) -> Content:
    """The titles; the one that is sorted by has an arrow."""
    parts: list[str | tuple[str, str]] = [" "]
    arrow = glyphs.descending if sorting.reverse else glyphs.ascending
    for column in columns:
        sorted_by = column.key is sorting.by
        title = f"{column.title}{arrow}" if sorted_by else column.title
        text = padded(shortened(title, column.width), column.width, right=column.right)
        parts += [(text, "bold $foreground" if sorted_by else "$muted"), " " * GAP]
    return Content.assemble(*parts)


@dataclass(frozen=True, slots=True)
class Cells:
    """All that one row shows, but the cursor: the same cells, the same line."""

    row: FlowRow
    deploying: str = ""
    """The stage that its deploy is in."""
    selected: bool = False
    new: bool = False
    """It appeared in this session and was not looked at yet."""
    last_run: FlowRun | None = None
    hot: bool = False
    """It is deployed at every save."""


def line(
    cells: Cells,
    columns: tuple[Column, ...],
    glyphs: Glyphs,
    now: datetime,
    *,
    exact_times: bool,
) -> Content:
    parts: list[str | tuple[str, str]] = [" "]
    for column in columns:
        for text, style in _cell(cells, column, glyphs, now, exact_times=exact_times):
            parts.append((text, style))
        parts.append(" " * GAP)
    return Content.assemble(*parts)


def _cell(
    cells: Cells, column: Column, glyphs: Glyphs, now: datetime, *, exact_times: bool
) -> list[tuple[str, str]]:
    row, width = cells.row, column.width
    version = row.version

    def when(moment: datetime | None) -> str:
        return exact(moment) if exact_times else ago(moment, now).removesuffix(" ago")

    match column.key:
        case SortBy.STATE:
            text, style = _state(cells, glyphs)
            return [(padded(shortened(text, width), width), style)]
        case SortBy.NAME:
            return _name(cells, width, glyphs)
        case SortBy.FILE:
            text = shortened_left(plain(row.location), width)
            return [(padded(text, width), "$muted")]
        case SortBy.PROJECT:
            return [(padded(shortened(plain(row.project or ""), width), width), "")]
        case SortBy.VERSION:
            number = plain(version.short) if version is not None else ""
            if version is not None and not version.number:
                number = glyphs.skipped
            return [(padded(shortened(number, width), width, right=column.right), "")]
        case SortBy.DEPLOYED:
            text = when(version.changed) if version is not None else ""
            return [(padded(text, width, right=True), "$muted")]
        case SortBy.LAST_RUN:
            return _run(cells.last_run, width, glyphs, when)


def _state(cells: Cells, glyphs: Glyphs) -> tuple[str, str]:
    """The mark and the word; a selected row has its own mark, the word stays."""
    if cells.deploying:
        mark = glyphs.selected if cells.selected else glyphs.running
        return f"{mark} {cells.deploying}", "bold $accent"
    state = cells.row.state
    mark = glyphs.selected if cells.selected else state_mark(state, glyphs)
    style = f"${STATE_STYLES[state]}"
    return f"{mark} {STATE_WORDS[state]}", f"bold {style}" if cells.selected else style


def _name(cells: Cells, width: int, glyphs: Glyphs) -> list[tuple[str, str]]:
    name = plain(cells.row.name)
    style = "bold" if cells.selected else ""
    marks = f" {glyphs.hot}" if cells.hot else ""
    marks += " new" if cells.new else ""
    if not marks:
        return [(padded(shortened(name, width), width), style)]
    name = shortened(name, width - len(marks))
    return [(name, style), (padded(marks, width - cell_len(name)), "bold $accent")]


def _run(
    run: FlowRun | None, width: int, glyphs: Glyphs, when: Callable[[datetime | None], str]
) -> list[tuple[str, str]]:
    """How the run that started last stands, and when it started."""
    if run is None:
        return [(" " * width, "")]
    mark, style = run_mark(run, glyphs)
    return [(f"{mark} ", style), (padded(when(run.started or run.scheduled), width - 2), "$muted")]
