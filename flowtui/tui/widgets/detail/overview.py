"""What is known of the selected flow, in words: why this state, which version, parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from flowtui.flow_rows import FlowRow
from flowtui.models import BrokenFile, FlowState
from flowtui.quantities import ago, duration, exact
from flowtui.tui import clock
from flowtui.tui.actions import Keymap
from flowtui.tui.looks.glyphs import STATE_STYLES, state_mark
from flowtui.tui.looks.laying import field, hanging, problem_content
from flowtui.tui.looks.words import plain, plain_block
from flowtui.tui.view_models.deploys import DeployRecord
from flowtui.tui.view_models.described import Described, described
from flowtui.tui.widgets.detail.deployment import deployment_fields
from flowtui.tui.widgets.detail.known import last_deploy, serialization
from flowtui.tui.widgets.detail.page import Page

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_ROOMY = 70
"""Cells from which exact times are shown beside relative ones."""

_WHY = {
    FlowState.UNKNOWN: "No control plane has answered yet, so there is nothing to compare with.",
    FlowState.NOT_DEPLOYED: "No version of it is registered.",
    FlowState.UP_TO_DATE: "The registered version was made from exactly what is on disk.",
    FlowState.CHANGED: "What is on disk differs from the registered version.",
    FlowState.ELSEWHERE: "Registered, but not from this machine: its sources are not known here.",
    FlowState.BROKEN: "It cannot be deployed as it is.",
    FlowState.DELETED: "It is registered, but not on disk any more.",
}


class OverviewTab:
    id = "overview"
    title = "Info"

    def wanted(self, app: FlowtuiApp, row: FlowRow) -> None:
        app.details.describe(row.version)
        if row.is_deployment:
            app.details.read_next_runs(row.version)

    def page(self, app: FlowtuiApp, row: FlowRow, width: int) -> Page:
        record = last_deploy(app.session, row)
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
            return Page.of(Content.assemble(*parts))
        parts += _where(row, width)
        if record is not None:
            parts.append(_last_deploy(record, app.keymap, width))
        if row.is_deployment:
            parts += deployment_fields(app.session, row, width)
            return Page.of(Content.assemble(*parts))
        serialized = serialization(app.session, row)
        if serialized is not None:
            parts.extend(_contents(described(serialized.flow), width))
        version = row.version
        if version is not None and version.schedule_problem:
            problem = f"it starts no runs: {plain_block(version.schedule_problem)}"
            parts.append(field("schedule", (problem, "$warning"), width=width))
        if version is not None and version.image:
            parts.append(field("image", plain(version.image), width=width))
        if version is not None and version.core_version:
            made = f"Prefect {plain(version.core_version)}"
            parts.append(field("made with", made, width=width))
        return Page.of(Content.assemble(*parts))


def no_flow(app: FlowtuiApp, width: int) -> Page:
    """Without a flow under the cursor: why there is none, and what to do."""
    session = app.session
    if session.rows is None:
        return Page.of(Content.styled("Looking for flows in this folder.", "$muted"))
    if session.rows:
        key = app.keymap.key("flows.clear_filter")
        text = Content.styled(
            f"No flow matches the filter. {key} shows all of them again.", "$muted"
        )
        return Page.of(hanging(Content(""), text, width))
    root = session.workspace.root if session.workspace is not None else app.path
    seen = session.discovery.files_seen if session.discovery is not None else 0
    heading = Content.styled(f"No flows in {plain(str(root))}", "bold")
    what = Content.styled(
        f'{seen} Python files were looked at. A flow is a file with Flow("name") or @flow; '
        "write one and it appears here by itself.",
        "$muted",
    )
    return Page.of(
        Content.assemble(hanging(Content(""), heading, width), hanging(Content(""), what, width))
    )


def _where(row: FlowRow, width: int) -> list[Content]:
    written = ""
    declared = None
    if row.flow is not None:
        declared = row.flow.declared
        written = f"  {row.flow.kind}"
        written += f" as {plain(row.flow.variable)}" if row.flow.variable else ""
    parts = [field("where", plain(row.location), (written, "$muted"), width=width)]
    if declared is not None:
        parts.append(field("declared", plain(declared.where), width=width))
    version = row.version
    if version is not None:
        place = f" in {plain(version.project)}" if version.project else ""
        when = f"  {ago(version.changed, clock.now())}"
        if width >= _ROOMY:
            when += f", {exact(version.changed)}"
        parts.append(
            field("registered", f"{plain(version.words)}{place}", (when, "$muted"), width=width)
        )
    elif row.project:
        parts.append(field("project", plain(row.project), width=width))
    return parts


def _broken(broken: BrokenFile, width: int) -> Content:
    return Content.assemble(
        field("where", f"{plain(broken.path)}:{broken.line}:{broken.column}", width=width),
        field("error", (plain_block(broken.message), "$error"), width=width),
        field("next", "correct the file; it is looked at again when it is saved", width=width),
    )


def _last_deploy(record: DeployRecord, keymap: Keymap, width: int) -> Content:
    if record.result is None:
        opens = f"{keymap.key('flows.deploy')} opens it"
        return field("deploy", ("running  ", "$accent"), (opens, "$muted"), width=width)
    result = record.result
    took = f"in {duration(result.seconds)}  "
    opens = f"{keymap.key('flows.last_deploy')} opens it"
    line = field("deploy", f"{result.outcome} {took}", (opens, "$muted"), width=width)
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
