"""Deploying one flow or several side by side, with a table of what came of them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import click

from flowtui.cli.output import Output, print_problem
from flowtui.cli.progress import EventPrinter
from flowtui.cli.progress_together import TogetherPrinter
from flowtui.cli.results import Ended, exit_code_of, print_results
from flowtui.cli.targets import Targets, problem_of
from flowtui.deploy.at_once import at_once
from flowtui.deploy.events import DeployFinished, Event, Progress, to_json
from flowtui.deploy.together import Together
from flowtui.errors import ExitCode, FlowtuiError, UsageError
from flowtui.models import Ability, BrokenFile, DeployTable, LocalFlow
from flowtui.run_models import NewWorkPool
from flowtui.workspace import ResumePoint, Workspace


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says of all of them."""

    overrides: DeployTable = field(default_factory=DeployTable)
    force: bool = False
    push: bool = True
    create_project: bool = False
    resume: bool = False
    new_pool: NewWorkPool | None = None


class Deploying:
    def __init__(
        self, workspace: Workspace, asked: Asked, output: Output, *, verbose: bool
    ) -> None:
        self._workspace = workspace
        self._asked = asked
        self._output = output
        self._verbose = verbose
        self._ended: dict[LocalFlow, Ended] = {}
        self.told: list[Event] = []
        """What all of them told, but for what only shows how far they are."""
        self._creates: set[str] = set()
        """Projects that a person wants to be created."""

    async def all(self, found: Targets) -> ExitCode:
        """Deploy them; the exit code of the first that failed.

        Cancelled, it says what was done until then.
        """
        for file in found.broken:
            self._broken(file)
        await self._offer_projects(found.flows)
        try:
            if len(found.flows) == 1:
                await self._alone(found.flows[0])
            else:
                await self._side_by_side(found.flows)
        except asyncio.CancelledError:
            self._conclude(found, ExitCode.CANCELLED)
            raise
        code = exit_code_of(self._results(found), broken=bool(found.broken))
        self._conclude(found, code)
        return code

    async def _alone(self, flow: LocalFlow) -> None:
        await self._one(flow, EventPrinter(verbose=self._verbose), None)

    async def _side_by_side(self, flows: tuple[LocalFlow, ...]) -> None:
        printer = TogetherPrinter(verbose=self._verbose)
        together = Together(flows)
        await at_once(
            flows, lambda flow: self._one(flow, printer, together), limit=max(len(flows), 1)
        )

    async def _one(
        self, flow: LocalFlow, printer: Callable[[Event], None], together: Together | None
    ) -> None:
        """A failure is a result of this flow alone."""

        def emit(event: Event) -> None:
            if not isinstance(event, Progress):
                self.told.append(event)
            if isinstance(event, DeployFinished):
                self._ended[flow] = Ended(flow, event)
            if self._output.as_json:
                self._output.data(to_json(event))
            else:
                printer(event)

        try:
            await self._deploy(flow, emit, together)
        except FlowtuiError as error:
            self._ended[flow] = Ended(flow, error=error)
            self._output.error(error, target=flow.target)

    async def _deploy(
        self, flow: LocalFlow, emit: Callable[[Event], None], together: Together | None
    ) -> None:
        asked = self._asked
        point = await self._resume_point(flow) if asked.resume else None
        if point is not None:
            if together is not None:
                together.one_less()
            await self._workspace.resume(point, emit)
            return
        name = asked.overrides.project or self._workspace.project_of(flow)
        await self._workspace.deploy(
            flow,
            emit,
            asked.overrides,
            force=asked.force,
            push=asked.push,
            create_project=asked.create_project or name in self._creates,
            new_pool=asked.new_pool,
            together=together,
        )

    async def _resume_point(self, flow: LocalFlow) -> ResumePoint | None:
        """Where the flow's last deploy ended; without one to go on with it is deployed anew."""
        workspace = self._workspace

        def find() -> ResumePoint | None:
            last = workspace.history.latest(
                root=workspace.root, api_url=workspace.profile.api_url, target=flow.target
            )
            return workspace.resume_point(last.id) if last is not None else None

        try:
            return await asyncio.to_thread(find)
        except UsageError as error:
            self._output.note(f"{error.problem.what}; deploying it anew")
            return None

    async def _offer_projects(self, flows: tuple[LocalFlow, ...]) -> None:
        """Ask for each project that does not exist, where there is somebody to ask."""
        workspace, asked = self._workspace, self._asked
        if asked.create_project or self._output.as_json or not sys.stdin.isatty():
            return
        if Ability.ANY_PROJECT in workspace.abilities:
            return
        names = {asked.overrides.project or workspace.project_of(flow) for flow in flows}
        there = {project.name for project in await workspace.control_plane.projects()}
        for name in sorted(name for name in names if name is not None and name not in there):
            question = f"There is no project “{name}” yet. Create it?"
            if await asyncio.to_thread(click.confirm, question, err=True):
                self._creates.add(name)

    def _broken(self, file: BrokenFile) -> None:
        problem = problem_of(file)
        if self._output.as_json:
            self._output.data({"event": "problem", **asdict(problem)})
        else:
            print_problem(problem)

    def _results(self, found: Targets) -> list[Ended]:
        """In the order of the targets; those that never began are left out."""
        return [self._ended[flow] for flow in found.flows if flow in self._ended]

    def _conclude(self, found: Targets, code: ExitCode) -> None:
        results = self._results(found)
        if self._output.as_json:
            deploys = [to_json(each.result) for each in results if each.result is not None]
            broken = [asdict(file) for file in found.broken]
            self._output.data(
                {"event": "result", "exit_code": int(code), "deploys": deploys, "broken": broken}
            )
        elif len(found.flows) + len(found.broken) > 1:
            print_results(results, found, self._output)
