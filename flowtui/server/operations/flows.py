"""Registering flows by every route that clients have, and archiving and deleting them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from sqlalchemy import delete, func, select, update

from flowtui.server import serialized
from flowtui.server.operations.base import (
    Act,
    IdPayload,
    JsonDocument,
    OfFlow,
    OfFlowGroup,
    RowOf,
    SuccessPayload,
    Uuid,
    mutation,
)
from flowtui.server.operations.cancelling import cancel, cancelled_state
from flowtui.server.operations.flow_groups import DEFAULT_SETTINGS
from flowtui.server.operations.schedules import activate_schedule, drop_planned_runs
from flowtui.server.serialized import Document
from flowtui.server.tables import Edge, Flow, FlowGroup, FlowRun, Project, Task, new_id

DEFAULT_PROJECT = "Default"
"""Where a flow goes that names none: Prefect 0.10 to 0.12 against a server, and the bare
`createFlow` of the Prefect Cloud guide."""


@dataclass(frozen=True)
class CreateFlow:
    serialized_flow: JsonDocument
    project_id: Uuid | None = None
    tenant_id: Uuid | None = None
    version_group_id: str | None = None
    set_schedule_active: bool | None = None
    description: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class CreateFlowFromString:
    serialized_flow: str
    project_id: Uuid | None = None
    tenant_id: Uuid | None = None
    version_group_id: str | None = None
    set_schedule_active: bool | None = None
    description: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class FlowPayload:
    id: Uuid
    flow: Annotated[str, RowOf("flow")]


@mutation
def create_flow(act: Act, wanted: CreateFlow) -> FlowPayload:
    document = serialized.checked(wanted.serialized_flow)
    return _create(act, wanted, document)


@mutation
def create_flow_from_compressed_string(act: Act, wanted: CreateFlowFromString) -> FlowPayload:
    return _create(act, wanted, serialized.unpack(wanted.serialized_flow))


def _create(act: Act, wanted: CreateFlow | CreateFlowFromString, flow: Document) -> FlowPayload:
    project = _project(act, wanted)
    group = _group(act, project, str(flow["name"]), wanted.version_group_id)
    same = _newest(act, group) if _is_repeated(group, wanted.idempotency_key) else None
    if same is not None:
        return FlowPayload(same.id, same.id)
    _archive_versions(act, group)
    row = Flow(
        tenant_id=project.tenant_id,
        project_id=project.id,
        flow_group_id=group.id,
        version_group_id=group.name,
        name=str(flow["name"]),
        version=_next_version(act, group),
        description=wanted.description,
        core_version=serialized.text(flow, "__version__"),
        parameters=flow.get("parameters") or [],
        schedule=flow.get("schedule"),
        storage=flow.get("storage"),
        environment=flow.get("environment"),
        run_config=flow.get("run_config"),
        serialized_flow=dict(flow),
    )
    act.session.add(row)
    group.idempotency_key = wanted.idempotency_key
    act.session.flush()
    _put_tasks(act, row, serialized.objects(flow, "tasks"))
    _put_edges(act, row, serialized.objects(flow, "edges"))
    if wanted.set_schedule_active is not False:
        activate_schedule(act, row)
    return FlowPayload(row.id, row.id)


def _project(act: Act, wanted: CreateFlow | CreateFlowFromString) -> Project:
    if wanted.project_id:
        return act.row(Project, wanted.project_id)
    tenant_id = act.tenant_id(wanted.tenant_id)
    named = select(Project).where(Project.tenant_id == tenant_id, Project.name == DEFAULT_PROJECT)
    project = act.session.scalars(named).first()
    if project is None:
        project = Project(tenant_id=tenant_id, name=DEFAULT_PROJECT)
        act.session.add(project)
        act.session.flush()
    return project


def _group(act: Act, project: Project, name: str, version_group_id: str | None) -> FlowGroup:
    """The group of the flow's versions: the one asked for, else that of the project's latest flow
    of this name, else a new one."""
    group_name = (
        version_group_id
        or act.session.scalars(
            select(Flow.version_group_id)
            .where(Flow.project_id == project.id, Flow.name == name)
            .order_by(Flow.created.desc())
            .limit(1)
        ).first()
    )
    if group_name:
        group = act.session.scalars(
            select(FlowGroup).where(
                FlowGroup.tenant_id == project.tenant_id, FlowGroup.name == group_name
            )
        ).first()
        if group:
            return group
    group = FlowGroup(
        tenant_id=project.tenant_id, name=group_name or new_id(), settings=DEFAULT_SETTINGS
    )
    act.session.add(group)
    act.session.flush()
    return group


def _is_repeated(group: FlowGroup, idempotency_key: str | None) -> bool:
    return idempotency_key is not None and group.idempotency_key == idempotency_key


def _newest(act: Act, group: FlowGroup) -> Flow | None:
    return act.session.scalars(
        select(Flow)
        .where(Flow.flow_group_id == group.id, Flow.archived.is_(False))
        .order_by(Flow.version.desc())
        .limit(1)
    ).first()


def _next_version(act: Act, group: FlowGroup) -> int:
    latest = select(func.max(Flow.version)).where(Flow.flow_group_id == group.id)
    return (act.session.scalar(latest) or 0) + 1


def _archive_versions(act: Act, group: FlowGroup) -> None:
    older = select(Flow).where(Flow.flow_group_id == group.id, Flow.archived.is_(False))
    for flow in act.session.scalars(older):
        _archive(act, flow)


def _archive(act: Act, flow: Flow) -> None:
    """Take a version out of use: what its schedule planned is dropped, what people planned is
    cancelled."""
    flow.archived = True
    flow.is_schedule_active = False
    drop_planned_runs(act, flow)
    planned = select(FlowRun).where(FlowRun.flow_id == flow.id, FlowRun.state == "Scheduled")
    for run in act.session.scalars(planned):
        cancel(act, run, cancelled_state(f"Version {flow.version} of the flow was archived."))


def _document(flow: Flow) -> dict[str, Any]:
    return dict(serialized.mapping(flow.serialized_flow) or {})


@dataclass(frozen=True)
class RegisterTasks:
    flow_id: Uuid
    serialized_tasks: tuple[JsonDocument, ...]
    tenant_id: Uuid | None = None


@mutation
def register_tasks(act: Act, wanted: RegisterTasks) -> SuccessPayload:
    """Add a batch of tasks; one whose slug is there already takes its place."""
    flow = act.row(Flow, wanted.flow_id)
    tasks = serialized.check_objects(list(wanted.serialized_tasks), "serialized_tasks")
    _put_tasks(act, flow, tasks)
    document = _document(flow)
    document["tasks"] = _merged(serialized.objects(document, "tasks"), tasks, serialized.slug_of)
    flow.serialized_flow = document
    return SuccessPayload()


@dataclass(frozen=True)
class RegisterEdges:
    flow_id: Uuid
    serialized_edges: tuple[JsonDocument, ...]
    tenant_id: Uuid | None = None


@mutation
def register_edges(act: Act, wanted: RegisterEdges) -> SuccessPayload:
    """Add a batch of edges between registered tasks; one that is there already is replaced."""
    flow = act.row(Flow, wanted.flow_id)
    edges = serialized.check_objects(list(wanted.serialized_edges), "serialized_edges")
    _put_edges(act, flow, edges)
    document = _document(flow)
    document["edges"] = _merged(serialized.objects(document, "edges"), edges, _edge_identity)
    flow.serialized_flow = document
    return SuccessPayload()


def _edge_identity(edge: Document) -> tuple[str, str, str | None]:
    return (*serialized.ends_of(edge), serialized.key_of(edge))


def _merged(known: Iterable[Document], added: Iterable[Document], identity: Any) -> list[Document]:
    by_identity = {identity(item): item for item in known}
    by_identity.update((identity(item), item) for item in added)
    return list(by_identity.values())


def _tasks_by_slug(act: Act, flow: Flow) -> dict[str, Task]:
    tasks = act.session.scalars(select(Task).where(Task.flow_id == flow.id))
    return {task.slug: task for task in tasks}


def _put_tasks(act: Act, flow: Flow, tasks: Sequence[Document]) -> None:
    known = _tasks_by_slug(act, flow)
    references = {
        serialized.slug_of(task) for task in serialized.objects(_document(flow), "reference_tasks")
    }
    for document in tasks:
        slug = serialized.slug_of(document)
        task = known.get(slug)
        if task is None:
            task = known[slug] = Task(tenant_id=flow.tenant_id, flow_id=flow.id, slug=slug)
            act.session.add(task)
        for name, value in asdict(serialized.task_columns(document)).items():
            setattr(task, name, value)
        task.is_reference_task = slug in references
    act.session.flush()


def _put_edges(act: Act, flow: Flow, edges: Sequence[Document]) -> None:
    tasks = _tasks_by_slug(act, flow)
    known = {
        (edge.upstream_task_id, edge.downstream_task_id, edge.key): edge
        for edge in act.session.scalars(select(Edge).where(Edge.flow_id == flow.id))
    }
    for document in edges:
        serialized.check_edge(document, tasks)
        upstream, downstream = (tasks[slug] for slug in serialized.ends_of(document))
        identity = (upstream.id, downstream.id, serialized.key_of(document))
        edge = known.get(identity)
        if edge is None:
            edge = known[identity] = Edge(
                tenant_id=flow.tenant_id,
                flow_id=flow.id,
                upstream_task_id=upstream.id,
                downstream_task_id=downstream.id,
                key=serialized.key_of(document),
            )
            act.session.add(edge)
        edge.mapped = bool(document.get("mapped"))
        downstream.mapped = downstream.mapped or edge.mapped
        downstream.is_root_task = False
        upstream.is_terminal_task = False
    act.session.flush()


@mutation
def archive_flow(act: Act, wanted: OfFlow) -> SuccessPayload:
    _archive(act, act.row(Flow, wanted.flow_id))
    return SuccessPayload()


@mutation
def unarchive_flow(act: Act, wanted: OfFlow) -> SuccessPayload:
    act.row(Flow, wanted.flow_id).archived = False
    return SuccessPayload()


@mutation
def delete_flow(act: Act, wanted: OfFlow) -> SuccessPayload:
    """One version, with its runs. A group without versions goes too."""
    flow = act.row(Flow, wanted.flow_id)
    group_id = flow.flow_group_id
    act.session.execute(delete(Flow).where(Flow.id == flow.id))
    if not act.session.scalars(select(Flow.id).where(Flow.flow_group_id == group_id)).first():
        act.session.execute(delete(FlowGroup).where(FlowGroup.id == group_id))
    return SuccessPayload()


@mutation
def delete_flow_group(act: Act, wanted: OfFlowGroup) -> SuccessPayload:
    """Every version of a flow."""
    act.delete(FlowGroup, wanted.flow_group_id)
    return SuccessPayload()


@dataclass(frozen=True)
class MoveFlow:
    flow_id: Uuid
    project_id: Uuid


@mutation
def update_flow_project(act: Act, wanted: MoveFlow) -> IdPayload:
    """Move all versions of a flow to another project."""
    flow = act.row(Flow, wanted.flow_id)
    project = act.row(Project, wanted.project_id)
    act.session.execute(
        update(Flow).where(Flow.flow_group_id == flow.flow_group_id).values(project_id=project.id)
    )
    return IdPayload(flow.id)
