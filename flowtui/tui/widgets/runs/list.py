"""The list of runs."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from flowtui.models import Ability
from flowtui.run_models import FlowRun
from flowtui.tui import asking_runs, clock
from flowtui.tui.acting import app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.widgets.line_list import LineList
from flowtui.tui.widgets.runs.columns import Column, columns_for, header, line


class RunList(LineList):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.FLOW_RUNS, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.FLOW_RUNS, Scope.LIST)]

    class Wanted(Message):
        """Something is wanted of the list as a whole: filter, next_state, folder, times, back."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self) -> None:
        super().__init__(id="runs")
        self._runs: tuple[FlowRun, ...] = ()
        self.exact_times = False

    @property
    def run(self) -> FlowRun | None:
        """The run under the cursor."""
        return self._runs[self.number] if self.number is not None else None

    def facts(self) -> Facts:
        return replace(app_of(self).facts(), run=self.run)

    def show(self, runs: tuple[FlowRun, ...]) -> None:
        before = self.run
        self._runs = runs
        self.show_keys(tuple(run.id for run in runs))
        if self.run != before:
            self.refresh_bindings()

    @property
    def _columns(self) -> tuple[Column, ...]:
        return columns_for(
            self.text_width,
            exact_times=self.exact_times,
            deployments=Ability.REGISTER_DEPLOYMENTS in app_of(self).session.abilities,
        )

    def head(self) -> Content:
        """The names of the columns, above them."""
        return header(self._columns)

    def content_at(self, number: int) -> Content:
        return line(
            self._runs[number],
            self._columns,
            app_of(self).glyphs,
            clock.now(),
            exact_times=self.exact_times,
        )

    # ------------------------------------------------------------------------------------ actions

    @on(LineList.Chosen)
    def perform_open_run(self) -> None:
        asking_runs.open_run(app_of(self), self.run)

    def perform_new_run(self) -> None:
        asking_runs.new_run(app_of(self), asking_runs.target_of(self.run))

    def perform_run_again(self) -> None:
        asking_runs.run_again(app_of(self), self.run)

    def perform_cancel_run(self) -> None:
        asking_runs.cancel_run(app_of(self), self.run)

    def perform_copy_run_id(self) -> None:
        asking_runs.copy_id(app_of(self), self.run)

    def perform_why_waiting(self) -> None:
        asking_runs.why_waiting(app_of(self), self.run)

    def perform_filter(self) -> None:
        self.post_message(self.Wanted("filter"))

    def perform_next_state(self) -> None:
        self.post_message(self.Wanted("next_state"))

    def perform_folder(self) -> None:
        self.post_message(self.Wanted("folder"))

    def perform_times(self) -> None:
        self.exact_times = not self.exact_times
        self.draw()
        self.post_message(self.Wanted("times"))

    def perform_back(self) -> None:
        self.post_message(self.Wanted("back"))
