"""Every problem known now, each with what to do next; the editor opens where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from flowtui.models import Problem
from flowtui.quantities import counted
from flowtui.tui.acting import app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.laying import problem_content
from flowtui.tui.messages import Part
from flowtui.tui.screens.sheet import Line, Sheet
from flowtui.tui.view_models.places import Place, place_of


class ProblemsScreen(Sheet):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PROBLEMS,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.PROBLEMS)]

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)

    def _changed(self, part: Part) -> None:
        if part is not Part.PROGRESS:
            self.fill()

    def heading(self) -> Content:
        return Content(f"Problems: {counted(len(app_of(self).session.problems()), 'problem')}")

    def nothing(self) -> str:
        return "Nothing is wrong."

    def lines(self) -> Sequence[Line]:
        app = app_of(self)
        return [
            Line(
                problem_content(problem, app.glyphs.failed, self.text_width),
                problem,
                f"{problem.what} {problem.where} {problem.fix}",
            )
            for problem in app.session.problems()
        ]

    def _place(self) -> Place | None:
        problem = self.value
        workspace = app_of(self).session.workspace
        if not isinstance(problem, Problem):
            return None
        return place_of(problem.where, workspace.root if workspace else app_of(self).path)

    def facts(self) -> Facts:
        app, place = app_of(self), self._place()
        return replace(
            app.facts(),
            file=str(place.file) if place is not None else "",
            no_editor=app.editing.why_not(),
        )

    def chosen(self) -> None:
        self.call_later(self.action_perform, Scope.PROBLEMS.name, "edit")

    def perform_edit(self) -> None:
        place = self._place()
        if place is not None:
            app_of(self).editing.edit(place)
