"""Several deploys as lines for people: one for each stage that ended, and one that lives."""

from __future__ import annotations

import shutil
import sys
from collections import deque

from flowtui.cli.output import print_problem, style
from flowtui.cli.progress import CLEAR_LINE, MARKS
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

_WIDTH = max(len(stage) for stage in Stage)
_WIDEST_NAME = 28
_TAIL = 15
"""Log lines of a failed stage that are shown when the whole log was not."""


class TogetherPrinter:
    """Each line begins with the flow it is about; skipped stages are not worth one.

    On a terminal the last line tells which flows are in which stage.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._names: dict[str, str] = {}
        self._running: dict[str, Stage] = {}
        self._tails: dict[str, deque[LogLine]] = {}
        self._live = sys.stderr.isatty()

    def __call__(self, event: Event) -> None:
        match event:
            case DeployStarted():
                self._names[event.deploy] = event.flow
            case Planned():
                self._names[event.deploy] = event.flow
                reason = event.reasons[0] if event.reasons else ""
                self._line(event.deploy, "plan", f"{event.lane}: {reason}", dim=True)
            case StageStarted():
                self._running[event.deploy] = event.stage
                self._tails[event.deploy] = deque(maxlen=_TAIL)
            case LogLine():
                self._log(event)
            case StageFinished():
                self._finished(event)
            case ProblemFound():
                self._clear()
                print_problem(Problem(event.what, event.where or self._name(event), event.fix))
            case DeployFinished():
                self._running.pop(event.deploy, None)
                self._result(event)
            case Progress():
                return
        self._show()

    def _name(self, event: Event) -> str:
        return self._names.get(event.deploy, "")

    def _log(self, event: LogLine) -> None:
        self._tails.setdefault(event.deploy, deque(maxlen=_TAIL)).append(event)
        if self._verbose or event.level in (Level.WARNING, Level.ERROR):
            self._print_log(event)

    def _print_log(self, event: LogLine) -> None:
        text = event.text if sys.stderr.isatty() else clean(event.text)
        self._line(event.deploy, event.stage, f"| {text}")

    def _finished(self, event: StageFinished) -> None:
        if event.outcome is Outcome.SKIPPED and not self._verbose:
            return
        if event.outcome is Outcome.FAILED and not self._verbose:
            for line in self._tails.get(event.deploy, ()):
                if line.level not in (Level.WARNING, Level.ERROR):
                    self._print_log(line)
        word, colour = MARKS[event.outcome]
        mark = style(f"{word:9}", fg=colour, stream=sys.stderr)
        detail = event.detail if event.outcome is not Outcome.FAILED else ""
        self._line(event.deploy, event.stage, f"{mark} {event.seconds:6.1f}s  {detail}")

    def _result(self, event: DeployFinished) -> None:
        word, colour = MARKS[event.outcome]
        mark = style(f"{word:9}", fg=colour, bold=True, stream=sys.stderr)
        reason = event.reason if event.outcome is not Outcome.FAILED else ""
        said = ", ".join(part for part in (event.version_words, reason) if part)
        self._line(event.deploy, "", f"{mark} {event.seconds:6.1f}s  {said}")

    def _line(self, deploy: str, stage: str, text: str, *, dim: bool = False) -> None:
        self._clear()
        longest = max((len(name) for name in self._names.values()), default=0)
        width = min(longest, _WIDEST_NAME)
        name = clean(self._names.get(deploy, ""))
        shown = style(f"{name[:width]:{width}}", bold=True, stream=sys.stderr)
        said = style(text, dim=True, stream=sys.stderr) if dim else text
        line = f"{shown}  {stage:{_WIDTH}}  {said}".replace("\n", " ").rstrip()
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def _show(self) -> None:
        if not self._live or not self._running:
            return
        stages = [
            f"{stage}: {', '.join(names)}"
            for stage in Stage
            if (names := [self._names[d] for d, at in self._running.items() if at is stage])
        ]
        width = shutil.get_terminal_size().columns - 1
        text = clean("  " + "   ".join(stages))[:width]
        sys.stderr.write(f"{CLEAR_LINE}{style(text, dim=True, stream=sys.stderr)}")
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write(CLEAR_LINE)
