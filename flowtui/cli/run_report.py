"""One run on a page: what it was started with, its states, its task runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from flowtui.cli.output import Output
from flowtui.cli.run_lines import moment, run_as_json, titled
from flowtui.run_models import FlowRun, RunState, StateChange, TaskRun
from flowtui.runs.tasks import Counts, TaskLine, task_lines

_WORDS = {
    RunState.GOOD: "done",
    RunState.RUNNING: "running",
    RunState.PLANNED: "waiting",
    RunState.BAD: "failed",
    RunState.CANCELLED: "cancelled",
}


def report_as_json(
    run: FlowRun, states: Sequence[StateChange], tasks: Sequence[TaskRun]
) -> dict[str, object]:
    """Every task run, the mapped ones too."""
    return {
        **run_as_json(run),
        "states": [{**asdict(each), "kind": str(each.kind)} for each in states],
        "task_runs": [{**asdict(each), "kind": str(each.kind)} for each in tasks],
    }


def report(
    output: Output,
    run: FlowRun,
    states: Sequence[StateChange],
    tasks: Sequence[TaskRun],
    now: datetime,
) -> None:
    output.line(f"run {titled(run)}")
    for name, text in _facts(run, now):
        if text:
            output.line(f"  {name:12}{text}")
    if states:
        output.line()
        _states(output, states, now)
    if tasks:
        output.line()
        _tasks(output, tasks, now)


def _facts(run: FlowRun, now: datetime) -> list[tuple[str, str]]:
    seconds = run.seconds(now)
    config = run.run_config
    return [
        ("id", run.id),
        ("state", f"{run.state}: {run.message}" if run.message else run.state),
        ("planned", moment(run.scheduled) + (" by its schedule" if run.auto_scheduled else "")),
        ("started", moment(run.started)),
        ("ended", moment(run.ended)),
        ("took", _seconds(seconds)),
        ("parameters", _json(run.parameters) if run.parameters else ""),
        ("labels", ", ".join(run.labels)),
        ("run config", str(config.get("type") or _json(config)) if config else ""),
        ("Prefect", run.core_version),
        ("version", "archived since" if run.version_archived else ""),
    ]


def _states(output: Output, states: Sequence[StateChange], now: datetime) -> None:
    ends = [*(change.moment for change in states[1:]), None]
    output.table(
        ("STATE", "SINCE", "FOR", "MESSAGE"),
        (
            (
                change.state,
                moment(change.moment),
                _for(change, end, now),
                change.message,
            )
            for change, end in zip(states, ends, strict=True)
        ),
    )


def _for(change: StateChange, end: datetime | None, now: datetime) -> str:
    if end is None and change.kind.is_over:
        return ""
    return _seconds(((end or now) - change.moment).total_seconds())


def _tasks(output: Output, tasks: Sequence[TaskRun], now: datetime) -> None:
    order = list(dict.fromkeys(task.slug for task in tasks))
    output.table(
        ("STATE", "TASK", "STARTED", "TOOK", "TRIES", "MESSAGE"),
        (
            (
                line.run.state if line.children is None else _WORDS[line.kind],
                line.label,
                moment(line.run.started or line.seconds_from),
                _seconds(line.seconds(now)),
                str(line.run.attempts) if line.run.attempts > 1 else "",
                _message(line),
            )
            for line in task_lines(tasks, order, ())
        ),
    )


def _message(line: TaskLine) -> str:
    return line.run.message if line.children is None else _counted(line.children)


def _counted(counts: Counts) -> str:
    """`130 mapped: 128 done, 2 failed`."""
    parts = [f"{counts[kind]} {word}" for kind, word in _WORDS.items() if counts[kind]]
    return f"{counts.total} mapped: {', '.join(parts)}"


def _seconds(seconds: float | None) -> str:
    return f"{seconds:.1f}s" if seconds is not None else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
