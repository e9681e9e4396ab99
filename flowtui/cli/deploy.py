"""`flowtui deploy`: from source to a registered version."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar, cast

import click

from flowtui import executors
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output, print_problem
from flowtui.cli.progress import EventPrinter
from flowtui.cli.targets import Targets, find_targets, root_of
from flowtui.deploy.events import DeployFinished, Event, to_json
from flowtui.deploy.plan import Plan, as_mapping
from flowtui.errors import ExitCode, FlowtuiError, UsageError
from flowtui.models import (
    BrokenFile,
    DeployTable,
    ExecutionOptions,
    LocalFlow,
    Problem,
    StorageKind,
    StorageOptions,
)
from flowtui.workspace import ResumePoint, Workspace

_Command = TypeVar("_Command", bound=Callable[..., Any])

_STORAGE_HELP = {
    "registry_url": "Registry and namespace the image is pushed to.",
    "base_image": "Image to build on.",
    "dockerfile": "Dockerfile to build on, relative to the project folder.",
    "image_name": "Name of the image. Default: made from the flow's name.",
    "image_tag": "Tag of the image. Default: hash of everything that goes in.",
    "prefect_version": "Prefect version in the image. Default: the project's.",
    "directory": "Local storage: folder that flow files are stored under.",
}
_LIST_HELP = {
    "python_dependencies": ("--python-dependency", "Requirement to install in the image."),
    "extra_dockerfile_commands": ("--extra-dockerfile-command", "Line added to the Dockerfile."),
}
_MAPPING_HELP = {
    "env_vars": ("--env-var", "KEY=VALUE", "Environment variable of the image."),
    "files": ("--file", "PATH=IMAGE_PATH", "File or folder to copy into the image."),
    "build_args": ("--build-arg", "KEY=VALUE", "Docker build argument."),
}
_FLAG_HELP = {
    "local_image": "Do not pull the base image.",
    "ignore_healthchecks": "Push and register without a health check.",
}


def _storage_options(command: _Command) -> _Command:
    """Every keyword of Prefect's Docker storage, and Local storage's."""
    for name, text in _FLAG_HELP.items():
        option = f"--{name.replace('_', '-')}/--no-{name.replace('_', '-')}"
        command = click.option(option, name, default=None, help=text)(command)
    for name, (option, metavar, text) in _MAPPING_HELP.items():
        command = click.option(option, name, multiple=True, metavar=metavar, help=text)(command)
    for name, (option, text) in _LIST_HELP.items():
        command = click.option(option, name, multiple=True, metavar="TEXT", help=text)(command)
    for name, text in reversed(_STORAGE_HELP.items()):
        command = click.option(f"--{name.replace('_', '-')}", name, help=text)(command)
    return command


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET…")
@click.option("--project", help="Project to register in.")
@click.option("--create-project", is_flag=True, help="Create the project if it does not exist.")
@click.option("--storage", type=click.Choice([str(kind) for kind in StorageKind]))
@_storage_options
@click.option(
    "--executor",
    metavar="NAME",
    help="How tasks are run: local, local-dask, dask, or an executor's dotted path.",
)
@click.option(
    "--executor-arg",
    "executor_args",
    multiple=True,
    metavar="KEY=VALUE",
    help="Argument of the executor; VALUE is JSON or else text.",
)
@click.option("--executor-kwargs", metavar="JSON", help="Its arguments as one JSON object.")
@click.option("--run-config", metavar="JSON", help='Run config: {"type": "DockerRun", …}.')
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
    overrides = _overrides(values)
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
        problem = Problem(
            f"{file.path} does not parse: {file.message}",
            f"{file.path}:{file.line}",
            "mend the file; its flows cannot be seen until it parses",
        )
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
    code = ExitCode.OK
    try:
        await workspace.connect()
    except FlowtuiError as error:
        # A plan needs no control plane; what it cannot know without one is said in its reasons.
        output.note(f"planning without the control plane: {error.problem.what}")
    for file in found.broken:
        code = ExitCode.FAILED
        print_problem(Problem(f"{file.path} does not parse: {file.message}", f"line {file.line}"))
    for flow in found.flows:
        try:
            plan = await workspace.plan(flow, overrides, force=force)
        except FlowtuiError as error:
            code = code or error.exit_code
            output.error(error)
            continue
        if output.as_json:
            output.data(_plan_as_json(plan))
        else:
            _print_plan(plan, output)
    return code


def _plan_as_json(plan: Plan) -> dict[str, Any]:
    return {
        "event": "plan",
        "flow": plan.loaded.name,
        "target": plan.flow.target,
        "project": plan.project,
        "project_exists": plan.project_exists,
        "lane": str(plan.lane),
        "reasons": list(plan.reasons),
        "storage": str(plan.storage),
        "image": plan.image,
        "content_hash": plan.content_hash,
        "settings": as_mapping(plan.settings),
        "dockerfile": plan.dockerfile,
        "context": [{"path": path, "bytes": size} for path, size in plan.context.files]
        if plan.context
        else [],
        "never_sent": list(plan.context.never_sent) if plan.context else [],
        "current_version": plan.current.version if plan.current else None,
        "problems": [asdict(problem) for problem in plan.problems],
    }


def _print_plan(plan: Plan, output: Output) -> None:
    new = " (does not exist yet)" if plan.project_exists is False else ""
    output.line(f"{plan.loaded.name}  →  {plan.project}{new}")
    output.line(f"  lane: {plan.lane}")
    for reason in plan.reasons:
        output.line(f"        {reason}")
    output.line("  settings:")
    width = max((len(setting.name) for setting in plan.settings), default=0)
    for setting in plan.settings:
        detail = f": {setting.detail}" if setting.detail else ""
        value = setting.value if isinstance(setting.value, str) else _compact(setting.value)
        output.line(f"    {setting.name:{width}}  {value}  ({setting.origin}{detail})")
    if plan.context is not None:
        output.line(f"  build context: {plan.context.count} files, {plan.context.size:,} bytes")
        for path, size in plan.context.files:
            output.line(f"    {size:>12,}  {path}")
        for path in plan.context.never_sent:
            output.line(f"    {'never sent':>12}  {path}")
    if plan.dockerfile is not None:
        output.line("  Dockerfile:")
        for line in plan.dockerfile.splitlines():
            output.line(f"    {line}")
    for problem in plan.problems:
        output.note(f"  warning: {problem.what}" + (f" ({problem.fix})" if problem.fix else ""))


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _overrides(values: dict[str, Any]) -> DeployTable:
    storage: dict[str, Any] = {name: values[name] for name in (*_STORAGE_HELP, *_FLAG_HELP)}
    storage |= {name: tuple(values[name]) or None for name in _LIST_HELP}
    storage |= {
        name: _mapping(option, values[name]) for name, (option, _, _) in _MAPPING_HELP.items()
    }
    storage["type"] = StorageKind(values["storage"]) if values["storage"] else None
    if storage["base_image"] and storage["dockerfile"]:
        raise UsageError(
            "--base-image and --dockerfile are both given",
            fix="keep one: a Dockerfile names its own base image",
        )
    return DeployTable(
        project=values["project"],
        storage=StorageOptions(**storage),
        execution=ExecutionOptions(
            executor=_executor(values["executor"]),
            executor_kwargs=_executor_kwargs(values["executor_kwargs"], values["executor_args"]),
            run_config=_json_object("--run-config", values["run_config"]),
        ),
    )


def _executor(name: str | None) -> str | None:
    if name is None or executors.is_name(name):
        return name
    raise UsageError(
        f"--executor {name} is no name of an executor",
        fix=f"{', '.join(executors.CLASSES)}, or a dotted path",
    )


def _executor_kwargs(text: str | None, words: tuple[str, ...]) -> dict[str, Any] | None:
    whole = _json_object("--executor-kwargs", text) or {}
    return {**whole, **(executors.arguments(words, option="--executor-arg") or {})} or None


def _mapping(option: str, words: tuple[str, ...]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for word in words:
        key, separator, value = word.partition("=")
        if not separator or not key:
            raise UsageError(f"{option} wants KEY=VALUE, not “{word}”")
        found[key] = value
    return found or None


def _json_object(option: str, text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{option} is not JSON: {error}", where=text) from error
    if not isinstance(value, dict):
        raise UsageError(f"{option} wants a JSON object", where=text)
    return cast("dict[str, Any]", value)
