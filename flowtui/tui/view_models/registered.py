"""Flows as the control plane has them: versions of one name in one project."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.models import FlowVersion, Project, Schedule
from flowtui.run_models import FlowRun
from flowtui.tui.looks.glyphs import Glyphs

Place = tuple[str, str]
"""Name of the project; name of the flow, or `flow/deployment`."""


@dataclass(frozen=True, slots=True)
class RegisteredFlow:
    """One flow in one project, or one deployment of it, with its versions that are not archived,
    newest first."""

    project: Project
    name: str
    """The flow's, or `flow/deployment`."""
    versions: tuple[FlowVersion, ...]

    @property
    def place(self) -> Place:
        return (self.project.name, self.name)

    @property
    def in_use(self) -> FlowVersion:
        return self.versions[0]


@dataclass(frozen=True, slots=True)
class DeployedFlow:
    """A flow that has deployments: those in one project, by name."""

    project: Project
    name: str
    deployments: tuple[RegisteredFlow, ...]


def flows_of(project: Project, versions: tuple[FlowVersion, ...]) -> tuple[RegisteredFlow, ...]:
    """By name, out of all versions of a project that are not archived."""
    names: dict[str, list[FlowVersion]] = {}
    for version in versions:
        names.setdefault(version.flow_name, []).append(version)
    return tuple(
        RegisteredFlow(project, name, tuple(sorted(found, key=lambda v: v.version, reverse=True)))
        for name, found in sorted(names.items())
    )


def grouped(flows: tuple[RegisteredFlow, ...]) -> tuple[RegisteredFlow | DeployedFlow, ...]:
    """Deployments of one flow as one; flows that have none as they are."""
    found: dict[str, list[RegisteredFlow]] = {}
    for flow in flows:
        found.setdefault(flow.in_use.name, []).append(flow)
    return tuple(
        DeployedFlow(same[0].project, name, tuple(same)) if same[0].in_use.deployment else same[0]
        for name, same in found.items()
    )


def place_of(known: FlowVersion | FlowRun) -> Place:
    """Where a version, or a run, belongs."""
    return known.project, known.flow_name


def schedule_mark(schedule: Schedule, glyphs: Glyphs) -> str:
    """A glyph for a schedule that there is, empty for none."""
    return {Schedule.ACTIVE: glyphs.scheduled, Schedule.PAUSED: glyphs.paused}.get(schedule, "")


def when_mark(version: FlowVersion, glyphs: Glyphs) -> str:
    """The same, for one that starts no runs because all of it is paused too."""
    return glyphs.paused if version.paused else schedule_mark(version.schedule, glyphs)
