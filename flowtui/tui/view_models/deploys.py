"""The deploys of this session, each as its events told it. Knows nothing of widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from flowtui.deploy.events import (
    DeployFinished,
    DeployStarted,
    Event,
    Level,
    LogLine,
    Outcome,
    Planned,
    ProblemFound,
    Progress,
    Stage,
    StageFinished,
    StageStarted,
)
from flowtui.deploy.history import DeployRecord as HistoryLine
from flowtui.deploy.plan import Plan
from flowtui.errors import ExitCode
from flowtui.models import DeployTable, FlowVersion, LocalFlow, Problem
from flowtui.tui.clock import seconds
from flowtui.tui.logs.store import LogStore

STAGES = tuple(Stage)

_NOT_BEGUN = ("Preparing", "Waiting")
"""The engine's words for a layer that it has not begun to push."""


class Phase(StrEnum):
    WAITING = "waiting"
    """For other deploys of a selection."""
    PLANNING = "planning"
    PLANNED = "planned"
    PLAN_FAILED = "plan failed"
    RUNNING = "running"
    CANCELLING = "cancelling"
    FINISHED = "finished"
    READING = "being read from the history"
    INTERRUPTED = "interrupted"
    """Of an earlier session: its process ended before it did."""
    ELSEWHERE = "running in another flowtui"


class StageState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    NOT_RUN = "not run"
    """The deploy ended before it."""


