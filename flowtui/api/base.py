"""What flowtui asks of a control plane, whichever API it speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from datetime import datetime
from typing import Protocol

from flowtui.models import FlowVersion, Identity, JsonObject, Project, RegisteredDeployment
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


class ControlPlane(Protocol):
    """One control plane behind one address. Every call has a time limit and can be cancelled.

    All calls raise `ControlPlaneError` (unreachable, refuses, too old) or `CredentialsError`
    (missing or wrong token), each saying where and what to do next.
    """

    @property
    def api_url(self) -> str: ...

    async def identify(self) -> Identity:
        """Connect: find the dialect, check the token, learn what this API can do."""
        ...

    async def projects(self) -> tuple[Project, ...]:
        """All projects, by name.

        With `Ability.ANY_PROJECT` those that something is in; what is in none is in the last one,
        whose name is empty, if there is any.
        """
        ...

    async def create_project(self, name: str, description: str = "") -> Project: ...

    async def rename_project(self, project: Project, name: str) -> Project:
        """Raises `ControlPlaneError` where this API has no such call."""
        ...

    async def describe_project(self, project: Project, description: str) -> Project:
        """Raises `ControlPlaneError` where this API has no such call."""
        ...

    async def delete_project(self, project: Project) -> None:
        """Delete a project with all in it.

        With `Ability.ANY_PROJECT` these are its deployments; their runs stay. Raises
        `ControlPlaneError` that says how far it came where it failed half way.
        """
        ...

    async def move_flow(self, name: str, source: Project, target: Project) -> None:
        """Move a flow, or one deployment of it (`flow/deployment`), to another project; with all
        its versions where this API can (`Ability.MOVE_VERSIONS`) or they are no part of it.

        Where it cannot, the version in use is registered anew in the target and archived where it
        was: earlier versions and runs stay behind. Raises `ControlPlaneError` where the target
        holds a flow of this name.
        """
        ...

    async def flow_versions(
        self, *, project: str | None = None, name: str | None = None, archived: bool = False
    ) -> tuple[FlowVersion, ...]:
        """Registered versions, newest first; archived ones only when asked for.

        `name` is a flow's, or `flow/deployment`; the `project` "" is that of what is in none.
        """
        ...

    async def serialized_flow(self, version_id: str) -> JsonObject | None:
        """What is registered as this version, None where the API does not return it.

        A serialized flow; of a deployment its payload, in the form that `register` takes.
        """
        ...

    async def deployments(self, flow_names: Collection[str]) -> tuple[RegisteredDeployment, ...]:
        """All deployments of these flows (`Ability.REGISTER_DEPLOYMENTS`), newest first."""
        ...

    async def register(
        self,
        project: Project,
        serialized: JsonObject,
        *,
        set_schedule_active: bool = True,
        idempotency_key: str | None = None,
    ) -> FlowVersion:
        """Register a serialized flow as a new version. All of it or nothing.

        With `Ability.REGISTER_DEPLOYMENTS` it is a deployment's payload: what `POST /deployments/`
        of Prefect 3 takes, with `flow_name` in place of `flow_id` and without the tag that names
        the project. One that is there already, of the same flow and name, is changed to it as
        `amend` does: what the payload does not name stays.
        """
        ...

    async def amend(
        self,
        version_id: str,
        change: Callable[[JsonObject], JsonObject],
        *,
        seen: RegisteredDeployment | None = None,
    ) -> FlowVersion:
        """Change some fields of a deployment (`Ability.CHANGE_IN_PLACE`).

        `change` is given the payload as it is registered at this moment and tells the fields that
        are to be others, by the names of `serialized_flow`; what it does not name stays as it is.
        Nothing is sent for no fields. `seen` is what was registered a while ago: where `change`
        then only names what nobody but a deploy changes, it is not looked up again.
        """
        ...

    async def delete_version(self, version_id: str) -> None:
        """Delete a deployment (`Ability.DELETE_VERSIONS`); its runs stay."""
        ...

    async def archive(self, version_id: str) -> None: ...

    async def set_schedule_active(self, version_id: str, active: bool) -> None:
        """Start or stop the schedule of a version that has one."""
        ...

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
        """Runs of one version, or of a flow by its name, or all: the latest planned start first.

        `name` is a flow's, or `flow/deployment`; the `project` "" is that of what is in none.
        `names` are flows: only runs of one of them. `states` are the control plane's own words:
        only runs that are in one of them. `planned_until` and `planned_after` cut by the planned
        start; with the second the soonest come first. The first `offset` are left out.
        """
        ...

    async def last_runs(self, names: Collection[str]) -> tuple[FlowRun, ...]:
        """Of flows with these names the run that started last, as far as it can be told cheaply;
        nothing where this API does not tell."""
        ...

    async def flow_run(self, run_id: str) -> FlowRun | None:
        """One run by its whole id, None when there is none."""
        ...

    async def find_runs(self, text: str, *, limit: int = 10) -> tuple[FlowRun, ...]:
        """Runs whose id is or begins with this (8 characters at least); else those of this name,
        the latest first."""
        ...

    async def flow_parameters(self, version_id: str) -> tuple[Parameter, ...]:
        """What a registered version declares (`Ability.TELL_PARAMETERS`), in its order."""
        ...

    async def start_run(self, request: RunRequest) -> FlowRun:
        """Start a run of a version (`Ability.START_RUNS`); a lost answer never makes two of it.

        Raises `ControlPlaneError` for an archived version and for missing parameters.
        """
        ...

    async def cancel_run(self, run_id: str) -> str:
        """Ask that a run ends (`Ability.CANCEL_RUNS`); returns the state that it then has:
        `Cancelled`, `Cancelling` while its process winds up, or how it had ended already."""
        ...

    async def run_states(self, run_id: str) -> tuple[StateChange, ...]:
        """The states that a run went through, oldest first (`Ability.TELL_RUN_DETAILS`)."""
        ...

    async def task_runs(self, run_id: str) -> tuple[TaskRun, ...]:
        """All task runs of a run, by when they started (`Ability.TELL_RUN_DETAILS`)."""
        ...

    async def run_log(
        self, run_id: str, *, since: datetime | None = None, limit: int | None = None
    ) -> tuple[RunLine, ...]:
        """The log of a run, oldest first (`Ability.TELL_RUN_DETAILS`).

        Only lines of that moment and later, and the first `limit` of them; `LogTail` follows it.
        """
        ...

    async def agents(self) -> tuple[Agent, ...]:
        """Agents that registered (`Ability.TELL_AGENTS`), those seen last first."""
        ...

    async def work_pools(self) -> tuple[WorkPool, ...]:
        """Work pools with their queues and workers, by name (`Ability.TELL_WORK_POOLS`)."""
        ...

    async def work_pool_types(self) -> tuple[str, ...]:
        """The types of work pool for which the control plane has a template, by name."""
        ...

    async def create_work_pool(self, name: str, pool_type: str) -> WorkPool:
        """Create a work pool from the control plane's own template for its type
        (`Ability.CREATE_WORK_POOLS`)."""
        ...

    async def pause_work_pool(self, name: str, paused: bool) -> None:
        """Let workers take runs from a pool, or not."""
        ...

    def run_changes(self, run_id: str | None = None) -> AsyncIterator[str]:
        """Ids of runs as soon as their states change (`Ability.STREAM_RUN_CHANGES`), of one run or
        of all; without an end. A hint that asking again is worth it: some may be missing.

        Raises `ControlPlaneError` when the stream breaks and cannot be taken up again.
        """
        ...

    async def close(self) -> None: ...
