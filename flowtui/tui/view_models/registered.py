"""Flows as the control plane has them: versions of one name in one project."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.models import FlowVersion, Project, Schedule
from flowtui.tui.looks.glyphs import Glyphs

Place = tuple[str, str]
"""Name of the project, name of the flow."""


@dataclass(frozen=True, slots=True)
class RegisteredFlow:
    """One flow in one project, with its versions that are not archived, newest first."""

    project: Project
    name: str
    versions: tuple[FlowVersion, ...]

    @property
    def place(self) -> Place:
        return (self.project.name, self.name)

    @property
    def in_use(self) -> FlowVersion:
        return self.versions[0]


def flows_of(project: Project, versions: tuple[FlowVersion, ...]) -> tuple[RegisteredFlow, ...]:
    """By name, out of all versions of a project that are not archived."""
    names: dict[str, list[FlowVersion]] = {}
    for version in versions:
        names.setdefault(version.name, []).append(version)
    return tuple(
        RegisteredFlow(project, name, tuple(sorted(found, key=lambda v: v.version, reverse=True)))
        for name, found in sorted(names.items())
    )


def schedule_mark(schedule: Schedule, glyphs: Glyphs) -> str:
    """A glyph for a schedule that there is, empty for none."""
    return {Schedule.ACTIVE: glyphs.scheduled, Schedule.PAUSED: glyphs.paused}.get(schedule, "")
