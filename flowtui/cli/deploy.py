"""`flowtui deploy`: from source to a registered version."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from typing import Any

import click

from flowtui.cli.deploy_options import deploy_options, overrides_of
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output, print_problem
from flowtui.cli.plan_report import problem_of
from flowtui.cli.planning import plan_all
from flowtui.cli.progress import EventPrinter
from flowtui.cli.targets import Targets, find_targets, root_of
from flowtui.deploy.events import DeployFinished, Event, to_json
from flowtui.errors import ExitCode, FlowtuiError, UsageError
from flowtui.models import BrokenFile, DeployTable, LocalFlow
from flowtui.workspace import ResumePoint, Workspace


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET…")
@click.option("--create-project", is_flag=True, help="Create the project if it does not exist.")
@deploy_options
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--no-push", is_flag=True, help="Keep the image in this engine only.")
@click.option("--resume", is_flag=True, help="Go on from the stage where the last deploy ended.")
@click.option("--force", is_flag=True, help="Make a new version even if nothing changed.")
@click.option("-v", "--verbose", is_flag=True, help="Show every log line.")
@workspace_options
@json_option
def deploy(
    targets: tuple[str, ...],
    create_project: bool,
    dry_run: bool,
    no_push: bool,
    force: bool,
    resume: bool,
    verbose: bool,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
    **values: Any,
) -> None:
    """Take flows from source to a registered version that is proven to run.

    TARGET is a path (all flows in it), PATH:NAME, or the name of a flow.
    """
    overrides = overrides_of(values)
    if resume and (force or dry_run or no_push or overrides != DeployTable()):
        raise UsageError(
            "--resume goes on with the settings of the deploy that did not end well",
            fix="leave the other options out, or leave --resume out to deploy anew",
        )
    output = Output(as_json=as_json)

    async def work() -> int:
        workspace = await Workspace.open(root_of(targets), profile=profile, api_url=api_url)
        found = find_targets(targets, await asyncio.to_thread(workspace.discover))
        try:
            if dry_run:
                return await _dry_run(workspace, found, overrides, output, force=force)
            await workspace.connect()
            run = _Run(
                workspace, overrides, output, verbose, force, not no_push, create_project, resume
            )
            return await run.all(found)
        finally:
            await workspace.close()

    sys.exit(asyncio.run(work()))


class _Run:
    """Deploys one flow after the other, so their output never mixes."""

    def __init__(
        self,
        workspace: Workspace,
        overrides: DeployTable,
        output: Output,
        verbose: bool,
        force: bool,
        push: bool,
        create_project: bool,
        resume: bool,
    ) -> None:
        self._workspace = workspace
        self._overrides = overrides
        self._output = output
        self._verbose = verbose
        self._force = force
        self._push = push
        self._create_project = create_project
        self._resume = resume

    async def all(self, found: Targets) -> int:
        results: list[DeployFinished] = []
        code = ExitCode.OK
        for file in found.broken:
            code = ExitCode.FAILED
            self._broken(file)
        for flow in found.flows:
            result = await self._one(flow)
            results.append(result)
            code = code or ExitCode(result.exit_code)
        if self._output.as_json:
            deploys = [to_json(result) for result in results]
            broken = [asdict(file) for file in found.broken]
            self._output.data(
                {"event": "result", "exit_code": int(code), "deploys": deploys, "broken": broken}
            )
        elif len(results) + len(found.broken) > 1:
            self._output.note(_summary(results, found.broken))
        return code

    async def _one(self, flow: LocalFlow) -> DeployFinished:
        create = self._create_project or await self._offer_project(flow)
        printer = EventPrinter(verbose=self._verbose)

        def emit(event: Event) -> None:
            if self._output.as_json:
                self._output.data(to_json(event))
            else:
                printer(event)

        if self._resume:
            point = await self._resume_point(flow)
            if point is not None:
                return await self._workspace.resume(point, emit)
        return await self._workspace.deploy(
            flow,
            emit,
            self._overrides,
            force=self._force,
            push=self._push,
            create_project=create,
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

    async def _offer_project(self, flow: LocalFlow) -> bool:
        """Ask whether to create a project that does not exist, where there is somebody to ask."""
        name = self._overrides.project or self._workspace.project_of(flow)
        if name is None or self._output.as_json or not sys.stdin.isatty():
            return False
        if any(p.name == name for p in await self._workspace.control_plane.projects()):
            return False
        question = f"There is no project “{name}” yet. Create it?"
        return await asyncio.to_thread(click.confirm, question, err=True)

    def _broken(self, file: BrokenFile) -> None:
        problem = problem_of(file)
        if self._output.as_json:
            self._output.data({"event": "problem", **asdict(problem)})
        else:
            print_problem(problem)


def _summary(results: list[DeployFinished], broken: tuple[BrokenFile, ...]) -> str:
    words: dict[str, int] = {}
    for result in results:
        words[str(result.outcome)] = words.get(str(result.outcome), 0) + 1
    if broken:
        words["broken"] = len(broken)
    return ", ".join(f"{count} {word}" for word, count in words.items())


async def _dry_run(
    workspace: Workspace, found: Targets, overrides: DeployTable, output: Output, *, force: bool
) -> int:
    try:
        await workspace.connect()
    except FlowtuiError as error:
        # A plan needs no control plane; what it cannot know without one is said in its reasons.
        output.note(f"planning without the control plane: {error.problem.what}")
    code = await plan_all(workspace, found, overrides, output, force=force, everything=True)
    return ExitCode.OK if code is ExitCode.CHANGES else code
