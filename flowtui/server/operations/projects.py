"""Projects: create, rename, describe, delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sqlalchemy import delete, exists, select

from flowtui.server.operations.base import (
    Act,
    Refused,
    RowOf,
    SuccessPayload,
    Uuid,
    mutation,
)
from flowtui.server.tables import Flow, FlowGroup, Project

UNIQUENESS = "'Uniqueness violation.'"
"""Clients from 0.15 on look for this text, quotes included, to find that a project exists."""


@dataclass(frozen=True)
class CreateProject:
    name: str
    description: str | None = None
    tenant_id: Uuid | None = None


@dataclass(frozen=True)
class ProjectPayload:
    id: Uuid
    project: Annotated[str, RowOf("project")]


@mutation
def create_project(act: Act, wanted: CreateProject) -> ProjectPayload:
    tenant_id = act.tenant_id(wanted.tenant_id)
    _require_free_name(act, tenant_id, wanted.name)
    project = Project(tenant_id=tenant_id, name=wanted.name, description=wanted.description)
    act.session.add(project)
    act.session.flush()
    return ProjectPayload(project.id, project.id)


def _require_free_name(act: Act, tenant_id: str, name: str) -> None:
    if not name.strip():
        raise Refused("a project needs a name")
    taken = select(Project.id).where(Project.tenant_id == tenant_id, Project.name == name)
    if act.session.scalars(taken).first():
        raise Refused(UNIQUENESS)


@dataclass(frozen=True)
class NameProject:
    project_id: Uuid
    name: str


@mutation
def set_project_name(act: Act, wanted: NameProject) -> ProjectPayload:
    project = act.row(Project, wanted.project_id)
    if project.name != wanted.name:
        _require_free_name(act, project.tenant_id, wanted.name)
        project.name = wanted.name
    return ProjectPayload(project.id, project.id)


@mutation
def update_project_name(act: Act, wanted: NameProject) -> ProjectPayload:
    return set_project_name(act, wanted)


@dataclass(frozen=True)
class DescribeProject:
    project_id: Uuid
    description: str | None = None


@mutation
def set_project_description(act: Act, wanted: DescribeProject) -> ProjectPayload:
    project = act.row(Project, wanted.project_id)
    project.description = wanted.description
    return ProjectPayload(project.id, project.id)


@mutation
def update_project_description(act: Act, wanted: DescribeProject) -> ProjectPayload:
    return set_project_description(act, wanted)


@dataclass(frozen=True)
class DeleteProject:
    project_id: Uuid


@mutation
def delete_project(act: Act, wanted: DeleteProject) -> SuccessPayload:
    """Everything in the project goes with it: flows, their runs, their logs."""
    act.delete(Project, wanted.project_id)
    act.session.execute(
        delete(FlowGroup).where(~exists().where(Flow.flow_group_id == FlowGroup.id))
    )
    return SuccessPayload()
