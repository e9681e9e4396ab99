"""Everything that is wrong with one flow, each with what to do next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual.content import Content

from flowtui.deploy.events import Outcome
from flowtui.flow_rows import FlowRow
from flowtui.models import FlowState, Problem
from flowtui.tui.looks.laying import hanging, problem_content
from flowtui.tui.looks.words import plain
from flowtui.tui.session import Session
from flowtui.tui.widgets.detail.known import last_deploy
from flowtui.tui.widgets.detail.page import Page

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class ProblemsTab:
    id = "problems"
    title = "Problems"

    def wanted(self, app: FlowtuiApp, row: FlowRow) -> None:
        """All of it is known already."""

    def page(self, app: FlowtuiApp, row: FlowRow, width: int) -> Page:
        found = problems_of(app, row)
        if not found:
            text = f"{app.glyphs.done} Nothing is known to be wrong with {plain(row.name)}."
            return Page.of(hanging(Content(""), Content.styled(text, "$success"), width))
        parts: list[Content] = []
        choices: dict[int, object] = {}
        lines = 0
        for problem in found:
            part = Content.assemble(problem_content(problem, app.glyphs.failed, width), "\n")
            choices[lines] = problem
            lines += part.plain.count("\n")
            parts.append(part)
        return replace(Page.of(Content.assemble(*parts)), choices=choices)


def problems_of(app: FlowtuiApp, row: FlowRow) -> tuple[Problem, ...]:
    """The flow's own first, then what keeps it from being deployed or followed."""
    session = app.session
    own = [*_of_the_file(row), *_of_the_last_plan(session, row), *_of_the_last_deploy(app, row)]
    around = (
        session.connection.problem,
        session.rows_problem,
        session.watch_problem,
    )
    return tuple(dict.fromkeys([*own, *(problem for problem in around if problem is not None)]))


def _of_the_file(row: FlowRow) -> list[Problem]:
    if row.broken is not None:
        fix = "correct the file; it is looked at again when it is saved"
        return [Problem(row.broken.message, row.location, fix)]
    if row.state is FlowState.BROKEN:
        return [Problem(row.note, row.location, "correct the file, then save it")]
    if row.state is FlowState.DELETED:
        fix = "bring the file back, or archive the version in the project tree"
        return [Problem(row.note, row.gone_from, fix)]
    if row.flow is not None and row.flow.function is not None:
        fix = "make the flow at module level, as flow = …, or call the function there"
        return [Problem(row.note, row.location, fix)]
    return []


def _of_the_last_plan(session: Session, row: FlowRow) -> list[Problem]:
    problem = session.plan_problems.get(row.flow.target) if row.flow is not None else None
    return [problem] if problem is not None else []


def _of_the_last_deploy(app: FlowtuiApp, row: FlowRow) -> list[Problem]:
    """Of a deploy that failed, else the warnings of the plan made last."""
    record = last_deploy(app.session, row)
    if record is None:
        return []
    if record.result is not None and record.result.outcome is Outcome.FAILED:
        where = f"the last deploy; {app.keymap.key('flows.last_deploy')} opens it"
        return [
            Problem(problem.what, problem.where or where, problem.fix)
            for problem in record.problems
        ] or [Problem("the last deploy failed", where, record.result.reason)]
    return list(record.plan.problems) if record.plan is not None else []
