"""The control plane of Prefect 2 and 3: `prefect server` and Prefect Cloud."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from datetime import datetime
from pathlib import Path

from flowtui.api.rest import (
    deployments,
    identifying,
    projects,
    registration,
    run_changes,
    run_details,
    runs,
    starting,
    work_pools,
)
from flowtui.api.rest.connection import Connection
from flowtui.api.run_search import WantedRuns
from flowtui.credentials import Secret
from flowtui.models import Ability, FlowVersion, Identity, JsonObject, Project, RegisteredDeployment
from flowtui.run_models import (
    Agent,
    FlowRun,
    Parameter,
    RunLine,
    RunRequest,
    StateChange,
    TaskRun,
    WorkPool,
)


class RestControlPlane:
    """Implements `api.base.ControlPlane`. Use it inside one event loop, and close it.

    What is registered of a flow are its deployments; a project is a tag of theirs.
    """

    def __init__(
        self,
        api_url: str,
        secret: Secret | None,
        *,
        ca_file: Path | None = None,
        timeout: float = 15.0,
        base: str = "",
    ) -> None:
        """`timeout` is in seconds, for each call with its retries. `base` is where the API is
        rooted, if that is not the address itself.

        Raises UsageError for an address that is none. No network is touched.
        """
        self.connection = Connection(api_url, secret, ca_file=ca_file, timeout=timeout, base=base)

    @property
    def api_url(self) -> str:
        return self.connection.api_url

    async def identify(self) -> Identity:
        """Connect: check the credential, learn the release and the workspace."""
        return await identifying.identify(self.connection)

    async def projects(self) -> tuple[Project, ...]:
        return await projects.projects(self.connection)

    async def create_project(self, name: str, description: str = "") -> Project:
        return await projects.create(self.connection, name, description)

    async def rename_project(self, project: Project, name: str) -> Project:
        return await projects.rename(self.connection, project, name)

    async def describe_project(self, project: Project, description: str) -> Project:
        return await projects.describe(self.connection, project, description)

    async def delete_project(self, project: Project) -> None:
        await projects.delete(self.connection, project)

    async def move_flow(self, name: str, source: Project, target: Project) -> None:
        await projects.move(self.connection, name, source, target)

    async def flow_versions(
        self, *, project: str | None = None, name: str | None = None, archived: bool = False
    ) -> tuple[FlowVersion, ...]:
        """Deployments, newest first; there are no archived ones."""
        return await deployments.flow_versions(self.connection, project=project, name=name)

    async def serialized_flow(self, version_id: str) -> JsonObject | None:
        """The deployment's payload, in the form that `register` takes."""
        return await deployments.payload_of(self.connection, version_id)

    async def register(
        self,
        project: Project,
        serialized: JsonObject,
        *,
        set_schedule_active: bool = True,
        idempotency_key: str | None = None,
    ) -> FlowVersion:
        """Create a deployment, or change the one that is there: see the protocol.

        Neither of the keywords means anything here: the payload says which schedules are active,
        and registering twice makes one deployment.
        """
        return await registration.register(self.connection, project, serialized)

    async def deployments(self, flow_names: Collection[str]) -> tuple[RegisteredDeployment, ...]:
        return await deployments.of_flows(self.connection, flow_names)

    async def amend(
        self,
        version_id: str,
        change: Callable[[JsonObject], JsonObject],
        *,
        seen: RegisteredDeployment | None = None,
    ) -> FlowVersion:
        return await registration.amend(self.connection, version_id, change, seen)

    async def delete_version(self, version_id: str) -> None:
        await deployments.delete(self.connection, version_id)

    async def archive(self, version_id: str) -> None:
        raise self.connection.cannot(Ability.ARCHIVE_VERSIONS)

    async def set_schedule_active(self, version_id: str, active: bool) -> None:
        await deployments.set_schedule_active(self.connection, version_id, active)

    async def flow_runs(
        self,
        *,
        version_id: str | None = None,
        project: str | None = None,
        name: str | None = None,
        names: Collection[str] | None = None,
        states: Collection[str] | None = None,
        planned_until: datetime | None = None,
        planned_after: datetime | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[FlowRun, ...]:
        wanted = WantedRuns(version_id, project, name, names, states, planned_until, planned_after)
        return await runs.flow_runs(self.connection, wanted, offset=offset, limit=limit)

    async def last_runs(self, names: Collection[str]) -> tuple[FlowRun, ...]:
        return await runs.last_runs(self.connection, names)

    async def flow_run(self, run_id: str) -> FlowRun | None:
        return await runs.flow_run(self.connection, run_id)

    async def find_runs(self, text: str, *, limit: int = 10) -> tuple[FlowRun, ...]:
        return await runs.find_runs(self.connection, text, limit=limit)

    async def flow_parameters(self, version_id: str) -> tuple[Parameter, ...]:
        return await deployments.parameters(self.connection, version_id)

    async def start_run(self, request: RunRequest) -> FlowRun:
        return await starting.start_run(self.connection, request)

    async def cancel_run(self, run_id: str) -> str:
        return await starting.cancel_run(self.connection, run_id)

    async def run_states(self, run_id: str) -> tuple[StateChange, ...]:
        return await run_details.run_states(self.connection, run_id)

    async def task_runs(self, run_id: str) -> tuple[TaskRun, ...]:
        return await run_details.task_runs(self.connection, run_id)

    async def run_log(
        self, run_id: str, *, since: datetime | None = None, limit: int | None = None
    ) -> tuple[RunLine, ...]:
        return await run_details.run_log(self.connection, run_id, since=since, limit=limit)

    async def agents(self) -> tuple[Agent, ...]:
        """The workers of all pools."""
        return await work_pools.workers(self.connection)

    async def work_pools(self) -> tuple[WorkPool, ...]:
        return await work_pools.work_pools(self.connection)

    async def work_pool_types(self) -> tuple[str, ...]:
        return await work_pools.types(self.connection)

    async def create_work_pool(self, name: str, pool_type: str) -> WorkPool:
        return await work_pools.create(self.connection, name, pool_type)

    async def pause_work_pool(self, name: str, paused: bool) -> None:
        await work_pools.pause(self.connection, name, paused)

    def run_changes(self, run_id: str | None = None) -> AsyncIterator[str]:
        return run_changes.run_changes(self.connection, run_id)

    async def close(self) -> None:
        await self.connection.close()
