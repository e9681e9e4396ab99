"""What stands above the tabs of a run: what it is, how it stands, why it waits or failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from rich.cells import cell_len
from textual.content import Content

from flowtui.agents.takers import reasons
from flowtui.models import Json
from flowtui.quantities import ago, duration
from flowtui.run_models import Agent, FlowRun, RunState, StateChange
from flowtui.runs.tasks import first_failure, task_names
from flowtui.tui.actions.keymap import Keymap
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.laying import LABEL, field, hanging
from flowtui.tui.looks.run_states import RUN_STYLES, state_mark, state_style
from flowtui.tui.looks.words import plain, plain_block, shortened
from flowtui.tui.screens.why_waiting import reasons_content
from flowtui.tui.view_models.run_watch import RunWatch, waits
from flowtui.tui.widgets.runs.columns import moment_words

_LEAST_NAME = 8
"""Cells that the names of flow and run keep, whatever else there is to say."""
_UNSAID = 6.0
"""Seconds without an answer that nobody needs to hear of."""


def title(watch: RunWatch, run: FlowRun, glyphs: Glyphs, now: datetime, width: int) -> Content:
    """Flow, version, run name, state, since when, how long; long names make way for the state."""
    mark, style = state_mark(run.state, glyphs), RUN_STYLES[run.kind]
    moment, moment_style = _since(run, now)
    version = f" {plain(run.version_words)}" if run.version_words else ""
    how = Content.assemble(
        (f"   {mark} {plain(run.state)}{_took(run, now)}", f"bold {style}"),
        (f"   {moment}" if moment else "", moment_style),
        (_unanswered(watch, now), "$warning"),
    )
    room = max(width - how.cell_length - len(version) - 2, 2 * _LEAST_NAME)
    name = shortened(plain(run.name), max(room - cell_len(plain(run.flow_name)), room // 2))
    flow = shortened(plain(run.flow_name), room - cell_len(name))
    return Content.assemble((flow, "bold"), (version, "$muted"), f"  {name}", how)


def _since(run: FlowRun, now: datetime) -> tuple[str, str]:
    """When it began or ended; before that when it is planned to."""
    if run.kind is RunState.PLANNED:
        return moment_words(run, now)
    if run.ended is not None:
        return ago(run.ended, now), "$muted"
    started = run.started.astimezone() if run.started is not None else None
    if started is None:
        return "", ""
    today = started.date() == now.astimezone().date()
    return f"since {started:%H:%M:%S}" if today else f"since {started:%Y-%m-%d %H:%M}", "$muted"


def _took(run: FlowRun, now: datetime) -> str:
    """While it runs in whole seconds: tenths would only flicker."""
    seconds = run.seconds(now)
    if seconds is None:
        return ""
    return f" {duration(seconds)}" if run.ended or seconds >= 60 else f" {int(seconds)}s"


def _unanswered(watch: RunWatch, now: datetime) -> str:
    """How long ago the control plane answered last, where it does not now."""
    if watch.problem is None:
        return ""
    if watch.answered is None:
        return f"   no answer: {plain(watch.problem.what)}"
    seconds = (now - watch.answered).total_seconds()
    if seconds < _UNSAID:
        return ""
    since = f"{int(seconds)} s ago" if seconds < 60 else ago(watch.answered, now)
    return f"   last answer {since}"


def about(watch: RunWatch, run: FlowRun, width: int, *, tall: bool) -> Content:
    """Parameters, labels and agent: in one line, or where there is room below each other."""
    parameters, labels = _parameters(run.parameters), plain(", ".join(run.labels))
    is_deployment = bool(run.deployment or run.work_pool)
    pool = plain("/".join(filter(None, (run.work_pool, run.work_queue))))
    tags = plain(", ".join(run.tags))
    agent = _agent(watch, run)
    if not tall:
        parts = [parameters or "no parameters"]
        parts += [f"labels {labels}"] if labels else []
        parts += [f"work pool {pool}"] if pool else []
        parts += [agent] if agent else []
        return Content.styled(shortened("   ".join(parts), width), "$muted")
    room = (width - LABEL) * 3
    rows = [
        field("Parameters", shortened(parameters, room) or ("none", "$muted"), width=width),
        field("Work pool", pool or ("none", "$muted"), width=width)
        if is_deployment
        else field("Labels", labels or ("none", "$muted"), width=width),
    ]
    if tags:
        rows.append(field("Tags", tags, width=width))
    if agent:
        rows.append(field("Worker" if is_deployment else "Agent", agent, width=width))
    project = plain(run.project) or ("no project", "$muted")
    rows.append(field("Project", project, (f"   {run.id}", "$muted"), width=width))
    return Content.assemble(*rows).rstrip("\n")


def _parameters(parameters: Mapping[str, Json]) -> str:
    """`country="north", limit=10`."""
    said = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in parameters.items())
    return plain(", ".join(said))


def _agents(watch: RunWatch) -> tuple[Agent, ...]:
    return watch.takers.agents if watch.takers is not None else ()


def _agent(watch: RunWatch, run: FlowRun) -> str:
    known = next((agent for agent in _agents(watch) if agent.id == run.agent_id), None)
    if known is not None:
        return plain(f"{known.name} ({known.type})")
    return f"agent {plain(run.agent_id[:8])}" if run.agent_id else ""


def notice(
    watch: RunWatch, run: FlowRun, glyphs: Glyphs, keymap: Keymap, now: datetime, width: int
) -> tuple[Content, str]:
    """What a person must know now, and of which kind it is: waiting, failed, ended, gone, empty."""
    if watch.gone:
        return Content("The control plane does not know this run any more."), "gone"
    if waits(run):
        known = watch.takers
        found = reasons(run, known, now) if known is not None else ()
        if not found:
            taker = "a worker" if run.work_pool else "an agent"
            return Content.styled(f"It waits for {taker}.", "$muted"), "waiting"
        return reasons_content(found, width), "waiting"
    match run.kind:
        case RunState.BAD:
            return _failure(watch, run, glyphs, keymap, width), "failed"
        case RunState.CANCELLED:
            return _ended(run, glyphs, width), "cancelled"
        case RunState.GOOD:
            return _ended(run, glyphs, width), "good"
        case _:
            if run.state == "Cancelling":
                text = "It is being cancelled: its process stops when it asks next."
                return Content.styled(text, "$warning"), "cancelled"
            return Content(""), ""


def _ended(run: FlowRun, glyphs: Glyphs, width: int) -> Content:
    seconds = run.seconds(run.ended) if run.ended is not None else None
    after = f" after {duration(seconds)}" if seconds is not None else ""
    message = f"  {plain(run.message)}" if run.message else ""
    return Content.assemble(
        (
            f"{state_mark(run.state, glyphs)} {plain(run.state)}{after}",
            f"bold {RUN_STYLES[run.kind]}",
        ),
        (shortened(message, max(width - 24, 0)), "$muted"),
    )


def _failure(watch: RunWatch, run: FlowRun, glyphs: Glyphs, keymap: Keymap, width: int) -> Content:
    """The task that failed first and what it says; else what the run says."""
    failed = first_failure(watch.tasks)
    mark = Content.styled(f"{glyphs.failed} ", "bold $error")
    if failed is not None:
        name = task_names(watch.tasks)[failed.id]
        said = plain_block(failed.message) or failed.state
        text = Content.assemble((f"Task {plain(name)}: ", "bold $error"), (said, "$error"))
    else:
        said = plain_block(run.message) or f"{run.state} without a reason"
        text = Content.styled(said, "bold $error")
    keys = (
        f"{keymap.key('task_runs.first_error')}  first error in the log    "
        f"{keymap.key('flow_run.run_again')}  run again"
    )
    lines = hanging(mark, text, width).rstrip("\n").split("\n")
    shown = [*lines[:3], Content.styled(f"  {keys}", "$muted")]
    return Content("\n").join(shown)


def timeline(states: tuple[StateChange, ...], glyphs: Glyphs, width: int, rows: int) -> Content:
    """The states that it went through with their moments, the last ones where room is short."""
    pieces: list[Content] = []
    before: datetime | None = None
    for change in states:
        moment = f"{change.moment.astimezone():%H:%M:%S}"
        if before is not None:
            moment = f"+{duration((change.moment - before).total_seconds())}"
        before = change.moment
        pieces.append(
            Content.assemble(
                (
                    f"{state_mark(change.state, glyphs)} {plain(change.state)}",
                    state_style(change.state),
                ),
                (f" {moment}", "$muted"),
            )
        )
    return _laid(pieces, glyphs, width, rows)


def _laid(pieces: list[Content], glyphs: Glyphs, width: int, rows: int) -> Content:
    arrow = Content.styled(f" {glyphs.arrow} ", "$faint")
    left_out = 0
    while True:
        shown = pieces[left_out:]
        if left_out:
            shown = [Content.styled(f"{left_out} before", "$muted"), *shown]
        lines = _wrapped(shown, arrow, width)
        if len(lines) <= rows or left_out + 1 >= len(pieces):
            return Content("\n").join(lines)
        left_out += 1


def _wrapped(pieces: list[Content], arrow: Content, width: int) -> list[Content]:
    lines: list[Content] = []
    for piece in pieces:
        if lines and lines[-1].cell_length + arrow.cell_length + piece.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], arrow, piece)
        else:
            lines.append(Content.assemble(arrow, piece) if lines else piece)
    return lines
