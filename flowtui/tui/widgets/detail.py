"""What is known of the selected flow, in words: why this state, which version, parameters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from flowtui.models import BrokenFile, FlowState
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.deploys import DeployRecord
from flowtui.tui.described import Described, described
from flowtui.tui.glyphs import STATE_STYLES, state_mark
from flowtui.tui.laying import field, hanging, problem_content
from flowtui.tui.session import Session
from flowtui.tui.widgets.painted import Painted
from flowtui.tui.words import ago, duration, exact, plain, plain_block
from flowtui.workspace import FlowRow

_ROOMY = 70
"""Cells from which exact times are shown beside relative ones."""

_WHY = {
    FlowState.UNKNOWN: "No control plane has answered yet, so there is nothing to compare with.",
    FlowState.NOT_DEPLOYED: "No version of it is registered.",
    FlowState.UP_TO_DATE: "The registered version was made from exactly what is on disk.",
    FlowState.CHANGED: "What is on disk differs from the registered version.",
    FlowState.ELSEWHERE: "Registered, but not from this machine: its sources are not known here.",
    FlowState.BROKEN: "It cannot be deployed as it is.",
}


class DetailPane(Performs, VerticalScroll, can_focus=True):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.DETAILS, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.DETAILS, Scope.LIST)]

    def __init__(self) -> None:
        super().__init__(id="details")
        self.border_title = "3 Details"
        self._row: FlowRow | None = None

    def compose(self) -> ComposeResult:
        yield Painted(id="details-text")

    def facts(self) -> Facts:
        return app_of(self).facts()

    @property
    def text_width(self) -> int:
        """Cells that a line of the text has."""
        return max(self.scrollable_content_region.width - 1, 20)

    def on_resize(self) -> None:
        self.show(self._row)

    def show(self, row: FlowRow | None) -> None:
        if (row.key if row else None) != (self._row.key if self._row else None):
            self.scroll_home(animate=False)
        self._row = row
        app = app_of(self)
        record = app.session.deploys.latest_of(row.flow) if row is not None and row.flow else None
        content = self._nothing(app.session) if row is None else self._describe(row, record)
        self.query_one("#details-text", Painted).paint(content)

    def _nothing(self, session: Session) -> Content:
        if session.rows is None:
            return Content.styled("Looking for flows in this folder.", "$muted")
        root = session.workspace.root if session.workspace is not None else app_of(self).path
        seen = session.discovery.files_seen if session.discovery is not None else 0
        return Content.assemble(
            (f"No flows in {plain(str(root))}\n", "bold"),
            (
                f'{seen} Python files were looked at. A flow is a file with Flow("name") or @flow; '
                "write one and it appears here by itself.",
                "$muted",
            ),
        )

    def _describe(self, row: FlowRow, record: DeployRecord | None) -> Content:
        app, width = app_of(self), self.text_width
        parts: list[Content] = [
            Content.assemble(
                (plain(row.name), "bold"),
                "  ",
                (f"{state_mark(row.state, app.glyphs)} {row.state}", f"${STATE_STYLES[row.state]}"),
                "\n",
            )
        ]
        why = Content(plain(row.note) or _WHY[row.state])
        parts.append(hanging(Content(""), why, width))
        problem = app.session.connection.problem
        if row.state is FlowState.UNKNOWN and problem is not None:
            parts.append(problem_content(problem, app.glyphs.failed, width))
        if row.broken is not None:
            parts.append(_broken(row.broken, width))
            return Content.assemble(*parts)
        written = ""
        if row.flow is not None:
            written = f"  {row.flow.kind}"
            written += f" as {plain(row.flow.variable)}" if row.flow.variable else ""
        parts.append(field("where", plain(row.location), (written, "$muted"), width=width))
        version = row.version
        if version is not None:
            place = f"version {version.version} in {plain(version.project)}  "
            when = ago(version.created, datetime.now(UTC))
            if width >= _ROOMY:
                when += f", {exact(version.created)}"
            parts.append(field("registered", place, (when, "$muted"), width=width))
        elif row.project:
            parts.append(field("project", plain(row.project), width=width))
        if record is not None:
            parts.append(_last_deploy(record, width))
        found = self._contents(row, record)
        if found is not None:
            parts.extend(_contents(found, width))
        if version is not None and version.image:
            parts.append(field("image", plain(version.image), width=width))
        if version is not None and version.core_version:
            made = f"Prefect {plain(version.core_version)}"
            parts.append(field("made with", made, width=width))
        return Content.assemble(*parts)

    def _contents(self, row: FlowRow, record: DeployRecord | None) -> Described | None:
        """From the plan made last, else from what is registered."""
        if record is not None and record.plan is not None:
            return described(record.plan.loaded.serialized)
        if row.version is None:
            return None
        return app_of(self).session.registered.get(row.version.id)

    def perform_down(self) -> None:
        self.scroll_down(animate=False)

    def perform_up(self) -> None:
        self.scroll_up(animate=False)

    def perform_top(self) -> None:
        self.scroll_home(animate=False)

    def perform_bottom(self) -> None:
        self.scroll_end(animate=False)


def _broken(broken: BrokenFile, width: int) -> Content:
    return Content.assemble(
        field("where", f"{plain(broken.path)}:{broken.line}:{broken.column}", width=width),
        field("error", (plain_block(broken.message), "$error"), width=width),
        field("next", "correct the file; it is looked at again when it is saved", width=width),
    )


def _last_deploy(record: DeployRecord, width: int) -> Content:
    if record.result is None:
        return field("deploy", ("running  ", "$accent"), ("Enter opens it", "$muted"), width=width)
    result = record.result
    took = f"in {duration(result.seconds)}  "
    line = field("deploy", f"{result.outcome} {took}", ("o opens it", "$muted"), width=width)
    if not record.problems:
        return line
    problem = record.problems[0]
    lines = [line, field("problem", (plain_block(problem.what), "$error"), width=width)]
    if problem.fix:
        lines.append(field("next", plain_block(problem.fix), width=width))
    return Content.assemble(*lines)


def _contents(found: Described, width: int) -> list[Content]:
    """What only the flow itself tells: parameters, number of tasks, schedule."""
    parts: list[Content] = []
    if found.parameters:
        parts.append(field("parameters", ", ".join(found.parameters), width=width))
    runs = f", runs {found.schedule}" if found.schedule else ", no schedule"
    parts.append(field("tasks", f"{found.tasks}{runs}", width=width))
    return parts
