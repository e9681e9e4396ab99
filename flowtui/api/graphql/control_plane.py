"""The control plane of Prefect 0.6 to 1.4: Prefect Cloud, Prefect Server, `flowtui server`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from datetime import datetime
from pathlib import Path

from flowtui.api.graphql import (
    agents,
    moving,
    projects,
    registration,
    run_details,
    runs,
    starting,
    versions,
)
from flowtui.api.graphql.connection import Connection
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


class GraphQLControlPlane:
    """Implements `api.base.ControlPlane`. Use it inside one event loop, and close it."""

    def __init__(
        self,
        api_url: str,
        secret: Secret | None,
        *,
        ca_file: Path | None = None,
        timeout: float = 15.0,
    ) -> None:
        """`timeout` is in seconds, for each call with its retries; registering may take longer.

        Raises UsageError for an address that is none. No network is touched.
        """
        self.connection = Connection(api_url, secret, ca_file=ca_file, timeout=timeout)

    @property
    def api_url(self) -> str:
        return self.connection.api_url

    async def identify(self) -> Identity:
        """Connect: find the dialect, check the token, learn the tenant."""
        return await self.connection.identify()

    async def projects(self) -> tuple[Project, ...]:
        """All projects, by name; `flow_count` counts the names of flows that are not archived."""
        return await projects.projects(self.connection)

    async def create_project(self, name: str, description: str = "") -> Project:
        return await projects.create(self.connection, name, description)

    async def rename_project(self, project: Project, name: str) -> Project:
        return await projects.rename(self.connection, project, name)

    async def describe_project(self, project: Project, description: str) -> Project:
        return await projects.describe(self.connection, project, description)

    async def delete_project(self, project: Project) -> None:
        """Delete a project with all flows in it."""
        await projects.delete(self.connection, project)

    async def move_flow(self, name: str, source: Project, target: Project) -> None:
        """Move a flow with its versions, or register it anew in the target: see the protocol."""
        await moving.move(self.connection, name, source, target)

    async def flow_versions(
        self, *, project: str | None = None, name: str | None = None, archived: bool = False
    ) -> tuple[FlowVersion, ...]:
        """Registered versions, newest first; archived ones only when asked for."""
        return await versions.flow_versions(
            self.connection, project=project, name=name, archived=archived
        )

    async def serialized_flow(self, version_id: str) -> JsonObject | None:
        """The serialization registered as this version, None where the API does not return it."""
        return await versions.serialized_flow(self.connection, version_id)

    async def register(
        self,
        project: Project,
        serialized: JsonObject,
        *,
        set_schedule_active: bool = True,
        idempotency_key: str | None = None,
    ) -> FlowVersion:
        """Register a serialized flow as a new version. All of it or nothing.

        With the key of the newest version the server creates nothing and that version is returned.
        Cancelled, it takes back what it did; what could not be taken back is a note of the
        CancelledError. Use `close` afterwards: it waits for clean-up that is still under way.
        """
        return await registration.register(
            self.connection,
            project,
            serialized,
            set_schedule_active=set_schedule_active,
            idempotency_key=idempotency_key,
        )

    async def archive(self, version_id: str) -> None:
        await versions.archive(self.connection, version_id)

    async def set_schedule_active(self, version_id: str, active: bool) -> None:
        await versions.set_schedule_active(self.connection, version_id, active)

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
        """Runs of a version, of a flow by its name, or all; the latest planned start first."""
        wanted = WantedRuns(version_id, project, name, names, states, planned_until, planned_after)
        return await runs.flow_runs(self.connection, wanted, offset=offset, limit=limit)

    async def last_runs(self, names: Collection[str]) -> tuple[FlowRun, ...]:
        """Of each flow the run that started last; see `runs.last_runs` for what is not told."""
        return await runs.last_runs(self.connection, names)

    async def flow_run(self, run_id: str) -> FlowRun | None:
        return await runs.flow_run(self.connection, run_id)

    async def find_runs(self, text: str, *, limit: int = 10) -> tuple[FlowRun, ...]:
        """Runs with this id, this beginning of an id (8 characters at least) or this name."""
        return await runs.find_runs(self.connection, text, limit=limit)

    async def flow_parameters(self, version_id: str) -> tuple[Parameter, ...]:
        return await versions.flow_parameters(self.connection, version_id)

    async def start_run(self, request: RunRequest) -> FlowRun:
        """Start a run, once: see `starting.start_run`."""
        return await starting.start_run(self.connection, request)

    async def cancel_run(self, run_id: str) -> str:
        """Ask that a run ends; returns the state that it then has."""
        return await starting.cancel_run(self.connection, run_id)

    async def run_states(self, run_id: str) -> tuple[StateChange, ...]:
        return await run_details.run_states(self.connection, run_id)

    async def task_runs(self, run_id: str) -> tuple[TaskRun, ...]:
        return await run_details.task_runs(self.connection, run_id)

    async def run_log(
        self, run_id: str, *, since: datetime | None = None, limit: int | None = None
    ) -> tuple[RunLine, ...]:
        """Lines of a run's log, oldest first; `since` and `limit` count from there."""
        return await run_details.run_log(self.connection, run_id, since=since, limit=limit)

    async def agents(self) -> tuple[Agent, ...]:
        return await agents.agents(self.connection)

    async def deployments(self, flow_names: Collection[str]) -> tuple[RegisteredDeployment, ...]:
        raise self.connection.cannot(Ability.REGISTER_DEPLOYMENTS)

    async def amend(
        self,
        version_id: str,
        change: Callable[[JsonObject], JsonObject],
        *,
        seen: RegisteredDeployment | None = None,
    ) -> FlowVersion:
        raise self.connection.cannot(Ability.CHANGE_IN_PLACE)

    async def delete_version(self, version_id: str) -> None:
        raise self.connection.cannot(Ability.DELETE_VERSIONS)

    async def work_pools(self) -> tuple[WorkPool, ...]:
        raise self.connection.cannot(Ability.TELL_WORK_POOLS)

    async def work_pool_types(self) -> tuple[str, ...]:
        raise self.connection.cannot(Ability.CREATE_WORK_POOLS)

    async def create_work_pool(self, name: str, pool_type: str) -> WorkPool:
        raise self.connection.cannot(Ability.CREATE_WORK_POOLS)

    async def pause_work_pool(self, name: str, paused: bool) -> None:
        raise self.connection.cannot(Ability.TELL_WORK_POOLS)

    def run_changes(self, run_id: str | None = None) -> AsyncIterator[str]:
        raise self.connection.cannot(Ability.STREAM_RUN_CHANGES)

    async def close(self) -> None:
        """Close the connections, after the clean-up of cancelled registrations."""
        await self.connection.close()
