"""A deploy's events as lines for people, on stderr while it runs."""

from __future__ import annotations

import shutil
import sys
from collections import deque

from flowtui.cli.output import print_problem, style
from flowtui.deploy.events import (
    DeployFinished,
    DeployStarted,
    Event,
    Level,
    LogLine,
    Outcome,
    Planned,
    ProblemFound,
    Progress,
    Stage,
    StageFinished,
    StageStarted,
)
from flowtui.models import Problem
from flowtui.text import clean

MARKS = {
    Outcome.DONE: ("done", "green"),
    Outcome.UNCHANGED: ("unchanged", "green"),
    Outcome.SKIPPED: ("skipped", "bright_black"),
    Outcome.FAILED: ("failed", "red"),
    Outcome.CANCELLED: ("cancelled", "yellow"),
}
_WIDTH = max(len(stage) for stage in Stage)
CLEAR_LINE = "\r\x1b[K"
_TAIL = 15
"""Log lines of a failed stage that are shown when the whole log was not."""


class EventPrinter:
    """Prints one line a stage; with `verbose` every log line, else the last ones of a failure.

    On a terminal the last line shows what the running stage is doing, and goes away when it ends.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._tail: deque[LogLine] = deque(maxlen=_TAIL)
        self._live = sys.stderr.isatty() and not verbose

    def __call__(self, event: Event) -> None:
        match event:
            case DeployStarted():
                self._line(f"{_bold(event.flow)}  {event.target}")
            case Planned():
                where = event.image or f"{event.storage} storage"
                project = f"“{event.project}”" if event.project else "no project"
                self._line(f"  {'':{_WIDTH}}  to {project} as {where}")
                for reason in event.reasons:
                    self._line(f"  {'':{_WIDTH}}  {style(reason, dim=True, stream=sys.stderr)}")
            case StageStarted():
                self._tail.clear()
                self._show(event.stage, "…")
                if self._verbose:
                    self._line(f"  {event.stage:{_WIDTH}}  started  {event.detail}".rstrip())
            case LogLine():
                self._log(event)
            case StageFinished():
                self._finished(event)
            case Progress():
                total = f"/{event.total}" if event.total is not None else ""
                done = f"{event.item} {event.current}{total} {event.unit}"
                self._show(event.stage, f"{done}  {event.status}")
            case ProblemFound():
                self._clear()
                print_problem(Problem(event.what, event.where, event.fix))
            case DeployFinished():
                self._result(event)

    def _log(self, event: LogLine) -> None:
        self._tail.append(event)
        self._show(event.stage, event.text)
        if self._verbose or event.level in (Level.WARNING, Level.ERROR):
            self._print_log(event)

    def _print_log(self, event: LogLine) -> None:
        text = event.text if sys.stderr.isatty() else clean(event.text)
        self._line(f"  {event.stage:{_WIDTH}}  | {text}")

    def _finished(self, event: StageFinished) -> None:
        if event.outcome is Outcome.FAILED and not self._verbose:
            for line in self._tail:
                if line.level not in (Level.WARNING, Level.ERROR):
                    self._print_log(line)
        word, colour = MARKS[event.outcome]
        mark = style(f"{word:9}", fg=colour, stream=sys.stderr)
        took = f"{event.seconds:6.1f}s" if event.outcome is not Outcome.SKIPPED else " " * 7
        # What failed is said once, by the problem that follows.
        detail = event.detail if event.outcome is not Outcome.FAILED else ""
        self._line(f"  {event.stage:{_WIDTH}}  {mark} {took}  {detail}".rstrip())

    def _result(self, event: DeployFinished) -> None:
        word, colour = MARKS[event.outcome]
        what = event.version_words
        digest = f"{event.image}@{event.digest}" if event.image and event.digest else ""
        reason = event.reason if event.outcome is not Outcome.FAILED else ""
        parts = (what, digest or event.image or "", reason)
        text = ", ".join(part for part in parts if part)
        mark = style(f"{word:9}", fg=colour, bold=True, stream=sys.stderr)
        self._line(f"  {'':{_WIDTH}}  {mark} {event.seconds:6.1f}s  {text}".rstrip())

    def _show(self, stage: Stage, doing: str) -> None:
        if not self._live:
            return
        width = shutil.get_terminal_size().columns - 1
        text = f"  {stage:{_WIDTH}}  {clean(doing)}"[:width]
        sys.stderr.write(f"{CLEAR_LINE}{style(text, dim=True, stream=sys.stderr)}")
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write(CLEAR_LINE)

    def _line(self, text: str) -> None:
        self._clear()
        sys.stderr.write(text.replace("\n", " ") + "\n")
        sys.stderr.flush()


def _bold(text: str) -> str:
    return style(clean(text), bold=True, stream=sys.stderr)
