"""The task runs of a run, in the order of its graph, mapped ones folded."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from flowtui.quantities import duration
from flowtui.run_models import RunState
from flowtui.runs.tasks import Counts, TaskLine, task_lines
from flowtui.tui import asking_runs, clock
from flowtui.tui.acting import app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.run_states import RUN_STYLES, kind_mark, state_mark, state_style
from flowtui.tui.looks.words import padded, plain, shortened
from flowtui.tui.view_models.run_watch import RunWatch
from flowtui.tui.widgets.line_list import LineList

_GAP = 2
_STATE, _TOOK = 15, 6
_BAR = 10
_LEAST_NAME, _MOST_NAME = 14, 40
_TAIL = 31
"""Cells of what stands behind: a bar and counts, or the beginning of a message."""
_WORDS = {
    RunState.BAD: "failed",
    RunState.RUNNING: "running",
    RunState.CANCELLED: "cancelled",
    RunState.PLANNED: "waiting",
}


class TaskRunList(LineList):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.TASK_RUNS, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.TASK_RUNS, Scope.LIST)]

    class LogWanted(Message):
        """The log of one task alone is wanted."""

        def __init__(self, line: TaskLine) -> None:
            super().__init__()
            self.line = line

    class ErrorWanted(Message):
        """The first error in the log is wanted."""

    def __init__(self, watch: RunWatch) -> None:
        super().__init__(id="task-runs")
        self._watch = watch
        self._tasks: tuple[TaskLine, ...] = ()
        self._unfolded: set[str] = set()
        """Slugs of the mapped tasks whose children are shown."""
        self._in_order = False
        """The order of the graph is known: until then it is that of the names."""

    @property
    def task_line(self) -> TaskLine | None:
        """The task run under the cursor."""
        return self._tasks[self.number] if self.number is not None else None

    def facts(self) -> Facts:
        failed = sum(run.kind is RunState.BAD for run in self._watch.tasks)
        return replace(
            app_of(self).facts(),
            run=self._watch.run,
            task=self.task_line,
            failed_tasks=failed,
            log_lines=len(self._watch.log.store),
        )

    def show(self) -> None:
        """What is known now."""
        drawn = self._watch.drawn
        order = [drawn.graph.nodes[number].slug for number in drawn.order] if drawn else []
        self._tasks = task_lines(self._watch.tasks, order, self._unfolded)
        at_top = self.number == 0
        self.show_keys(tuple(line.key for line in self._tasks))
        if order and not self._in_order:
            self._in_order = True
            if at_top:
                self.go_to(0)

    # ------------------------------------------------------------------------------------ drawing

    def head(self) -> Content:
        name = self._name_width
        text = f"{'  Task':<{name}}  {'  State':<{_STATE}}  {'Took':>{_TOOK}}"
        return Content.styled(text, "$muted")

    @property
    def _name_width(self) -> int:
        rest = self.text_width - _STATE - _TOOK - 3 * _GAP
        return min(max(rest - _TAIL, _LEAST_NAME), _MOST_NAME)

    def content_at(self, number: int) -> Content:
        task, glyphs = self._tasks[number], app_of(self).glyphs
        width = self._name_width
        fold = ""
        if task.children is not None:
            fold = f"{glyphs.descending if task.unfolded else glyphs.cursor} "
        indent = "    " if task.child else fold or "  "
        name = padded(shortened(f"{indent}{plain(task.label)}", width), width)
        seconds = task.seconds(clock.now())
        took = duration(seconds) if seconds is not None else ""
        state, style = self._state(task, glyphs)
        room = self.text_width - width - _STATE - _TOOK - 3 * _GAP
        return Content.assemble(
            (name, "" if not task.child else "$muted"),
            " " * _GAP,
            (padded(shortened(state, _STATE), _STATE), style),
            f"{'':{_GAP}}{took:>{_TOOK}}{'':{_GAP}}",
            self._tail(task, glyphs, max(room, 0)),
        )

    def _state(self, task: TaskLine, glyphs: Glyphs) -> tuple[str, str]:
        counts = task.children
        if counts is None:
            state = plain(task.run.state)
            return f"{state_mark(task.run.state, glyphs)} {state}", state_style(task.run.state)
        mark = kind_mark(counts.kind, glyphs)
        return f"{mark} {counts.over}/{counts.total}", RUN_STYLES[counts.kind]

    def _tail(self, task: TaskLine, glyphs: Glyphs, room: int) -> Content:
        """The message of a task; of a mapped one a bar, and how many are in other states."""
        if task.children is not None:
            return _counted(task.children, glyphs, room)
        attempts = task.run.attempts
        tries = f"try {attempts}  " if attempts > 1 else ""
        style = "$error" if task.kind is RunState.BAD else "$muted"
        message = shortened(plain(task.run.message), max(room - len(tries), 0))
        return Content.assemble((tries, "$warning"), (message, style))

    # ------------------------------------------------------------------------------------ actions

    @on(LineList.Chosen)
    def perform_open_task(self) -> None:
        line = self.task_line
        if line is None:
            return
        if line.children is None:
            self.post_message(self.LogWanted(line))
            return
        self._unfolded ^= {line.run.slug}
        self.show()

    def perform_task_log(self) -> None:
        if self.task_line is not None:
            self.post_message(self.LogWanted(self.task_line))

    def perform_next_failed(self) -> None:
        """Children of mapped tasks among them: those are unfolded."""
        here = self.task_line.key if self.task_line is not None else ""
        for line in self._tasks:
            if line.children is not None and line.children[RunState.BAD]:
                self._unfolded.add(line.run.slug)
        self.show()
        places = [
            number
            for number, line in enumerate(self._tasks)
            if line.children is None and line.kind is RunState.BAD
        ]
        at = next((n for n, line in enumerate(self._tasks) if line.key == here), -1)
        after = next((place for place in places if place > at), places[0] if places else None)
        if after is not None:
            self.go_to(after)

    def perform_copy_run_id(self) -> None:
        asking_runs.copy_id(app_of(self), self._watch.run)

    def perform_first_error(self) -> None:
        self.post_message(self.ErrorWanted())


def _counted(counts: Counts, glyphs: Glyphs, room: int) -> Content:
    parts: list[tuple[str, str]] = []
    if room >= _BAR:
        full = counts.over * _BAR // max(counts.total, 1)
        bad = min(-(-counts[RunState.BAD] * _BAR // max(counts.total, 1)), full)
        parts += [
            (glyphs.bar_full * (full - bad), "$success"),
            (glyphs.bar_full * bad, "$error"),
            (glyphs.bar_empty * (_BAR - full), "$faint"),
        ]
    left = room - _BAR
    for kind, word in _WORDS.items():
        text = f"  {counts[kind]} {word}"
        if counts[kind] and len(text) <= left:
            parts.append((text, RUN_STYLES[kind]))
            left -= len(text)
    return Content.assemble(*parts)