_AFTER = {
    Outcome.DONE: StageState.DONE,
    Outcome.SKIPPED: StageState.SKIPPED,
    Outcome.UNCHANGED: StageState.SKIPPED,
    Outcome.FAILED: StageState.FAILED,
    Outcome.CANCELLED: StageState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class StageView:
    """What the stage strip shows of one stage."""

    state: StageState = StageState.WAITING
    detail: str = ""
    started: float | None = None
    """Seconds since the epoch."""
    seconds: float | None = None
    """How long it took; None until it has ended."""

    def elapsed(self, now: float) -> float | None:
        if self.seconds is not None:
            return self.seconds
        return None if self.started is None else max(now - self.started, 0.0)


@dataclass(frozen=True, slots=True)
class ProgressTotal:
    """All progress items of a stage as one bar."""

    current: int
    total: int | None
    unit: str
    status: str
    waiting: int = 0
    """Items whose size is not known because they have not begun."""

    @property
    def fraction(self) -> float | None:
        return None if not self.total else min(self.current / self.total, 1.0)


@dataclass(slots=True)
class DeployRecord:
    """One deploy from its plan to its result, by an id of this session."""

    key: str
    flow: LocalFlow
    phase: Phase = Phase.PLANNING
    force: bool = False
    at_once: bool = False
    """Carried out without a person looking at a plan, unless something has to be decided."""
    hot: bool = False
    """A save led to it."""
    overrides: DeployTable = field(default_factory=DeployTable)
    """Settings that count for this deploy only."""
    notice: str = ""
    """What a person must know of the plan before it is carried out."""
    plan: Plan | None = None
    rolls_back_to: FlowVersion | None = None
    """It is a roll back to this version: there is no plan."""
    earlier: HistoryLine | None = None
    """The history's line, for a deploy of an earlier session."""
    problems: list[Problem] = field(default_factory=list[Problem])
    stages: dict[Stage, StageView] = field(
        default_factory=lambda: {stage: StageView() for stage in STAGES}
    )
    progress: dict[Stage, dict[str, Progress]] = field(
        default_factory=lambda: {stage: {} for stage in STAGES}
    )
    logs: dict[Stage, LogStore] = field(
        default_factory=lambda: {stage: LogStore() for stage in STAGES}
    )
    announced: DeployStarted | None = None
    decided: Planned | None = None
    started: float | None = None
    result: DeployFinished | None = None

    @property
    def running(self) -> bool:
        return self.phase in (Phase.RUNNING, Phase.CANCELLING)

    @property
    def active_stage(self) -> Stage | None:
        """The stage running now."""
        return next(
            (stage for stage in STAGES if self.stages[stage].state is StageState.RUNNING), None
        )

    @property
    def unfinished(self) -> Stage | None:
        """The stage that an ended deploy did not get through, None when all are through."""
        through = (StageState.DONE, StageState.SKIPPED)
        return next((stage for stage in STAGES if self.stages[stage].state not in through), None)

    @property
    def id(self) -> str:
        """Of the deploy in the history; empty until it has started."""
        if self.announced is not None:
            return self.announced.deploy
        return self.earlier.id if self.earlier is not None else ""

    @property
    def telling_stage(self) -> Stage:
        """Whose log tells most: the running stage, else the one that failed, else the last."""
        if self.active_stage is not None:
            return self.active_stage
        ended_badly = (StageState.FAILED, StageState.CANCELLED, StageState.INTERRUPTED)
        failed = [stage for stage in STAGES if self.stages[stage].state in ended_badly]
        if failed:
            return failed[0]
        with_log = [stage for stage in STAGES if len(self.logs[stage])]
        return with_log[-1] if with_log else STAGES[0]

    def elapsed(self, now: float) -> float | None:
        if self.result is not None:
            return self.result.seconds
        if self.phase is Phase.INTERRUPTED:
            return None
        return None if self.started is None else max(now - self.started, 0.0)

    def total_progress(self, stage: Stage) -> ProgressTotal | None:
        items = list(self.progress[stage].values())
        if not items:
            return None
        last = max(items, key=lambda item: item.at)
        same = [item for item in items if item.unit == last.unit]
        sized = [item for item in same if item.total is not None]
        unsized = [item for item in same if item.total is None and item.current]
        current = sum(min(item.current, item.total or 0) for item in sized)
        total = sum(item.total or 0 for item in sized)
        waiting = sum(item.total is None and item.status in _NOT_BEGUN for item in same)
        if unsized or not sized:
            current += sum(item.current for item in unsized)
            return ProgressTotal(current, None, last.unit, last.status, waiting)
        return ProgressTotal(current, total, last.unit, last.status, waiting)

    def _progressed(self, event: Progress) -> Progress:
        """The engine's last word on a layer has no numbers: what it had is then all there."""
        before = self.progress[event.stage].get(event.item)
        if event.total is not None or before is None or before.total is None:
            return event
        return replace(event, current=before.total, total=before.total)

    def apply(self, event: Event) -> None:
        """The one place where an event changes what is known of a deploy."""
        match event:
            case LogLine():
                self.logs[event.stage].append(event.text, event.level, event.at)
            case Progress():
                self.progress[event.stage][event.item] = self._progressed(event)
            case DeployStarted():
                self.announced = event
                self.started = event.at if self.phase is not Phase.WAITING else None
            case Planned():
                self.decided = event
            case StageStarted():
                if self.phase is Phase.WAITING:
                    self.phase, self.started = Phase.RUNNING, event.at
                self.stages[event.stage] = StageView(StageState.RUNNING, event.detail, event.at)
            case StageFinished():
                self._finish_stage(event)
            case ProblemFound():
                self._add_problem(event)
            case DeployFinished():
                self._finish(event)

    def end(self, problem: Problem | None, now: float) -> None:
        """The work is through. Without a result among its events it failed, or was cancelled."""
        if problem is not None:
            self.problems.append(problem)
        if self.result is not None:
            return
        cancelled = problem is None and self.phase is Phase.CANCELLING
        self._finish(
            DeployFinished(
                deploy=self.key,
                flow=self.flow.display_name,
                outcome=Outcome.CANCELLED if cancelled else Outcome.FAILED,
                seconds=self.elapsed(now) or 0.0,
                exit_code=ExitCode.CANCELLED if cancelled else ExitCode.FAILED,
                reason="" if cancelled else "it ended without a result",
                at=now,
            )
        )

    def interrupt(self) -> None:
        """Its process is gone: the stage that ran then ended there."""
        for stage, view in self.stages.items():
            if view.state is StageState.RUNNING:
                self.stages[stage] = replace(view, state=StageState.INTERRUPTED, started=None)

    def _finish_stage(self, event: StageFinished) -> None:
        before = self.stages[event.stage]
        self.stages[event.stage] = replace(
            before,
            state=_AFTER[event.outcome],
            detail=event.detail or before.detail,
            seconds=event.seconds,
        )

    def _add_problem(self, event: ProblemFound) -> None:
        self.problems.append(Problem(event.what, event.where, event.fix))
        log = self.logs[event.stage if event.stage is not None else self.telling_stage]
        last = log.line(log.total - 1)
        if last is not None and event.what in last.text:
            return  # the stage said so itself
        log.append(event.what, Level.ERROR, event.at)

    def _finish(self, event: DeployFinished) -> None:
        self.result = event
        self.phase = Phase.FINISHED
        state = _AFTER[event.outcome]
        for stage, view in self.stages.items():
            if view.state is StageState.RUNNING:
                self.stages[stage] = replace(view, state=state, seconds=view.elapsed(event.at))
            elif view.state is StageState.WAITING:
                self.stages[stage] = replace(view, state=StageState.NOT_RUN)


class DeployBook:
    """All deploys of this session by id, oldest first, and the earlier ones that were opened."""

    def __init__(self, clock: Callable[[], float] = seconds) -> None:
        self._records: dict[str, DeployRecord] = {}
        self._earlier: dict[str, DeployRecord] = {}
        self._opened = 0
        self.clock = clock

    def open(self, flow: LocalFlow, *, force: bool = False, hot: bool = False) -> DeployRecord:
        self._opened += 1
        record = DeployRecord(key=f"d{self._opened}", flow=flow, force=force, hot=hot)
        self._records[record.key] = record
        return record

    def get(self, key: str) -> DeployRecord | None:
        return self._records.get(key) or self._earlier.get(key)

    @property
    def ids(self) -> frozenset[str]:
        """The history's ids of the deploys of this session."""
        return frozenset(
            record.announced.deploy
            for record in self._records.values()
            if record.announced is not None
        )

    def put_earlier(self, record: DeployRecord) -> None:
        """A deploy of an earlier session, by the history's id of it."""
        self._earlier[record.key] = record

    def forget(self, key: str) -> None:
        """Drops a record that never ran: a plan that was looked at and left."""
        record = self._records.get(key)
        if record is not None and not record.running and record.phase is not Phase.FINISHED:
            del self._records[key]

    def __iter__(self) -> Iterator[DeployRecord]:
        return iter(self._records.values())

    @property
    def ran(self) -> tuple[DeployRecord, ...]:
        """Deploys that were started, newest first."""
        started = [
            record
            for record in self._records.values()
            if record.running or record.at_once or record.phase is Phase.FINISHED
        ]
        return tuple(reversed(started))

    @property
    def running(self) -> tuple[DeployRecord, ...]:
        return tuple(record for record in self._records.values() if record.running)

    def latest_of(self, flow: LocalFlow) -> DeployRecord | None:
        """The newest deploy of this flow that was started."""
        return next((record for record in self.ran if record.flow.target == flow.target), None)
