"""What flowtui asks of a control plane, whichever API it speaks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from flowtui.models import FlowVersion, Identity, JsonObject, Project
from flowtui.run_models import Agent, FlowRun, Parameter, RunLine, RunRequest, StateChange, TaskRun


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
        """All projects, by name."""
        ...

    async def create_project(self, name: str, description: str = "") -> Project: ...

    async def rename_project(self, project: Project, name: str) -> Project:
        """Raises `ControlPlaneError` where this API has no such call."""
        ...

    async def describe_project(self, project: Project, description: str) -> Project:
        """Raises `ControlPlaneError` where this API has no such call."""
        ...

    async def delete_project(self, project: Project) -> None: ...

    async def move_flow(self, name: str, source: Project, target: Project) -> None:
        """Move a flow with all its versions where this API can (`Ability.MOVE_VERSIONS`).

        Where it cannot, the version in use is registered anew in the target and archived where it
        was: earlier versions and runs stay behind. Raises `ControlPlaneError` where the target
        holds a flow of this name.
        """
        ...

    async def flow_versions(
        self, *, project: str | None = None, name: str | None = None, archived: bool = False
    ) -> tuple[FlowVersion, ...]:
        """Registered versions, newest first; archived ones only when asked for."""
        ...

    async def serialized_flow(self, version_id: str) -> JsonObject | None:
        """The serialization registered as this version, None where the API does not return it."""
        ...

    async def register(
        self,
        project: Project,
        serialized: JsonObject,
        *,
        set_schedule_active: bool = True,
        idempotency_key: str | None = None,
    ) -> FlowVersion:
        """Register a serialized flow as a new version. All of it or nothing."""
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

    async def close(self) -> None: ...
