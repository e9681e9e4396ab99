"""Runs and agents in memory, moved through their states by a test."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flowtui.errors import ControlPlaneError, FlowtuiError
from flowtui.models import FlowVersion, Json
from flowtui.run_models import (
    Agent,
    FlowRun,
    Parameter,
    RunLine,
    RunRequest,
    RunState,
    StateChange,
    TaskRun,
    kind_of,
)

ADDRESS = "http://127.0.0.1:4999"
CREATED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class MemoryRuns:
    """The part of the control plane in memory that runs flows. Each event is a second later,
    unless the test sets `clock`."""

    def __init__(self) -> None:
        self.refusal: FlowtuiError | None = None
        self.version_list: list[FlowVersion] = []
        self.runs: list[FlowRun] = []
        """Newest first, as they are answered."""
        self.agent_list: list[Agent] = []
        self.parameter_lists: dict[str, tuple[Parameter, ...]] = {}
        """By the id of the version."""
        self.requests: list[RunRequest] = []
        """What runs were asked for with."""
        self.cancelled: list[str] = []
        self.listings_of_runs: list[int] = []
        """From which place on runs were asked for."""
        self.clock: Callable[[], datetime] = self._next_second
        self._tasks: dict[str, list[TaskRun]] = {}
        self._states: dict[str, list[StateChange]] = {}
        self._lines: dict[str, list[RunLine]] = {}
        self._seconds = 0
        self._count = 0

    def answering(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    def _next_second(self) -> datetime:
        self._seconds += 1
        return CREATED + timedelta(seconds=self._seconds)

    def _new_id(self) -> str:
        self._count += 1
        return f"{self._count:08d}-0000-4000-8000-000000000000"

    # -------------------------------------------------------------------- what a test makes happen

    def add_run(
        self,
        version: FlowVersion,
        *,
        name: str = "",
        parameters: Mapping[str, Json] | None = None,
        labels: tuple[str, ...] = (),
        start: datetime | None = None,
        auto_scheduled: bool = False,
    ) -> FlowRun:
        """A run that is Scheduled, as the newest."""
        moment = self.clock()
        run_id = self._new_id()
        run = FlowRun(
            id=run_id,
            name=name or f"brave-heron-{self._count}",
            flow=version.name,
            project=version.project,
            version=version.version,
            version_id=version.id,
            state="Scheduled",
            message="Flow run scheduled.",
            scheduled=start or moment,
            parameters=dict(parameters or {}),
            labels=labels,
            created=moment,
            auto_scheduled=auto_scheduled,
            state_start=start or moment,
            version_archived=version.archived,
            storage=version.storage,
            core_version=version.core_version,
            deployment=version.deployment,
            version_label=version.label,
            work_pool=version.work_pool,
            work_queue=version.work_queue,
            tags=version.tags,
        )
        self.runs.insert(0, run)
        self._states[run_id] = [StateChange(moment, run.state, run.message)]
        return run

    def move_run(
        self, run_id: str, state: str, message: str = "", *, start: datetime | None = None
    ) -> FlowRun:
        """The run goes to a state; `start` is when a waiting state is due."""
        moment = self.clock()
        before = self._run(run_id)
        kind = kind_of(state)
        run = replace(
            before,
            state=state,
            message=message,
            state_start=start,
            started=before.started or (moment if state == "Running" else None),
            ended=moment if kind.is_over else None,
            heartbeat=moment if kind is RunState.RUNNING else before.heartbeat,
        )
        self.runs[self.runs.index(before)] = run
        self._states.setdefault(run_id, []).append(StateChange(moment, state, message))
        return run

    def give_run(self, run_id: str, agent: Agent) -> FlowRun:
        """The agent takes the run, and its process starts."""
        self.move_run(run_id, "Submitted", "Submitted for execution")
        run = self.move_run(run_id, "Running", "Running flow.")
        taken = replace(run, agent_id=agent.id)
        self.runs[self.runs.index(run)] = taken
        return taken

    def add_task_run(
        self, run_id: str, task: str, state: str = "Pending", *, map_index: int = -1
    ) -> TaskRun:
        task_run = TaskRun(self._new_id(), task, f"{task}-1", map_index, "Pending")
        self._tasks.setdefault(run_id, []).append(task_run)
        return task_run if state == "Pending" else self.move_task_run(run_id, task_run.id, state)

    def move_task_run(
        self, run_id: str, task_run_id: str, state: str, message: str = ""
    ) -> TaskRun:
        moment = self.clock()
        task_runs = self._tasks[run_id]
        index = next(i for i, each in enumerate(task_runs) if each.id == task_run_id)
        before = task_runs[index]
        kind = kind_of(state)
        starts = state == "Running" or (kind.is_over and before.started is None)
        task_runs[index] = replace(
            before,
            state=state,
            message=message,
            started=before.started or (moment if starts else None),
            ended=moment if kind.is_over else None,
            attempts=before.attempts + (state == "Running"),
        )
        return task_runs[index]

    def add_line(
        self,
        run_id: str,
        text: str,
        level: str = "INFO",
        *,
        logger: str = "prefect.CloudFlowRunner",
        moment: datetime | None = None,
        task_run_id: str = "",
    ) -> RunLine:
        line = RunLine(self._new_id(), moment or self.clock(), level, logger, text, task_run_id)
        self._lines.setdefault(run_id, []).append(line)
        return line

    def add_agent(
        self,
        name: str = "agent",
        kind: str = "LocalAgent",
        labels: tuple[str, ...] = (),
        *,
        core_version: str = "1.4.1",
        last_seen: datetime | None = None,
    ) -> Agent:
        agent = Agent(self._new_id(), name, kind, labels, core_version, last_seen or self.clock())
        self.agent_list.append(agent)
        return agent

    def _run(self, run_id: str) -> FlowRun:
        return next(run for run in self.runs if run.id == run_id)

    # ----------------------------------------------------------------------- the control plane's

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
        self.answering()
        self.listings_of_runs.append(offset)
        found = [
            run
            for run in self.runs
            if version_id in (None, run.version_id)
            and project in (None, run.project)
            and name in (None, run.flow, run.flow_name)
            and (names is None or run.flow in names)
            and (states is None or run.state in states)
            and _planned(run, planned_until, planned_after)
        ]
        if planned_after is not None:
            found.sort(key=lambda run: run.scheduled or CREATED)
        return tuple(found[offset : offset + limit])

    async def last_runs(self, names: Collection[str]) -> tuple[FlowRun, ...]:
        self.answering()
        newest: dict[tuple[str, str], FlowRun] = {}
        for run in self.runs:
            if run.flow in names and run.started is not None:
                newest.setdefault((run.project, run.flow_name), run)
        return tuple(newest.values())

    async def flow_run(self, run_id: str) -> FlowRun | None:
        self.answering()
        return next((run for run in self.runs if run.id == run_id), None)

    async def find_runs(self, text: str, *, limit: int = 10) -> tuple[FlowRun, ...]:
        self.answering()
        by_id = [run for run in self.runs if len(text) >= 8 and run.id.startswith(text)]
        return tuple((by_id or [run for run in self.runs if run.name == text])[:limit])

    async def flow_parameters(self, version_id: str) -> tuple[Parameter, ...]:
        self.answering()
        return self.parameter_lists.get(version_id, ())

    async def start_run(self, request: RunRequest) -> FlowRun:
        self.answering()
        version = next(v for v in self.version_list if v.id == request.version_id)
        if version.archived:
            raise ControlPlaneError(
                "the run was not started: the flow is archived", where=ADDRESS, fix="deploy it"
            )
        declared = self.parameter_lists.get(version.id, ())
        missing = [p.name for p in declared if p.required and p.name not in request.parameters]
        if missing:
            raise ControlPlaneError(
                "the run was not started: required parameters were not supplied: "
                + ", ".join(missing),
                where=ADDRESS,
                fix="give each of them a value",
            )
        self.requests.append(request)
        defaults = {each.name: each.default for each in declared if not each.required}
        return self.add_run(
            version,
            name=request.name,
            parameters={**defaults, **request.parameters},
            labels=request.labels or (),
            start=request.start,
        )

    async def cancel_run(self, run_id: str) -> str:
        self.answering()
        self.cancelled.append(run_id)
        run = self._run(run_id)
        if run.kind.is_over:
            return run.state
        state = "Cancelling" if run.state == "Running" else "Cancelled"
        return self.move_run(run_id, state, "Flow run is cancelled by request.").state

    async def run_states(self, run_id: str) -> tuple[StateChange, ...]:
        self.answering()
        return tuple(self._states.get(run_id, ()))

    async def task_runs(self, run_id: str) -> tuple[TaskRun, ...]:
        self.answering()
        return tuple(self._tasks.get(run_id, ()))

    async def run_log(
        self, run_id: str, *, since: datetime | None = None, limit: int | None = None
    ) -> tuple[RunLine, ...]:
        self.answering()
        lines = sorted(self._lines.get(run_id, ()), key=lambda line: line.moment)
        return tuple(line for line in lines if since is None or line.moment >= since)[:limit]

    async def agents(self) -> tuple[Agent, ...]:
        self.answering()
        return tuple(self.agent_list)


def _planned(run: FlowRun, until: datetime | None, after: datetime | None) -> bool:
    at = run.scheduled
    if at is None:
        return until is None and after is None
    return (until is None or at <= until) and (after is None or at > after)
