"""How agents, and runs that wait for one, are written: one line or a few for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil

from textual.content import Content

from flowtui.agents.kinds import AgentKind, agent_kind
from flowtui.agents.waiting import WaitingKind, is_silent
from flowtui.quantities import ago, counted
from flowtui.run_models import Agent
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.laying import hanging
from flowtui.tui.looks.words import padded, plain, plain_block, shortened
from flowtui.tui.view_models.agents import OwnAgent, Stand, WaitingGroup

_TYPE, _PREFECT, _SEEN, _RUNS = 9, 9, 16, 5
_NAMES = 76
"""Cells that name and labels have together where there is much room."""
_NARROW = 66
"""Cells below which Prefect's version makes way."""
_COUNT = 9
"""Cells of how many runs wait."""
_MOST_FLOWS = 3
_OF_EACH = (WaitingKind.NOT_DUE, WaitingKind.ARCHIVED, WaitingKind.TAKEN)
"""What is said differs from run to run of a group."""


def seen(agent: Agent, now: datetime) -> str:
    """`3s ago`, `2h ago`, `never`."""
    if agent.last_seen is None:
        return "never"
    seconds = (now - agent.last_seen).total_seconds()
    return f"{max(int(seconds), 0)}s ago" if seconds < 60 else ago(agent.last_seen, now)


def type_of(agent: Agent) -> str:
    kind = agent_kind(agent)
    return plain(agent.type) if kind is AgentKind.UNKNOWN else kind.value


def agents_head(width: int, *, workers: bool = False) -> Content:
    """The line above agents that names the columns."""
    takes = "Work pool" if workers else "Labels"
    cells = _row("Name", "Type", takes, "Prefect", "Last seen", "Runs", width)
    return Content.styled(f"  {cells}", "$muted")


def agent_line(
    agent: Agent, runs: int | None, now: datetime, glyphs: Glyphs, width: int
) -> Content:
    """One agent of the control plane."""
    silent = is_silent(agent, now)
    mark, style = (glyphs.absent, "$warning") if silent else (glyphs.running, "$success")
    when = seen(agent, now)
    cells = _row(
        plain(agent.name) or "without a name",
        type_of(agent),
        plain(agent.work_pool) or _labels(agent.labels),
        plain(agent.core_version),
        f"{'offline' if agent.online is False else 'silent'}, {when}" if silent else when,
        _runs(runs),
        width,
    )
    return Content.assemble((f"{mark} ", style), (cells, "$muted" if silent else ""))


def own_line(
    own: OwnAgent,
    agent: Agent | None,
    runs: int | None,
    now: datetime,
    glyphs: Glyphs,
    width: int,
) -> Content:
    """One that this app started: also how its process stands."""
    mark, style = own_mark(own, glyphs)
    cells = _row(
        plain(own.name),
        own.spec.kind.value,
        plain(own.spec.work_pool) or _labels((agent or own.spec).labels),
        plain(own.prefect),
        seen(agent, now) if agent is not None and not own.ended else "",
        _runs(runs) if not own.ended else "",
        width,
    )
    head = Content.assemble((f"{mark} ", f"bold {style}"), cells, "\n")
    words = Content.styled(own_words(own, now), style if own.unwell else "$muted")
    return Content.assemble(head, hanging(Content("    "), words, width)).rstrip()


def own_mark(own: OwnAgent, glyphs: Glyphs) -> tuple[str, str]:
    """The mark of how it stands, and its style."""
    return {
        Stand.PREPARING: (glyphs.waiting, "$accent"),
        Stand.STARTING: (glyphs.waiting, "$accent"),
        Stand.RUNNING: (glyphs.running, "$success"),
        Stand.RESTARTING: ("!", "$warning"),
        Stand.STOPPING: (glyphs.paused, "$warning"),
        Stand.STOPPED: (glyphs.skipped, "$muted"),
        Stand.GAVE_UP: (glyphs.failed, "$error"),
    }[own.stand]


