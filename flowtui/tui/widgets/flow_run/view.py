"""A run from its start to its end: what it is, how it stands, and three tabs of what it does."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.geometry import Offset

from flowtui.run_models import RunState
from flowtui.runs.tasks import TaskLine
from flowtui.tui import asking_runs, clock
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.words import plain
from flowtui.tui.screens.jump import Spot
from flowtui.tui.view_models.run_watch import RunWatch
from flowtui.tui.widgets.detail.tab import tab_at, tab_line
from flowtui.tui.widgets.flow_run import head
from flowtui.tui.widgets.flow_run.graph import RunGraph
from flowtui.tui.widgets.flow_run.tasks import TaskRunList
from flowtui.tui.widgets.log.pane import LogPane
from flowtui.tui.widgets.painted import Painted

TITLES = ("Task runs", "Log", "Graph")
TASKS, LOG, GRAPH = range(3)
_KINDS = ("waiting", "failed", "cancelled", "good", "gone")
_TALL = 36
"""Lines of a screen that has room for a line for each thing."""
_LOW = 23
"""Lines of a screen that has room for nothing twice, as the styles have it."""
_TIMELINE = 2
"""Lines of the timeline at most."""


class FlowRunView(Performs, Vertical):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.FLOW_RUN,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.FLOW_RUN)]

    def __init__(self, watch: RunWatch) -> None:
        super().__init__(id="flow-run")
        self.watch_ = watch
        self._tab = TASKS
        self._one_task: TaskLine | None = None
        """The task whose log alone is shown."""
        self._tab_line = Content("")

    def compose(self) -> ComposeResult:
        yield Painted(id="flow-run-head")
        yield Painted(id="flow-run-about")
        yield Painted(id="flow-run-notice")
        yield Painted(id="flow-run-tabs")
        with Vertical(id="tasks-box"):
            yield Painted(id="run-timeline")
            yield Painted(id="task-runs-head")
            yield TaskRunList(self.watch_)
            yield Painted(id="task-runs-empty")
        yield LogPane(self.watch_.log.store, run_log=True)
        with Vertical(id="graph-box"):
            yield RunGraph(self.watch_)

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)
        self._turn(TASKS)

    def on_resize(self) -> None:
        self._paint_tabs()
        self.show()

    def facts(self) -> Facts:
        watch = self.watch_
        return replace(app_of(self).facts(), run=watch.run, log_lines=len(watch.log.store))

    # ------------------------------------------------------------------------------- what is shown

    def _tick(self) -> None:
        """Durations go on, and so does the time since the last answer."""
        if not self.screen.is_current or self.watch_.run is None:
            return
        self._paint_head()
        if self.watch_.run.kind is RunState.PLANNED:
            self._paint_notice()
        elif self._tab == TASKS and not self.watch_.over:
            self.query_one(TaskRunList).draw()

    def show(self) -> None:
        """Look at the run again."""
        if self.watch_.run is None or not self.is_attached:
            return
        self._paint_head()
        self._paint_notice()
        self._paint_tasks()
        self.query_one(RunGraph).show()
        self._show_log()
        self.refresh_bindings()

    @property
    def _width(self) -> int:
        return max(self.size.width - 4, 20)

    def _paint_head(self) -> None:
        watch, app, now = self.watch_, app_of(self), clock.now()
        if watch.run is None:
            return
        tall = app.size.height >= _TALL
        head_line = head.title(watch, watch.run, app.glyphs, now, self._width + 2)
        self.query_one("#flow-run-head", Painted).paint(head_line)
        about = head.about(watch, watch.run, self._width, tall=tall)
        self.query_one("#flow-run-about", Painted).paint(about)

    def _paint_notice(self) -> None:
        watch, app = self.watch_, app_of(self)
        if watch.run is None:
            return
        box = self.query_one("#flow-run-notice", Painted)
        content, kind = head.notice(
            watch, watch.run, app.glyphs, app.keymap, clock.now(), self._width - 1
        )
        for each in _KINDS:
            box.set_class(each == kind, f"-{each}")
        box.set_class(not kind, "-hidden")
        box.paint(content)

    def _paint_tasks(self) -> None:
        watch, glyphs = self.watch_, app_of(self).glyphs
        tasks = self.query_one(TaskRunList)
        tasks.show()
        rows = 1 if app_of(self).size.height < _LOW else _TIMELINE
        line = head.timeline(watch.states, glyphs, self._width, rows)
        self.query_one("#run-timeline", Painted).paint(line)
        self._paint_columns()
        # Its width is known once it has been laid out.
        self.call_after_refresh(self._paint_columns)
        empty = self.query_one("#task-runs-empty", Painted)
        nothing = not watch.tasks
        for widget in (tasks, self.query_one("#task-runs-head")):
            widget.set_class(nothing, "-empty")
        empty.set_class(not nothing, "-hidden")
        if nothing:
            words = "No task runs yet." if watch.looked else "Reading the run."
            if watch.problem is not None and not watch.looked:
                words = f"{watch.problem.what}\n{watch.problem.fix}"
            empty.paint(Content(words))

    def _paint_columns(self) -> None:
        if self.is_attached:
            head_line = self.query_one(TaskRunList).head()
            self.query_one("#task-runs-head", Painted).paint(head_line)

    def _show_log(self) -> None:
        watch, run = self.watch_, self.watch_.run
        if run is None:
            return
        name = plain(run.name)
        of = f"{name}: {plain(self._one_task.label)}" if self._one_task is not None else name
        store = watch.log.of(self._one_task.ids if self._one_task is not None else ())
        self.query_one(LogPane).show(
            store, name=of, file=f"{run.flow}-{run.name}", live=not watch.over
        )

    def _paint_tabs(self) -> None:
        line = tab_line(TITLES, self._tab, max(self.size.width - 2, 20))
        self._tab_line = line
        self.query_one("#flow-run-tabs", Painted).paint(line)

    def _turn(self, tab: int) -> None:
        self._tab = tab % len(TITLES)
        boxes = ("#tasks-box", "#log-box", "#graph-box")
        for number, box in enumerate(boxes):
            self.query_one(box).display = number == self._tab
        self._paint_tabs()
        focus = ("#task-runs", "#log", "#run-graph")[self._tab]
        self.screen.set_focus(self.query_one(focus))
        self.show()

    # -------------------------------------------------------------------------------------- a task

    @on(TaskRunList.LogWanted)
    def _log_wanted(self, message: TaskRunList.LogWanted) -> None:
        self._one_task = message.line
        self._turn(LOG)

    @on(TaskRunList.ErrorWanted)
    @on(RunGraph.ErrorWanted)
    def _error_wanted(self) -> None:
        self._one_task = None
        self._turn(LOG)
        self.call_after_refresh(self.query_one(LogPane).view.perform_first_error)

    # ------------------------------------------------------------------------------------ actions

    def perform_previous_tab(self) -> None:
        self._turn(self._tab - 1)

    def perform_next_tab(self) -> None:
        self._turn(self._tab + 1)

    def perform_look_again(self) -> None:
        app_of(self).flow_run.look_again()

    def perform_cancel_run(self) -> None:
        asking_runs.cancel_run(app_of(self), self.watch_.run)

    def perform_run_again(self) -> None:
        asking_runs.run_again(app_of(self), self.watch_.run)

    def perform_expand(self) -> None:
        self._expand(not self._expanded)

    @property
    def _expanded(self) -> bool:
        return self.screen.has_class("-log-only")

    def _expand(self, expanded: bool) -> None:
        self.screen.set_class(expanded, "-log-only")
        self.query_one(LogPane).view.number_lines(expanded)

    def perform_back(self) -> None:
        """Undo what was put on the log, one after the other; then leave."""
        if self._tab == LOG and self.query_one(LogPane).leave_one():
            return
        if self._expanded:
            self._expand(False)
        elif self._one_task is not None:
            self._one_task = None
            self._turn(TASKS)
        else:
            app_of(self).pop_screen()

    def jump_spots(self) -> tuple[Spot, ...]:
        at = self.query_one("#flow-run-tabs").content_region.offset
        return tuple(
            Spot(at + Offset(max(found - 1, 0), 0), partial(self._turn, number), width=1)
            for number, title in enumerate(TITLES)
            if (found := self._tab_line.plain.find(title)) >= 0
        )

    def on_click(self, event: Click) -> None:
        tabs = self.query_one("#flow-run-tabs")
        if event.widget is tabs:
            place = event.get_content_offset(tabs)
            number = tab_at(TITLES, self._tab_line.plain, place.x) if place is not None else None
            if number is not None:
                self._turn(number)
