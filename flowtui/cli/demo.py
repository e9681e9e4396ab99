"""`flowtui demo`: the whole job on sample flows, with nothing but Python on the machine."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import click

from flowtui import paths
from flowtui.agents.kinds import AgentKind
from flowtui.cli.demo_parts import DemoAgent, embedded_server, registry
from flowtui.cli.demo_parts import agent as demo_agent
from flowtui.cli.demo_run import FLOW, start_sample_run, watch_sample_run
from flowtui.cli.output import Output
from flowtui.cli.progress import EventPrinter
from flowtui.cli.session import connected
from flowtui.deploy.events import Event, Stage
from flowtui.deploy.stages.context import StageContext
from flowtui.errors import DeployError, EngineError, ExitCode, FlowtuiError
from flowtui.models import DeployTable

_PROJECT = "My Project"
_REQUIREMENTS = ("prefect==1.4.1", "marshmallow<4", "setuptools<81", "humanize~=4.9")
_PULL_SECONDS = 300
_ROWS = 5
_ROWS_TO_WATCH = 40
"""For the app: the run is still under way when somebody has found it."""
_FLOWS = Path(__file__).parent / "demo_flows"


@dataclass(frozen=True, slots=True)
class _Storage:
    """The storage the demo uses, and why."""

    why: str
    registry_url: str | None = None
    base_image: str | None = None
    agent: AgentKind = AgentKind.LOCAL
    """What runs the sample flow: with Docker storage, where containers reach the server, a Docker
    agent; then that one flow is in Local storage."""


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to put the sample flows. Default: flowtui's data folder.",
)
@click.option("--registry-url", help="Registry for Docker storage. Default: one of its own.")
@click.option("--base-image", help="Image to build on. Default: python:X.Y-slim.")
@click.option("--storage", type=click.Choice(["auto", "docker", "local"]), default="auto")
@click.option("--no-tui", is_flag=True, help="Deploy and exit, even on a terminal.")
def demo(
    folder: Path | None,
    registry_url: str | None,
    base_image: str | None,
    storage: str,
    no_tui: bool,
) -> None:
    """Sample flows, the embedded server and a real agent: on a terminal the app opens on them.

    Without a terminal every flow is deployed and one is run, and each step is printed; the exit
    code is 0 when that run ended in Success.
    """
    output = Output()
    folder = (folder or paths.data_dir() / "demo" / "flows").resolve()
    python = _prefect_environment(output)
    shutil.copytree(
        _FLOWS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    with ExitStack() as stack:
        server = stack.enter_context(embedded_server())
        decided = _with_agent(_storage(stack, storage, registry_url, base_image), server)
        output.note(decided.why)
        _write_project_file(folder, python, decided)
        output.note(f"embedded server: {server}\nsample flows:    {folder}\n")
        on_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not no_tui
        if on_terminal:
            asyncio.run(_prepare_for_app(folder, server))
        else:
            code = asyncio.run(_deploy_all(folder, server, output))
            if code:
                sys.exit(code)
        agent = stack.enter_context(demo_agent(decided.agent, folder, server))
        if on_terminal:
            from flowtui.tui.app import run as run_app

            sys.exit(run_app(folder, profile=None, api_url=server))
        asyncio.run(_run_one(folder, server, agent, output))


def _prefect_environment(output: Output) -> Path:
    """A virtual environment with Prefect 1.4.1 and the pins that make it work, made once."""
    key = hashlib.sha256("\0".join((sys.version, *_REQUIREMENTS)).encode()).hexdigest()[:12]
    folder = paths.cache_dir() / "demo" / f"prefect-1.4.1-{key}"
    python = folder / "bin" / "python"
    if (folder / ".complete").exists():
        return python
    output.note("installing Prefect 1.4.1 in a virtual environment of its own (once) …")
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", *_REQUIREMENTS],
    ):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise DeployError(
                "Prefect 1.4.1 could not be installed for the demo",
                where=" ".join(command),
                fix=result.stderr.strip()[-600:] or "check that the package index can be reached",
            )
    (folder / ".complete").touch()
    return python


def _storage(
    stack: ExitStack, wanted: str, registry_url: str | None, base_image: str | None
) -> _Storage:
    """Docker storage when an engine, a base image and a registry are to be had, else Local."""
    if wanted == "local":
        return _Storage("storage: Local, as asked for")
    try:
        return asyncio.run(_docker_storage(stack, registry_url, base_image))
    except FlowtuiError as error:
        if wanted == "docker":
            raise
        reason = error.problem.what
        return _Storage(f"storage: Local, because Docker cannot be used here: {reason}")


async def _docker_storage(
    stack: ExitStack, registry_url: str | None, base_image: str | None
) -> _Storage:
    from flowtui.deploy.docker.engine import Engine
    from flowtui.deploy.docker.image_spec import default_base_image
    from flowtui.deploy.stages.build import ensure_image

    base_image = base_image or default_base_image(f"{sys.version_info[0]}.{sys.version_info[1]}")
    async with await Engine.connect() as engine:
        try:
            async with asyncio.timeout(_PULL_SECONDS):
                await ensure_image(_silent(), engine, base_image, pull=True)
        except TimeoutError:
            raise EngineError(f"{base_image} did not arrive in {_PULL_SECONDS} s") from None
    if registry_url is None:
        program = shutil.which("docker-registry")
        if program is None:
            raise EngineError(
                "no registry was given, and the docker-registry package is not installed",
                fix="give one with --registry-url, or install Debian's docker-registry",
            )
        registry_url = stack.enter_context(registry(program))
    return _Storage(
        f"storage: Docker, pushed to {registry_url}, built on {base_image}",
        registry_url=registry_url,
        base_image=base_image,
    )


def _with_agent(storage: _Storage, server: str) -> _Storage:
    """With the kind of agent that can run a flow here, and why."""
    if storage.registry_url is None:
        return storage
    from flowtui.agents.containers import docker_place

    try:
        place = asyncio.run(docker_place(server, None))
    except FlowtuiError as error:
        why = f"agent:   local, in Docker it would not reach the server: {error.problem.what}"
        return replace(storage, why=f"{storage.why}\n{why}")
    why = f"agent:   Docker, its containers reach the server at {place.api_url}"
    return replace(storage, why=f"{storage.why}\n{why}", agent=AgentKind.DOCKER)


def _silent() -> StageContext:
    """For work outside a deploy, whose events nobody reads."""

    def drop(_: Event) -> None: ...

    return StageContext("demo", Stage.BUILD, drop)


def _write_project_file(folder: Path, python: Path, storage: _Storage) -> None:
    """The settings of the sample folder: what a project of one's own would say."""
    lines = [
        "# Written by `flowtui demo`.",
        f"project = {json.dumps(_PROJECT)}",
        f"python = {json.dumps(str(python))}",
        "",
        "[storage]",
        f'type = "{"docker" if storage.registry_url else "local"}"',
    ]
    if storage.registry_url and storage.base_image:
        lines.append(f"registry_url = {json.dumps(storage.registry_url)}")
        lines.append(f"base_image = {json.dumps(storage.base_image)}")
        if storage.agent is AgentKind.LOCAL:
            lines += ["", f"[flows.{json.dumps(FLOW)}.storage]", 'type = "local"']
    (folder / "flowtui.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


async def _create_project(folder: Path, server: str) -> None:
    async with connected(None, server, folder) as workspace:
        if not any(p.name == _PROJECT for p in await workspace.control_plane.projects()):
            await workspace.control_plane.create_project(_PROJECT, "made by flowtui demo")


async def _prepare_for_app(folder: Path, server: str) -> None:
    """One flow deployed and a run of it planned: the agent takes it up as the app opens."""
    await _create_project(folder, server)
    async with connected(None, server, folder) as workspace:
        flow = next(flow for flow in workspace.discover().flows if flow.name == FLOW)
        result = await workspace.deploy(flow, EventPrinter(), DeployTable())
        if result.exit_code:
            raise DeployError(f"“{FLOW}” could not be deployed", fix="the lines above say why")
        await start_sample_run(workspace, rows=_ROWS_TO_WATCH)


async def _run_one(folder: Path, server: str, agent: DemoAgent, output: Output) -> None:
    async with connected(None, server, folder) as workspace:
        run = await start_sample_run(workspace, rows=_ROWS)
        await watch_sample_run(workspace, run, agent, output)


async def _deploy_all(folder: Path, server: str, output: Output) -> int:
    """Every sample flow; the broken one is shown and is no failure of the demo."""
    await _create_project(folder, server)
    async with connected(None, server, folder) as workspace:
        discovery = workspace.discover()
        results = [
            await workspace.deploy(flow, EventPrinter(), DeployTable()) for flow in discovery.flows
        ]
        for file in discovery.broken:
            output.note(f"\n{file.path}:{file.line} is broken, on purpose: {file.message}")
        rows = await workspace.rows(discovery)
    output.note("")
    output.table(
        ("FLOW", "STATE", "VERSION", "WHERE"),
        (
            (
                row.name,
                str(row.state),
                row.version.number if row.version else "",
                row.location,
            )
            for row in rows
        ),
    )
    return next((r.exit_code for r in results if r.exit_code), int(ExitCode.OK))