def own_words(own: OwnAgent, now: datetime) -> str:
    """How it stands, and why, in one line."""
    process = f", process {own.pid}" if own.pid is not None else ""
    match own.stand:
        case Stand.PREPARING:
            return plain(own.preparing) or "looking for its Python and the address"
        case Stand.STARTING:
            return f"starting{process}: it has not asked for runs yet"
        case Stand.RUNNING:
            return f"running{process}; ends with flowtui"
        case Stand.RESTARTING:
            left = max(ceil(own.restart_at - now.timestamp()), 0)
            why = f": {plain(own.problem.what)}" if own.problem is not None else ""
            return f"died; restarting in {left} s{why}"
        case Stand.STOPPING:
            if own.spec.is_worker:
                return f"stopping{process}: it takes no more runs, and sees its own to their end"
            return f"stopping{process}: it finishes what it has begun"
        case Stand.STOPPED:
            left = own.flow_runs_left
            return f"stopped; {counted(left, 'run')} of it go on" if left else "stopped"
        case Stand.GAVE_UP:
            return _gave_up(own)


def _gave_up(own: OwnAgent) -> str:
    if own.problem is None:
        return "gave up"
    fix = f". Next: {plain(own.problem.fix)}" if own.problem.fix else ""
    return f"gave up: {plain(own.problem.what)}{fix}"


def waiting_line(
    group: WaitingGroup, *, more: bool = False, full: bool = False, width: int
) -> Content:
    """How many runs wait, for what, and what to do; in `full` also where that is little."""
    count = f"{len(group.runs)}{'+' if more else ''} run{'' if len(group.runs) == 1 else 's'}"
    head = Content.styled(f"{count:<{_COUNT}}", "bold")
    urgent = group.kind not in (WaitingKind.NOT_DUE, WaitingKind.SOON, WaitingKind.TAKEN)
    parts: list[Content] = []
    for number, reason in enumerate(group.reasons):
        first = ", the first" if len(group.runs) > 1 and reason.kind in _OF_EACH else ""
        what = f"{reason.kind}{first}: {plain_block(reason.what)}"
        if number == 0:
            what = f"{what} ({flows_of(group)})"
        style = "$foreground" if urgent else "$muted"
        parts.append(hanging(head if number == 0 else _indent(), _text(what, style), width))
        if reason.fix and (full or reason.kind is not WaitingKind.NOT_DUE):
            parts.append(hanging(_next(), _text(plain_block(reason.fix), "$accent"), width))
    return Content.assemble(*parts).rstrip()


def flows_of(group: WaitingGroup) -> str:
    """`etl`, `etl, report and 3 more`."""
    names = list(dict.fromkeys(plain(run.flow) for run in group.runs))
    shown = ", ".join(shortened(name, 24) for name in names[:_MOST_FLOWS])
    left = len(names) - _MOST_FLOWS
    return f"{shown} and {left} more" if left > 0 else shown


def _text(text: str, style: str) -> Content:
    return Content.styled(text, style)


def _indent() -> Content:
    return Content(" " * _COUNT)


def _next() -> Content:
    return Content.styled(f"{'next:':>{_COUNT - 1}} ", "$muted")


def _labels(labels: Sequence[str]) -> str:
    return ", ".join(plain(label) for label in labels) or "none"


def _runs(runs: int | None) -> str:
    return "" if runs is None else str(runs)


def _row(
    name: str, type_: str, labels: str, prefect: str, last_seen: str, runs: str, width: int
) -> str:
    prefect_room = _PREFECT if width >= _NARROW else 0
    rest = min(max(width - 2 - _TYPE - prefect_room - _SEEN - _RUNS, 16), _NAMES)
    name_room = max(min(rest * 13 // 20, 36), 8)
    cells = (
        (name, name_room),
        (type_, _TYPE),
        (labels, rest - name_room),
        (prefect, prefect_room),
        (last_seen, _SEEN),
    )
    line = "".join(padded(shortened(text, room - 1), room) for text, room in cells if room)
    return f"{line}{padded(runs, _RUNS - 1, right=True)}"
