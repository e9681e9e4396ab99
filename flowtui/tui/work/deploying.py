"""Deploys: planned, started, followed by their events, cancelled; and those of earlier sessions."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from textual.worker import Worker, WorkerError

from flowtui import executors
from flowtui.deploy.events import DeployFinished, Event, LogLine, Outcome, Progress
from flowtui.deploy.together import Together
from flowtui.errors import FlowtuiError
from flowtui.models import ExecutionOptions, FlowKind, FlowVersion, LocalFlow, Problem
from flowtui.quantities import counted
from flowtui.tui import crash
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.tui.view_models.deploys import DeployRecord, Phase
from flowtui.tui.view_models.replay import replayed, unread
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.deploy.history import DeployRecord as HistoryLine
    from flowtui.tui.app import FlowtuiApp

Emit: TypeAlias = Callable[[Event], None]


@dataclass(slots=True)
class _Batch:
    """Deploys of one selection: told together when the last one has ended."""

    records: tuple[DeployRecord, ...]

    @property
    def ended(self) -> bool:
        return all(record.result is not None for record in self.records)

    @property
    def summary(self) -> str:
        """For example `3 flows: 2 done, 1 failed`."""
        outcomes = Counter(str(r.result.outcome) for r in self.records if r.result is not None)
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        return f"{counted(len(self.records), 'flow')}: {told}"

    @property
    def good(self) -> bool:
        good = (Outcome.DONE, Outcome.UNCHANGED)
        return all(r.result is not None and r.result.outcome in good for r in self.records)


class Deploying:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._workers: dict[str, Worker[None]] = {}
        self._behind: list[tuple[LocalFlow, Emit, asyncio.Future[DeployFinished]]] = []
        """Hot deploys that wait until one of the same flow has ended."""
        self._hot: dict[str, asyncio.Future[DeployFinished]] = {}
        """What the loop of the hot flows waits for, by key of the record."""
        self._batches: dict[str, _Batch] = {}
        """By key of the record, until the batch has ended."""

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.PlanMade: self._plan_made,
            msg.PlanFailed: self._plan_failed,
            msg.ExecutorKept: self._executor_kept,
            msg.WorkPoolKept: self._work_pool_kept,
            msg.ResumeChecked: self._resume_checked,
            msg.WayBackFound: self._way_back_found,
            msg.DeployEventReceived: self._event_received,
            msg.DeployEnded: self._ended,
            msg.EarlierDeployRead: self._earlier_read,
        }

    # ------------------------------------------------------------------------------------- plan

    def plan(self, flow: LocalFlow, *, force: bool = False) -> DeployRecord:
        """Open a deploy with its plan; nothing is built until `start`."""
        record = self._app.session.deploys.open(flow, force=force)
        self.plan_again(record)
        return record

    def plan_again(self, record: DeployRecord) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            try:
                plan = await workspace.plan(record.flow, record.overrides, force=record.force)
            except FlowtuiError as error:
                app.post_message(msg.PlanFailed(record.key, error.problem))
                return
            app.post_message(msg.PlanMade(record.key, plan))

        record.phase = Phase.PLANNING
        record.problems.clear()
        app.changed(Part.DEPLOYS)
        app.begin(
            job, group=f"plan:{record.key}", description=f"planning {record.flow.display_name}"
        )

    def _plan_made(self, message: msg.PlanMade) -> None:
        record = self._app.session.deploys.get(message.key)
        if record is not None:
            record.plan, record.phase = message.plan, Phase.PLANNED
            self._app.session.plans[record.flow.target] = message.plan
            self._app.session.plan_problems.pop(record.flow.target, None)
            self._app.changed(Part.DEPLOYS)
            if record.at_once:
                self._go_on(record)

    def _plan_failed(self, message: msg.PlanFailed) -> None:
        record = self._app.session.deploys.get(message.key)
        if record is not None:
            record.phase = Phase.PLAN_FAILED
            record.problems.append(message.problem)
            self._app.session.plan_problems[record.flow.target] = message.problem
            record.at_once = False
            self._app.changed(Part.DEPLOYS)

    def leave_plan(self, record: DeployRecord) -> None:
        """A plan that was looked at and not carried out is forgotten."""
        self._app.cancel_group(f"plan:{record.key}")
        self._app.session.deploys.forget(record.key)

    def use_executor(self, record: DeployRecord, chosen: ExecutionOptions | None) -> None:
        """Plan again with this executor, which counts for this deploy only; None: with none."""
        record.overrides = replace(record.overrides, execution=chosen or ExecutionOptions())
        self.plan_again(record)

    def keep_executor(self, record: DeployRecord, chosen: ExecutionOptions | None) -> None:
        """Write it into the flow's table of the project file, or take it out; then plan again."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            try:
                file = await asyncio.to_thread(workspace.choose_executor, record.flow, chosen)
            except FlowtuiError as error:
                app.post_message(msg.ChangeRefused(error.problem))
                return
            app.post_message(msg.ExecutorKept(record.key, file, chosen))

        app.begin(job, group="project file", description="writing the project file")

    def _executor_kept(self, message: msg.ExecutorKept) -> None:
        app = self._app
        record = app.session.deploys.get(message.key)
        what = executors.in_words(message.chosen) if message.chosen else "the flow's own executor"
        app.say(f"{what}: written to {message.file.name}")
        app.folder.refresh_rows()
        if record is not None:
            self.use_executor(record, None)

    def use_work_pool(self, record: DeployRecord, pool: str | None) -> None:
        """Plan again with this work pool, which counts for this deploy only; None: with none."""
        deployment = replace(record.overrides.deployment, work_pool=pool)
        record.overrides = replace(record.overrides, deployment=deployment)
        self.plan_again(record)

    def keep_work_pool(self, record: DeployRecord, pool: str) -> None:
        """Write it into the flow's table of the project file; then plan again."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            try:
                file = await asyncio.to_thread(workspace.choose_work_pool, record.flow, pool)
            except FlowtuiError as error:
                app.post_message(msg.ChangeRefused(error.problem))
                return
            app.post_message(msg.WorkPoolKept(record.key, file, pool))

        app.begin(job, group="project file", description="writing the project file")

    def _work_pool_kept(self, message: msg.WorkPoolKept) -> None:
        app = self._app
        app.say(f"work pool {message.pool}: written to {message.file.name}")
        app.folder.refresh_rows()
        record = app.session.deploys.get(message.key)
        if record is not None:
            self.use_work_pool(record, None)

    def deploy_all(self, flows: Sequence[LocalFlow]) -> None:
        """Deploy each, side by side; a missing project is never created this way."""
        workspace = self._app.session.workspace
        if workspace is None:
            return
        records = tuple(self._app.session.deploys.open(flow) for flow in flows)
        batch, together = _Batch(records), Together(tuple(flows))
        for record in records:
            record.at_once = True
            self._batches[record.key] = batch
            deploy = partial(
                workspace.deploy, record.flow, partial(self._receive, record), together=together
            )
            self._run(record, deploy, phase=Phase.WAITING)

    def _go_on(self, record: DeployRecord) -> None:
        """A plan that nobody looks at is carried out, unless a person has to decide something."""
        plan = record.plan
        if plan is None or plan.project_exists is not False:
            self.start(record)
        else:
            record.at_once = False

    # ----------------------------------------------------------------------------------- deploy

    def deploy_now(self, flow: LocalFlow) -> DeployRecord:
        """Plan and deploy; the plan is shown only where a person has to decide something."""
        record = self._app.session.deploys.open(flow)
        record.at_once = True
        self.plan_again(record)
        return record

    def start(self, record: DeployRecord) -> None:
        """Carry out the plan; a missing project is created only where the plan said so."""
        workspace, plan = self._app.session.workspace, record.plan
        if workspace is None or plan is None:
            return
        create = plan.project_exists is False
        receive = partial(self._receive, record)
        self._run(
            record,
            lambda: workspace.deploy(
                record.flow,
                receive,
                record.overrides,
                force=record.force,
                create_project=create,
            ),
        )

    def look_back(self, version: FlowVersion) -> None:
        """Find out what rolling back to this version would change; then it is asked about."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            try:
                way = await workspace.way_back(version)
            except FlowtuiError as error:
                app.post_message(msg.ChangeRefused(error.problem))
                return
            app.post_message(msg.WayBackFound(way))

        what = f"comparing {version.flow_name} with {version.words}"
        app.begin(job, group="way back", description=what)

    def _way_back_found(self, message: msg.WayBackFound) -> None:
        from flowtui.tui.asking import confirm_roll_back

        confirm_roll_back(self._app, message.way)

    def roll_back(self, version: FlowVersion, *, exactly: bool = False) -> DeployRecord | None:
        """Go back to an earlier version: a deploy without a plan, shown like every other."""
        session = self._app.session
        workspace, discovery = session.workspace, session.discovery
        if workspace is None:
            return None
        local = discovery.flows if discovery is not None else ()
        name = (version.name, version.deployment)
        source = next((flow for flow in local if (flow.name, flow.deployment) == name), None)
        absent = LocalFlow("", 0, version.flow_name, FlowKind.FLOW_OBJECT)
        record = session.deploys.open(source or absent)
        record.rolls_back_to = version
        receive = partial(self._receive, record)
        self._run(record, lambda: workspace.roll_back(version, receive, source, exactly=exactly))
        return record

    def resume(self, flow: LocalFlow, deploy: str) -> DeployRecord:
        """Go on where the deploy of this id ended; where that cannot be, plan it and say why."""
        app, workspace = self._app, self._app.session.workspace
        record = app.session.deploys.open(flow)
        if workspace is None:
            return record

        async def job() -> None:
            try:
                point = await asyncio.to_thread(workspace.resume_point, deploy)
                plan, reasons = await workspace.why_not_resume(point)
            except FlowtuiError as error:
                reasons = (error.problem.what,)
                app.post_message(msg.ResumeChecked(record.key, None, None, reasons))
                return
            app.post_message(msg.ResumeChecked(record.key, point, plan, reasons))

        app.begin(
            job,
            group=f"plan:{record.key}",
            description=f"comparing {flow.display_name} with what was deployed",
        )
        app.changed(Part.DEPLOYS)
        return record

    def _resume_checked(self, message: msg.ResumeChecked) -> None:
        record = self._app.session.deploys.get(message.key)
        workspace, point = self._app.session.workspace, message.point
        if record is None or workspace is None:
            return
        if point is None or message.reasons:
            stage = f" from {point.stage}" if point is not None else ""
            reasons = "; ".join(message.reasons)
            record.notice = (
                f"It cannot be gone on{stage}: {reasons}. This is the plan to do it anew."
            )
            self.plan_again(record)
            return
        record.plan = message.plan
        receive = partial(self._receive, record)
        self._run(record, lambda: workspace.resume(point, receive))

    def start_hot(self, flow: LocalFlow, emit: Emit, ended: asyncio.Future[DeployFinished]) -> None:
        """A save is deployed; `ended` gets the result also when a person cancels it."""
        workspace = self._app.session.workspace
        if workspace is None or ended.done():
            return
        if any(r.flow.target == flow.target for r in self._app.session.deploys.running):
            # One that a person started: never two of one flow at once.
            self._behind.append((flow, emit, ended))
            return
        record = self._app.session.deploys.open(flow, hot=True)
        self._hot[record.key] = ended
        result: DeployFinished | None = None
        receive = partial(self._receive, record)

        async def work() -> DeployFinished:
            def both(event: Event) -> None:
                nonlocal result
                if isinstance(event, DeployFinished):
                    result = event
                receive(event)
                emit(event)

            try:
                made = await workspace.deploy(flow, both)
            except asyncio.CancelledError:
                if result is not None:
                    _settle(ended, result)
                else:
                    ended.cancel()
                raise
            except Exception as error:
                if not ended.done():
                    ended.set_exception(error)
                raise
            _settle(ended, made)
            return made

        self._run(record, work)

    def _start_behind(self) -> None:
        waiting, self._behind = self._behind, []
        for flow, emit, ended in waiting:
            self.start_hot(flow, emit, ended)

    def supersede(self, ended: asyncio.Future[DeployFinished]) -> None:
        """Cancel the hot deploy that was started with this future."""
        self._behind = [each for each in self._behind if each[2] is not ended]
        for key, waiting in list(self._hot.items()):
            record = self._app.session.deploys.get(key)
            if waiting is ended and record is not None:
                self.cancel(record)
                return
        ended.cancel()

    def _run(
        self,
        record: DeployRecord,
        work: Callable[[], Coroutine[None, None, object]],
        *,
        phase: Phase = Phase.RUNNING,
    ) -> None:
        app = self._app

        async def job() -> None:
            try:
                await work()
            except FlowtuiError as error:
                app.post_message(msg.DeployEnded(record.key, error.problem))
                return
            except asyncio.CancelledError:
                app.post_message(msg.DeployEnded(record.key))
                raise
            except Exception as error:
                what = f"flowtui itself failed: {crash.headline(error)}"
                app.post_message(msg.DeployEnded(record.key, Problem(what)))
                raise
            app.post_message(msg.DeployEnded(record.key))

        record.phase = phase
        if phase is Phase.RUNNING:
            record.started = app.session.deploys.clock()
        self._workers[record.key] = app.begin(
            job,
            group=f"deploy:{record.key}",
            description=f"deploying {record.flow.display_name}",
        )
        app.changed(Part.DEPLOYS)

    def _receive(self, record: DeployRecord, event: Event) -> None:
        if isinstance(event, LogLine):
            record.apply(event)
        else:
            self._app.post_message(msg.DeployEventReceived(record.key, event))

    def _event_received(self, message: msg.DeployEventReceived) -> None:
        record = self._app.session.deploys.get(message.key)
        if record is None:
            return
        record.apply(message.event)
        flood = isinstance(message.event, Progress)
        self._app.changed(Part.PROGRESS if flood else Part.DEPLOYS)

    def _ended(self, message: msg.DeployEnded) -> None:
        app = self._app
        self._workers.pop(message.key, None)
        self._hot.pop(message.key, None)
        record = app.session.deploys.get(message.key)
        if record is None:
            return
        record.end(message.problem, app.session.deploys.clock())
        self._start_behind()
        app.changed(Part.DEPLOYS)
        self._announce(record)
        app.reaching.look()
        app.projects.list()
        app.folder.refresh_rows()

    def _announce(self, record: DeployRecord) -> None:
        """Say how a deploy ended, unless its own screen is in front and shows it."""
        app = self._app
        batch = self._batches.pop(record.key, None)
        if batch is not None:
            if batch.ended:
                app.say(batch.summary, severity="information" if batch.good else "error")
            return
        if getattr(app.screen, "deploy_key", None) == record.key or record.result is None:
            return
        if record.hot:
            return  # the strip says it
        name, result = record.flow.display_name, record.result
        match result.outcome:
            case Outcome.DONE:
                app.say(f"{name}: {result.version_words} is registered")
            case Outcome.UNCHANGED:
                app.say(f"{name}: nothing to do. {result.reason}")
            case Outcome.CANCELLED:
                app.say(f"{name}: {result.reason or 'cancelled'}", severity="warning")
            case _:
                what = record.problems[0].what if record.problems else result.reason
                app.say(f"{name}: deploy failed. {what}", severity="error")

    def cancel(self, record: DeployRecord) -> None:
        worker = self._workers.get(record.key)
        if worker is None or not (record.running or record.phase is Phase.WAITING):
            return
        record.phase = Phase.CANCELLING
        worker.cancel()
        self._app.changed(Part.DEPLOYS)

    async def end_all(self) -> None:
        """Cancel what runs and wait until it has cleaned up."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        for worker in workers:
            with suppress(WorkerError):
                await worker.wait()

    # ---------------------------------------------------------------------------------- history

    def open_earlier(self, line: HistoryLine) -> DeployRecord:
        """A deploy of an earlier session, filled from its events as if they came now."""
        app, workspace = self._app, self._app.session.workspace
        book = app.session.deploys
        known = book.get(line.id)
        if known is not None and known.phase is Phase.FINISHED:
            return known
        record = unread(line)
        book.put_earlier(record)
        if workspace is not None:
            app.begin(
                lambda: self._replay(workspace, line),
                group=f"replay:{line.id}",
                description=f"reading the deploy of {line.flow}",
            )
        return record

    async def _replay(self, workspace: Workspace, line: HistoryLine) -> None:
        try:
            record = await asyncio.to_thread(
                lambda: replayed(line, workspace.history.events(line.id))
            )
        except FlowtuiError as error:
            self._app.post_message(msg.ChangeRefused(error.problem))
            return
        self._app.post_message(msg.EarlierDeployRead(record))

    def _earlier_read(self, message: msg.EarlierDeployRead) -> None:
        self._app.session.deploys.put_earlier(message.record)
        self._app.changed(Part.DEPLOYS)


def _settle(ended: asyncio.Future[DeployFinished], result: DeployFinished) -> None:
    if not ended.done():
        ended.set_result(result)
