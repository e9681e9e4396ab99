"""A control plane of Prefect 2 and 3 in memory: deployments, work pools, workers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flowtui.errors import ControlPlaneError
from flowtui.json_shapes import items, mapping
from flowtui.models import (
    DEFAULT_DEPLOYMENT,
    Declaration,
    Discovery,
    FlowKind,
    FlowState,
    FlowVersion,
    Json,
    JsonObject,
    LocalFlow,
    Project,
    RegisteredDeployment,
    Schedule,
)
from flowtui.run_models import Agent, WorkPool, WorkQueue
from tests.tui.memory import REST_ABILITIES, MemoryControlPlane, MemoryWorkspace, broken
from tests.tui.memory_runs import ADDRESS, CREATED

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""When the workers of `rest_workspace` were seen last, or a little before."""


def function_flow(
    name: str | None,
    path: str = "flows/etl.py",
    line: int = 12,
    *,
    deployment: str = DEFAULT_DEPLOYMENT,
    declared: Declaration | None = None,
) -> LocalFlow:
    """A `@flow`; `declared` where the project itself declares that deployment."""
    return LocalFlow(
        path,
        line,
        name,
        FlowKind.FLOW_FUNCTION,
        variable=name,
        deployment=declared.name if declared is not None else deployment,
        declared=declared,
    )


