"""Runs as lines for people and as JSON."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

import click

from flowtui.agents.waiting import Waiting
from flowtui.cli.output import Output, style
from flowtui.errors import ExitCode
from flowtui.models import Problem, version_in_words
from flowtui.run_models import FlowRun, RunLine, RunState, StateChange
from flowtui.text import clean_block, redact

COLOURS: Mapping[RunState, str] = {
    RunState.PLANNED: "bright_black",
    RunState.RUNNING: "cyan",
    RunState.GOOD: "green",
    RunState.BAD: "red",
    RunState.CANCELLED: "yellow",
}
_LEVEL_COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
_STATE_CELLS = 10
_WRITER_CELLS = len("CloudTaskRunner")
_ESCAPE, _NO_COLOUR = "\x1b", "\x1b[0m"
SHORT_ID = 8
"""Characters of an id in what a person types again."""


def run_as_json(run: FlowRun) -> dict[str, object]:
    return {**asdict(run), "kind": str(run.kind)}


def moment(at: datetime | None) -> str:
    """To the second, in local time."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at is not None else ""


def titled(run: FlowRun) -> str:
    """`“brave-heron” of “etl” version 3 in “team”`."""
    place = f" in “{run.project}”" if run.project else ""
    words = version_in_words(run.version, run.version_label)
    version = f" {words}" if words else ""
    return f"“{run.name}” of “{run.flow}”{version}{place}"


def tell_waiting(output: Output, reasons: Sequence[Waiting]) -> None:
    """Why a run waits, on stderr."""
    for reason in reasons:
        output.note(f"waiting: {reason.what}")
        if reason.fix:
            output.note(f"   next: {reason.fix}")


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines of a log are wanted."""

    level: str = ""
    """The least important one; empty for all."""
    task: str = ""
    """`load` for a task with all its children, `load[3]` for one of them; empty for all lines."""

    def takes(self, line: RunLine, label: str) -> bool:
        """`label` is the name of the line's task."""
        if self.task and not self.is_task(label):
            return False
        return not self.level or _importance(line.level) >= _importance(self.level)

    def is_task(self, label: str) -> bool:
        return self.task in (label, label.rpartition("[")[0])


def _importance(level: str) -> int:
    """A level that is not known, or none at all, counts as INFO."""
    number = logging.getLevelNamesMapping().get(level.upper())
    return number or logging.INFO


class RunPrinter:
    """Prints what happens to a run, a line for each thing."""

    def __init__(self, output: Output, *, today: date | None = None) -> None:
        self._output = output
        self._today = today or datetime.now().astimezone().date()

    def state(self, change: StateChange) -> None:
        word = style(f"{change.state:{_STATE_CELLS}}", fg=COLOURS[change.kind], bold=True)
        self._print(change.moment, word, change.message)

    def line(self, line: RunLine, label: str = "") -> None:
        """`label` says what wrote it, where that is known better than by its logger."""
        level = line.level.upper()
        colour = _LEVEL_COLOURS.get(level)
        padded = f"{level:{_STATE_CELLS}}"
        mark = style(padded, fg=colour) if colour else style(padded, dim=True)
        writer = label or line.logger.removeprefix("prefect.")
        text = _coloured(line.text)
        self._print(line.moment, mark, f"{style(f'{writer:{_WRITER_CELLS}}', dim=True)}  {text}")

    def waiting(self, reasons: Sequence[Waiting]) -> None:
        tell_waiting(self._output, reasons)

    def trouble(self, problem: Problem) -> None:
        self._output.note(f"{problem.what}; asking again")

    def ended(self, run: FlowRun) -> None:
        took = run.seconds(run.ended) if run.ended is not None else None
        how_long = f" after {took:.1f} s" if took is not None else ""
        self._output.note(f"run {titled(run)} ended as {run.state}{how_long}")

    def _print(self, at: datetime, mark: str, text: str) -> None:
        local = at.astimezone()
        clock = local.strftime("%H:%M:%S")
        if local.date() != self._today:
            clock = local.strftime("%Y-%m-%d %H:%M:%S")
        first, *rest = text.splitlines() or [""]
        click.echo(redact(f"{style(clock, dim=True)}  {mark}  {first}".rstrip()))
        for more in rest:
            click.echo(redact(f"{'':{len(clock) + _STATE_CELLS + 4}}{more}"))


def _coloured(text: str) -> str:
    """A line's own colours where colours are wanted, ended with the line."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return clean_block(text)
    return "\n".join(
        f"{line}{_NO_COLOUR}" if _ESCAPE in line else line for line in text.splitlines()
    )


class RunJson:
    """The same as JSON, one object a line, told apart by `event`."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def state(self, change: StateChange) -> None:
        self._event("state", {**asdict(change), "kind": str(change.kind)})

    def line(self, line: RunLine, label: str = "") -> None:
        named = {"task": label} if label else {}
        self._event("log", {**asdict(line), **named, "text": clean_block(line.text)})

    def waiting(self, reasons: Sequence[Waiting]) -> None:
        self._event("waiting", {"reasons": [asdict(each) for each in reasons]})

    def trouble(self, problem: Problem) -> None:
        self._event("trouble", asdict(problem))

    def started(self, run: FlowRun) -> None:
        self._event("run_started", run_as_json(run))

    def ended(self, run: FlowRun, code: ExitCode) -> None:
        self._event("run_ended", {**run_as_json(run), "exit_code": int(code)})

    def stopped(self, run: FlowRun) -> None:
        """Nobody follows any more; the run goes on."""
        self._event("stopped_following", {"id": run.id, "name": run.name})

    def _event(self, name: str, values: Mapping[str, object]) -> None:
        self._output.data({"event": name, **values})
