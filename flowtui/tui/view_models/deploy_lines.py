"""The lines of the list of deploys, of this session and earlier ones. Knows nothing of widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flowtui.deploy.history import RUNNING
from flowtui.deploy.history import DeployRecord as HistoryLine
from flowtui.models import short_version
from flowtui.tui.view_models.deploys import DeployRecord


@dataclass(frozen=True, slots=True)
class Line:
    """One deploy as the list shows it."""

    key: str
    id: str
    """Of the deploy in the history; empty until it has started."""
    state: str
    running: bool
    flow: str
    project: str
    version: str
    """`v3`, or what a deployment calls its version."""
    seconds: float | None
    started: float | None
    folder: str = ""
    """Where it was made; empty for the folder that is open."""
    hot: bool = False
    """A save led to it."""
    fraction: float | None = None
    """How much of the running stage is done, where it tells."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row on the screen: a day's heading, a deploy, or the line found in its log."""

    heading: str = ""
    deploy: int | None = None
    """Its number in the list."""
    found: str = ""


def line_of(record: DeployRecord, now: float) -> Line:
    """A deploy of this session."""
    result = record.result
    state = str(result.outcome) if result is not None else str(record.active_stage or record.phase)
    decided, plan = record.decided, record.plan
    stage = record.active_stage
    total = record.total_progress(stage) if stage is not None else None
    return Line(
        key=record.key,
        id=record.announced.deploy if record.announced is not None else "",
        state=state,
        running=result is None,
        flow=decided.flow if decided is not None else record.flow.display_name,
        project=decided.project if decided is not None else plan.project if plan else "",
        version=short_version(result.version, result.label) if result is not None else "",
        seconds=record.elapsed(now),
        started=record.started,
        hot=record.hot,
        fraction=total.fraction if total is not None else None,
    )


def earlier_line(line: HistoryLine, root: str) -> Line:
    """A deploy of another session; `root` is the folder that is open."""
    running = line.outcome == RUNNING
    return Line(
        key=line.id,
        id=line.id,
        state="elsewhere" if running else line.outcome,
        running=running,
        flow=line.flow,
        project=line.project,
        version=line.version_short,
        seconds=line.seconds,
        started=line.started,
        folder=line.root if line.root != root else "",
    )


def has_words(line: Line, text: str) -> bool:
    """Whether every word of the text is in what the line shows."""
    about = f"{line.flow} {line.project} {line.state} {line.version} {line.id}".casefold()
    return all(word in about for word in text.casefold().split())


def rows_of(
    starts: Sequence[float | None],
    found: Mapping[int, str],
    today: date,
    day_of: Callable[[float], date],
) -> tuple[Row, ...]:
    """Deploys below the heading of their day; `found` is the line of a log by number of deploy.

    `starts` are their starts in seconds since the epoch, newest first.
    """
    rows: list[Row] = []
    day: date | None = None
    for number, start in enumerate(starts):
        its_day = day_of(start) if start is not None else today
        if its_day != day:
            day = its_day
            rows.append(Row(heading=day_in_words(day, today)))
        rows.append(Row(deploy=number))
        if found.get(number):
            rows.append(Row(deploy=number, found=found[number]))
    return tuple(rows)


def local_day(moment: float) -> date:
    return datetime.fromtimestamp(moment).date()


def day_in_words(day: date, today: date) -> str:
    """`Today`, `Yesterday`, `Tue 24 Nov`, with the year where it is another one."""
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    return f"{day:%a} {day.day} {day:%b}" + (f" {day.year}" if day.year != today.year else "")