class RestMemoryControlPlane(MemoryControlPlane):
    """Deployments are upserted by flow and name; a project is there while something is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.abilities = REST_ABILITIES
        self.amended: list[tuple[str, JsonObject]] = []
        """The id of each deployment that was changed, and the fields that were."""
        self.deleted: list[str] = []

    async def projects(self) -> tuple[Project, ...]:
        self.answering()
        names = sorted({v.project for v in self.version_list}, key=lambda name: (not name, name))
        counts = {
            name: len({v.name for v in self.version_list if v.project == name}) for name in names
        }
        return tuple(Project(name, name, flow_count=counts[name]) for name in names)

    async def rename_project(self, project: Project, name: str) -> Project:
        self.answering()
        self._retag(project.name, name)
        return Project(name, name)

    async def delete_project(self, project: Project) -> None:
        """With its deployments."""
        self.answering()
        self.version_list = [v for v in self.version_list if v.project != project.name]

    def _retag(self, before: str, now: str) -> None:
        self.version_list = [
            replace(v, project=now) if v.project == before else v for v in self.version_list
        ]

    async def move_flow(self, name: str, source: Project, target: Project) -> None:
        self.answering()
        self.version_list = [
            replace(v, project=target.name)
            if name in (v.name, v.flow_name) and v.project == source.name
            else v
            for v in self.version_list
        ]

    async def register(
        self,
        project: Project,
        serialized: JsonObject,
        *,
        set_schedule_active: bool = True,
        idempotency_key: str | None = None,
    ) -> FlowVersion:
        self.answering()
        flow, name = str(serialized["flow_name"]), str(serialized["name"])
        known = [v for v in self.version_list if (v.name, v.deployment) == (flow, name)]
        if known:
            return await self.amend(known[0].id, lambda _: serialized)
        return self.add_deployment(flow, name, project=project.name, payload=serialized)

    def add_deployment(
        self,
        flow: str,
        name: str = DEFAULT_DEPLOYMENT,
        *,
        project: str = "",
        payload: JsonObject | None = None,
        core_version: str = "",
        **fields: Json,
    ) -> FlowVersion:
        """One that is registered; `fields` are those of its payload: `work_pool_name`, `version`,
        `schedules`, `paused`, `tags`, …"""
        body: dict[str, Json] = {
            "flow_name": flow,
            "name": name,
            "entrypoint": f"flows/{flow}.py:{flow}",
            "path": "/srv/project",
            "work_pool_name": "local",
            "work_queue_name": "default",
            "parameters": {},
            "parameter_openapi_schema": {"type": "object", "properties": {}},
            "tags": [],
            "schedules": [],
            "paused": False,
            **(payload or {}),
            **fields,
        }
        blank = FlowVersion(
            id=f"d{len(self.version_list) + 1}",
            name=flow,
            version=0,
            project=project,
            archived=False,
            created=CREATED,
            core_version=core_version,
            deployment=name,
            updated=CREATED + timedelta(days=2),
        )
        made = _version_of(blank, body)
        self.version_list.append(made)
        self.serialized[made.id] = body
        return made

    async def deployments(self, flow_names: Collection[str]) -> tuple[RegisteredDeployment, ...]:
        self.answering()
        return tuple(
            RegisteredDeployment(version, self.serialized[version.id] or {})
            for version in self.version_list
            if version.name in flow_names
        )

    async def amend(
        self,
        version_id: str,
        change: Callable[[JsonObject], JsonObject],
        *,
        seen: RegisteredDeployment | None = None,
    ) -> FlowVersion:
        self.answering()
        fields = change(self.serialized[version_id] or {})
        if fields:
            self.amended.append((version_id, fields))
        body = {**(self.serialized[version_id] or {}), **fields}
        self.serialized[version_id] = body
        self.version_list = [
            _version_of(v, body) if v.id == version_id else v for v in self.version_list
        ]
        return next(v for v in self.version_list if v.id == version_id)

    async def set_schedule_active(self, version_id: str, active: bool) -> None:
        self.answering()
        schedules = [
            {**mapping(each), "active": active}
            for each in items(mapping(self.serialized[version_id]).get("schedules"))
        ]
        await self.amend(version_id, lambda _: {"schedules": schedules})

    async def delete_version(self, version_id: str) -> None:
        self.answering()
        if all(version.id != version_id for version in self.version_list):
            raise ControlPlaneError("there is no such deployment", where=ADDRESS)
        self.deleted.append(version_id)
        await super().delete_version(version_id)

    def add_pool(
        self,
        name: str,
        pool_type: str = "process",
        *,
        status: str = "READY",
        paused: bool = False,
        queues: tuple[WorkQueue, ...] | None = None,
        workers: tuple[Agent, ...] = (),
        concurrency_limit: int | None = None,
    ) -> WorkPool:
        """A work pool with its queue `default`, unless others are given."""
        polled = workers[0].last_seen if workers else None
        usual = WorkQueue(f"q-{name}", "default", 1, status, last_polled=polled)
        pool = WorkPool(
            f"pool-{name}",
            name,
            pool_type,
            "PAUSED" if paused else status,
            paused=paused,
            concurrency_limit=concurrency_limit,
            base_job_template={"variables": {"properties": {}}},
            queues=queues if queues is not None else (usual,),
            workers=workers,
        )
        self.pool_list.append(pool)
        return pool

    async def agents(self) -> tuple[Agent, ...]:
        self.answering()
        return (*self.agent_list, *(worker for pool in self.pool_list for worker in pool.workers))


def worker(name: str, pool: str, *, online: bool = True, seconds_ago: float = 4) -> Agent:
    """A worker as the control plane knows it, seen last before `NOW`."""
    return Agent(
        f"w-{name}",
        name,
        "worker",
        last_seen=NOW - timedelta(seconds=seconds_ago),
        work_pool=pool,
        online=online,
    )


def cron(expression: str, *, slug: str = "", active: bool = True, zone: str = "UTC") -> JsonObject:
    """A schedule as a payload has it."""
    schedule: JsonObject = {"cron": expression, "timezone": zone}
    return {"slug": slug or None, "active": active, "schedule": schedule}


def rest_workspace(root: Path) -> MemoryWorkspace:
    """Two projects and something in none; flows in every state; three pools, one of them unready.

    `etl` has two deployments that prefect.yaml declares, `report` and `hello` have none.
    """
    made = MemoryWorkspace(root)
    server = made.server = RestMemoryControlPlane()
    nightly = Declaration("nightly", "prefect.yaml:12", {"work_pool": {"name": "local"}})
    hourly = Declaration("hourly", "prefect.yaml:24", {"paused": True}, ("parameters",))
    server.add_pool("local", workers=(worker("box-1", "local"), worker("box-2", "local")))
    server.add_pool(
        "images",
        "docker",
        queues=(
            WorkQueue("q1", "urgent", 1, "READY", last_polled=NOW - timedelta(seconds=9)),
            WorkQueue("q2", "default", 2, "PAUSED", paused=True, concurrency_limit=4),
        ),
        workers=(
            worker("dock", "images", seconds_ago=9),
            worker("old", "images", online=False, seconds_ago=7200),
        ),
        concurrency_limit=10,
    )
    server.add_pool("k8s", "kubernetes", status="NOT_READY")
    team: dict[str, Any] = {"project": "Team"}
    server.add_deployment(
        "etl",
        "nightly",
        **team,
        version="4f2a9c1+ab12cd3",
        schedules=[cron("0 2 * * *")],
        tags=["prod", "daily"],
        description="Loads the sales of the day.",
    )
    server.add_deployment(
        "etl",
        "hourly",
        **team,
        version="4f2a9c1+ab12cd3",
        paused=True,
        schedules=[cron("0 * * * *", active=False)],
        work_pool_name="images",
        work_queue_name="urgent",
        job_variables={"image": "registry.example.com/etl@sha256:0a1b2c"},
    )
    server.add_deployment("clean", project="Ops", work_pool_name="k8s", version="1.0")
    server.add_deployment("report", work_pool_name="local")
    made.found = Discovery(
        str(root),
        (
            function_flow("etl", declared=hourly),
            function_flow("etl", declared=nightly),
            function_flow("report", "flows/report.py", 4),
            function_flow("hello", "hello.py", 9),
        ),
        (broken(),),
        12,
    )
    made.states = {
        "etl/hourly": (FlowState.CHANGED, "sources or settings differ from version 4f2a9c1+ab12cd3")
    }
    return made


def _version_of(version: FlowVersion, payload: JsonObject) -> FlowVersion:
    """A deployment as this payload makes it."""
    schedules = [mapping(each) for each in items(payload.get("schedules"))]
    active = any(each.get("active") for each in schedules)
    known = Schedule.ACTIVE if active else Schedule.PAUSED
    image = mapping(payload.get("job_variables")).get("image")
    return replace(
        version,
        schedule=known if schedules else Schedule.NONE,
        label=str(payload.get("version") or ""),
        entrypoint=str(payload.get("entrypoint") or ""),
        tags=tuple(str(tag) for tag in items(payload.get("tags"))),
        description=str(payload.get("description") or ""),
        work_pool=str(payload.get("work_pool_name") or ""),
        work_queue=str(payload.get("work_queue_name") or ""),
        paused=bool(payload.get("paused")),
        storage={"type": "Docker", "image": image} if image else {"type": "Local"},
    )
