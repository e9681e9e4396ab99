"""A workspace and a control plane in memory: our own interfaces, held still for screen tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import replace
from pathlib import Path

from flowtui.api.base import ControlPlane
from flowtui.config import ProjectConfig
from flowtui.credentials import CredentialStore, Secret
from flowtui.deploy.checkpoint import Asked, Checkpoint
from flowtui.deploy.docker.reachability import EngineStatus, RegistryStatus
from flowtui.deploy.events import (
    DeployFinished,
    Event,
    Outcome,
    Progress,
    Stage,
    StageFinished,
    StageStarted,
    tidied,
)
from flowtui.deploy.plan import ContextSummary, Lane, Plan, Setting
from flowtui.deploy.together import Together
from flowtui.errors import ControlPlaneError, CredentialsError, FlowtuiError
from flowtui.flow_rows import FlowRow
from flowtui.models import (
    Ability,
    Attachment,
    BrokenFile,
    DeployTable,
    Discovery,
    ExecutionOptions,
    FlowKind,
    FlowState,
    FlowVersion,
    Identity,
    Interpreter,
    JsonObject,
    LoadedFlow,
    LocalFlow,
    Origin,
    Package,
    Problem,
    Profile,
    Project,
    RegisteredDeployment,
    Schedule,
    StorageKind,
    StorageOptions,
)
from flowtui.run_models import NewWorkPool, WorkPool
from flowtui.workspace import ResumePoint, Workspace
from tests.tui.memory_runs import ADDRESS, CREATED, MemoryRuns


def flow(name: str | None, path: str = "flows/etl.py", line: int = 12) -> LocalFlow:
    return LocalFlow(path, line, name, FlowKind.FLOW_OBJECT, variable="flow")


def broken(path: str = "flows/typo.py", message: str = "invalid syntax") -> BrokenFile:
    return BrokenFile(path, 7, 3, message)


_REST_ONLY = {
    Ability.REGISTER_DEPLOYMENTS,
    Ability.CHANGE_IN_PLACE,
    Ability.ANY_PROJECT,
    Ability.DELETE_VERSIONS,
    Ability.TELL_WORK_POOLS,
    Ability.CREATE_WORK_POOLS,
    Ability.STREAM_RUN_CHANGES,
}
GRAPHQL_ABILITIES = frozenset(Ability) - _REST_ONLY
REST_ABILITIES = frozenset(Ability) - {
    Ability.REGISTER_FLOW_OBJECTS,
    Ability.CREATE_PROJECTS,
    Ability.DESCRIBE_PROJECTS,
    Ability.MOVE_VERSIONS,
    Ability.ARCHIVE_VERSIONS,
}


class MemoryControlPlane(MemoryRuns):
    """Projects and versions in lists. `refusal` makes every call raise it."""

    def __init__(self) -> None:
        super().__init__()
        self.project_list: list[Project] = []
        self.api_url = ADDRESS
        self.serialized: dict[str, JsonObject] = {}
        self.asked_for: list[str] = []
        self.abilities = GRAPHQL_ABILITIES
        self.pool_list: list[WorkPool] = []
        self.changed_runs: asyncio.Queue[str] = asyncio.Queue()
        self.listings: list[str] = []
        """The projects whose versions were asked for."""
        self._made = 0

    async def identify(self) -> Identity:
        self.answering()
        return Identity(ADDRESS, "memory server 1.0", authenticated=False, abilities=self.abilities)

    async def projects(self) -> tuple[Project, ...]:
        self.answering()
        counts = {
            project.name: len({v.name for v in self.version_list if v.project == project.name})
            for project in self.project_list
        }
        counted = [replace(p, flow_count=counts[p.name]) for p in self.project_list]
        return tuple(sorted(counted, key=lambda project: project.name))

    async def create_project(self, name: str, description: str = "") -> Project:
        self.answering()
        return self.add_project(name, description)

    def add_project(self, name: str, description: str = "") -> Project:
        self._made += 1
        project = Project(f"p{self._made}", name, description)
        self.project_list.append(project)
        return project

    async def rename_project(self, project: Project, name: str) -> Project:
        self.answering()
        renamed = replace(project, name=name)
        self.project_list = [renamed if p.id == project.id else p for p in self.project_list]
        return renamed

    async def describe_project(self, project: Project, description: str) -> Project:
        self.answering()
        described = replace(project, description=description)
        self.project_list = [described if p.id == project.id else p for p in self.project_list]
        return described

    async def delete_project(self, project: Project) -> None:
        self.answering()
        self.project_list = [p for p in self.project_list if p.id != project.id]

    async def move_flow(self, name: str, source: Project, target: Project) -> None:
        self.answering()
        self.version_list = [
            replace(v, project=target.name) if (v.name, v.project) == (name, source.name) else v
            for v in self.version_list
        ]

    async def flow_versions(
        self, *, project: str | None = None, name: str | None = None, archived: bool = False
    ) -> tuple[FlowVersion, ...]:
        self.answering()
        if project is not None:
            self.listings.append(project)
        return tuple(
            version
            for version in reversed(self.version_list)
            if project in (None, version.project)
            and name in (None, version.name, version.flow_name)
            and (archived or not version.archived)
        )

    async def serialized_flow(self, version_id: str) -> JsonObject | None:
        self.answering()
        self.asked_for.append(version_id)
        return self.serialized.get(version_id)

    async def register(
        self,
        project: Project,
        serialized: JsonObject,
        *,
        set_schedule_active: bool = True,
        idempotency_key: str | None = None,
    ) -> FlowVersion:
        self.answering()
        name = str(serialized["name"])
        return self.add_version(name, project.name)

    def add_version(
        self, name: str, project: str, *, schedule: Schedule = Schedule.NONE
    ) -> FlowVersion:
        number = 1 + sum(1 for v in self.version_list if (v.name, v.project) == (name, project))
        version = FlowVersion(
            id=f"v{len(self.version_list) + 1}",
            name=name,
            version=number,
            project=project,
            archived=False,
            created=CREATED,
            core_version="1.4.1",
            storage={
                "type": "Docker",
                "registry_url": "registry.example.com",
                "image_name": "etl",
                "image_tag": f"t{number}",
            },
            schedule=schedule,
        )
        self.version_list.append(version)
        return version

    async def archive(self, version_id: str) -> None:
        self.answering()
        self.version_list = [
            replace(v, archived=True) if v.id == version_id else v for v in self.version_list
        ]

    async def set_schedule_active(self, version_id: str, active: bool) -> None:
        self.answering()
        state = Schedule.ACTIVE if active else Schedule.PAUSED
        self.version_list = [
            replace(v, schedule=state) if v.id == version_id else v for v in self.version_list
        ]

    async def deployments(self, flow_names: Collection[str]) -> tuple[RegisteredDeployment, ...]:
        self.answering()
        raise ControlPlaneError("this API cannot register deployments", where=ADDRESS)

    async def amend(
        self,
        version_id: str,
        change: Callable[[JsonObject], JsonObject],
        *,
        seen: RegisteredDeployment | None = None,
    ) -> FlowVersion:
        self.answering()
        there = self.serialized.get(version_id) or {}
        self.serialized[version_id] = {**there, **change(there)}
        return next(version for version in self.version_list if version.id == version_id)

    async def delete_version(self, version_id: str) -> None:
        self.answering()
        self.version_list = [v for v in self.version_list if v.id != version_id]

    async def work_pools(self) -> tuple[WorkPool, ...]:
        self.answering()
        return tuple(sorted(self.pool_list, key=lambda pool: pool.name))

    async def work_pool_types(self) -> tuple[str, ...]:
        self.answering()
        return ("docker", "process")

    async def create_work_pool(self, name: str, pool_type: str) -> WorkPool:
        self.answering()
        pool = WorkPool(f"pool-{name}", name, pool_type, "NOT_READY")
        self.pool_list.append(pool)
        return pool

    async def pause_work_pool(self, name: str, paused: bool) -> None:
        self.answering()
        self.pool_list = [
            replace(pool, paused=paused) if pool.name == name else pool for pool in self.pool_list
        ]

    async def run_changes(self, run_id: str | None = None) -> AsyncIterator[str]:
        self.answering()
        while True:
            changed = await self.changed_runs.get()
            if run_id in (None, changed):
                yield changed

    async def close(self) -> None:
        return None


class MemoryWorkspace(Workspace):
    """Rows, plans and deploys that a test decides. Deploys wait at gates the test opens."""

    def __init__(self, root: Path, profile: Profile | None = None) -> None:
        super().__init__(
            root,
            config=ProjectConfig(root=root),
            profile=profile or Profile("memory", ADDRESS, Origin.COMMAND_LINE),
        )
        self.server = MemoryControlPlane()
        self.server_is_up = True
        self.refuse_token = False
        self.found = Discovery(str(root), (), (), 3)
        self.states: dict[str, tuple[FlowState, str]] = {}
        self.extra_rows: tuple[FlowRow, ...] = ()
        self.engine = EngineStatus("unix:///var/run/docker.sock", name="Docker 28.2.2")
        self.looks_at_engine = 0
        self.registry = RegistryStatus("registry.example.com", reachable=True)
        self.watch_note: Problem | None = None
        self.watch_error: FlowtuiError | None = None
        self.lane = Lane.IMAGE
        self.project_exists: bool | None = True
        self.plan_error: FlowtuiError | None = None
        self.resume_error: FlowtuiError | None = None
        self.differences: tuple[str, ...] = ()
        self.resumed: list[ResumePoint] = []
        self.script: Callable[[MemoryDeploy], object] | None = None
        self.deploys: list[MemoryDeploy] = []
        self.rolled_back: list[FlowVersion] = []
        self.rolled_back_exactly = False
        self._changes: asyncio.Queue[frozenset[str]] = asyncio.Queue()
        self._up: ControlPlane | None = None

    def use(self, profile: Profile, credentials: CredentialStore | None = None) -> Workspace:
        other = MemoryWorkspace(self.root, profile)
        other.server, other.found, other.states = self.server, self.found, self.states
        other.server_is_up, other.refuse_token = self.server_is_up, self.refuse_token
        other._credentials = credentials or self._credentials
        return other

    async def check_token(self, secret: Secret | None) -> Identity:
        if self.refuse_token:
            raise CredentialsError(
                "the token was refused", where=self.profile.api_url, fix="log in again"
            )
        if not self.server_is_up:
            raise ControlPlaneError(
                "nothing answers at this address",
                where=self.profile.api_url,
                fix="start it, or check the address",
            )
        return await self.server.identify()

    async def connect(self) -> Identity:
        self._up = None
        self._credential = await self.credentials.find(self.profile.api_url)
        identity = await self.check_token(None)
        self._up = self.server
        self._identity = replace(
            identity, api_url=self.profile.api_url, authenticated=self._credential is not None
        )
        return self._identity

    @property
    def connected(self) -> bool:
        return self._up is not None

    @property
    def control_plane(self) -> ControlPlane:
        if self._up is None:
            raise ControlPlaneError("not connected", where=self.profile.api_url)
        return self._up

    def discover(self) -> Discovery:
        return self.found

    async def rows(self, discovery: Discovery) -> tuple[FlowRow, ...]:
        versions = await self.server.flow_versions() if self._up is not None else ()
        newest: dict[str, FlowVersion] = {}
        for version in versions:
            newest.setdefault(version.flow_name, version)
        rows = [
            FlowRow(FlowState.BROKEN, broken=file, note=file.message) for file in discovery.broken
        ]
        for each in discovery.flows:
            name = f"{each.name}/{each.deployment}" if each.deployment else each.name or ""
            version = newest.get(name)
            usual = FlowState.NOT_DEPLOYED if version is None else FlowState.UP_TO_DATE
            if self._up is None:
                usual = FlowState.UNKNOWN
            state, note = self.states.get(name, (usual, ""))
            project = version.project if version is not None else None
            rows.append(FlowRow(state, each, None, version, project, note))
        return tuple(sorted((*rows, *self.extra_rows), key=lambda row: row.location))

    def change(self, found: Discovery, *paths: str) -> None:
        """Files change on disk."""
        self.found = found
        self._changes.put_nowait(frozenset(paths))

    async def engine_status(self) -> EngineStatus:
        self.looks_at_engine += 1
        return self.engine

    async def registry_status(self, registry_url: str) -> RegistryStatus:
        return self.registry

    async def watch(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, notice: Callable[[Problem], None] | None = None
    ) -> AsyncIterator[frozenset[str]]:
        if self.watch_note is not None and notice is not None:
            notice(self.watch_note)
        if self.watch_error is not None:
            raise self.watch_error
        while True:
            yield await self._changes.get()

    async def plan(
        self,
        flow: LocalFlow,
        overrides: DeployTable | None = None,
        *,
        force: bool = False,
        push: bool = True,
        new_pool: NewWorkPool | None = None,
    ) -> Plan:
        if self.plan_error is not None:
            raise self.plan_error
        plan = plan_for(flow, Lane.IMAGE if force else self.lane)
        once = overrides.execution if overrides is not None else ExecutionOptions()
        execution = once if once.executor is not None else self.executor_of(flow)[0]
        return replace(plan, project_exists=self.project_exists, execution=execution)

    async def deploy(
        self,
        flow: LocalFlow,
        emit: Callable[[Event], None],
        overrides: DeployTable | None = None,
        *,
        force: bool = False,
        push: bool = True,
        create_project: bool = False,
        new_pool: NewWorkPool | None = None,
        together: Together | None = None,
    ) -> DeployFinished:
        run = MemoryDeploy(f"id-{len(self.deploys) + 1}", flow, emit)
        run.overrides = overrides or DeployTable()
        run.creates_project = create_project
        run.together = together
        self.deploys.append(run)
        try:
            await run.end.wait()
        except asyncio.CancelledError:
            run.finish(Outcome.CANCELLED, exit_code=130)
            raise
        assert run.result is not None
        return run.result

    async def roll_back(
        self,
        version: FlowVersion,
        emit: Callable[[Event], None],
        flow: LocalFlow | None = None,
        *,
        exactly: bool = False,
    ) -> DeployFinished:
        self.rolled_back.append(version)
        self.rolled_back_exactly = exactly
        return await self.deploy(flow or LocalFlow("", 0, version.name, FlowKind.FLOW_OBJECT), emit)

    def resume_point(self, deploy: str) -> ResumePoint:
        if self.resume_error is not None:
            raise self.resume_error
        run = next(run for run in self.deploys if run.id == deploy)
        checkpoint = Checkpoint(
            deploy, Asked(), "0" * 64, {}, {}, (Stage.BUILD, Stage.HEALTH_CHECK)
        )
        return ResumePoint(run.flow, checkpoint)

    async def why_not_resume(self, point: ResumePoint) -> tuple[Plan, tuple[str, ...]]:
        return plan_for(point.flow, Lane.IMAGE), self.differences

    async def resume(self, point: ResumePoint, emit: Callable[[Event], None]) -> DeployFinished:
        self.resumed.append(point)
        return await self.deploy(point.flow, emit)

    async def close(self) -> None:
        self._up = None


class MemoryDeploy:
    """A deploy that does what the test tells it to."""

    def __init__(self, id_: str, flow: LocalFlow, emit: Callable[[Event], None]) -> None:
        self.id, self.flow = id_, flow
        self._readers = emit
        self.creates_project = False
        self.together: Together | None = None
        self.overrides = DeployTable()
        self.end = asyncio.Event()
        self.result: DeployFinished | None = None

    def emit(self, event: Event) -> None:
        """As the pipeline does: what enters the stream is made safe there."""
        self._readers(tidied(event))

    def start(self, stage: Stage) -> None:
        self.emit(StageStarted(deploy=self.id, stage=stage))

    def progress(self, stage: Stage, current: int, total: int) -> None:
        self.emit(
            Progress(
                deploy=self.id,
                stage=stage,
                item="layer",
                current=current,
                total=total,
                unit="bytes",
            )
        )

    def done(self, stage: Stage, seconds: float = 1.5) -> None:
        self.emit(StageFinished(deploy=self.id, stage=stage, outcome=Outcome.DONE, seconds=seconds))

    def fail(self, stage: Stage, seconds: float = 2.0) -> None:
        self.emit(
            StageFinished(deploy=self.id, stage=stage, outcome=Outcome.FAILED, seconds=seconds)
        )

    def finish(
        self,
        outcome: Outcome,
        *,
        exit_code: int = 0,
        reason: str = "",
        version: int | None = None,
        image: str | None = None,
        digest: str | None = None,
    ) -> None:
        self.result = DeployFinished(
            deploy=self.id,
            flow=self.flow.display_name,
            outcome=outcome,
            seconds=12.3,
            exit_code=exit_code,
            reason=reason,
            version=version,
            image=image,
            digest=digest,
        )
        self.emit(self.result)
        self.end.set()


DOCKERFILE = """\
# made by flowtui
FROM python:3.11-slim
RUN pip install prefect==1.4.1 pandas==2.1.0
COPY flow /opt/prefect/flows
"""


def plan_for(flow: LocalFlow, lane: Lane) -> Plan:
    interpreter = Interpreter("/usr/bin/python3", "3.11.7", "1.4.1", "3.1.2", ".venv")
    loaded = LoadedFlow(
        name=flow.display_name,
        interpreter=interpreter,
        serialized={
            "name": flow.display_name,
            "parameters": [{"name": "country", "required": True, "default": None}],
            "tasks": [{"slug": "extract-1"}, {"slug": "load-1"}],
        },
        storage=None,
        environment=None,
        run_config=None,
        executor=None,
        modules=(),
        packages=(Package("pandas", "2.1.0"),),
    )
    docker = lane is Lane.IMAGE
    return Plan(
        flow=flow,
        loaded=loaded,
        project="My Project",
        project_exists=True,
        lane=lane,
        reasons=("no version of it was made from this input",),
        settings=(
            Setting("registry_url", "registry.example.com", Origin.PROJECT_FILE, "flowtui.toml"),
            Setting("python_dependencies", ("pandas==2.1.0",), Origin.INFERRED, "import pandas"),
        ),
        options=StorageOptions(),
        execution=ExecutionOptions(),
        attachment=Attachment({"type": "Docker"}),
        content_hash="0" * 64,
        storage=StorageKind.DOCKER if docker else StorageKind.LOCAL,
        image="registry.example.com/etl:abc123" if docker else None,
        dockerfile=DOCKERFILE if docker else None,
        context=ContextSummary((("flows/etl.py", 812), ("flow.pickle", 20_345)), (".env",))
        if docker
        else None,
    )
