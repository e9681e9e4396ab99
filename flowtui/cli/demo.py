"""`flowtui demo`: the whole job on sample flows, with nothing but Python on the machine."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from flowtui import paths
from flowtui.child_processes import end_with_parent
from flowtui.cli.output import Output
from flowtui.cli.progress import EventPrinter
from flowtui.cli.session import connected
from flowtui.deploy.events import Event, Stage
from flowtui.deploy.stages.context import StageContext
from flowtui.errors import ControlPlaneError, DeployError, EngineError, ExitCode, FlowtuiError
from flowtui.models import DeployTable

_PROJECT = "My Project"
_REQUIREMENTS = ("prefect==1.4.1", "marshmallow<4", "setuptools<81", "humanize~=4.9")
_PULL_SECONDS = 300
_FLOWS = Path(__file__).parent / "demo_flows"


@dataclass(frozen=True, slots=True)
class _Storage:
    """The storage the demo uses, and why."""

    why: str
    registry_url: str | None = None
    base_image: str | None = None


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
    """Sample flows, the embedded server and a project: on a terminal the app opens on them.

    Without a terminal every flow is deployed and each stage is printed.
    """
    output = Output()
    folder = (folder or paths.data_dir() / "demo" / "flows").resolve()
    python = _prefect_environment(output)
    shutil.copytree(
        _FLOWS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    with ExitStack() as stack:
        decided = _storage(stack, storage, registry_url, base_image)
        output.note(decided.why)
        _write_project_file(folder, python, decided)
        server = stack.enter_context(_embedded_server())
        output.note(f"embedded server: {server}\nsample flows:    {folder}\n")
        if sys.stdin.isatty() and sys.stdout.isatty() and not no_tui:
            asyncio.run(_create_project(folder, server))
            from flowtui.tui.app import run as run_app

            sys.exit(run_app(folder, profile=None, api_url=server))
        sys.exit(asyncio.run(_deploy_all(folder, server, output)))


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
        registry_url = stack.enter_context(_registry(program))
    return _Storage(
        f"storage: Docker, pushed to {registry_url}, built on {base_image}",
        registry_url=registry_url,
        base_image=base_image,
    )


def _silent() -> StageContext:
    """For work outside a deploy, whose events nobody reads."""

    def drop(_: Event) -> None: ...

    return StageContext("demo", Stage.BUILD, drop)


@contextmanager
def _registry(program: str) -> Generator[str]:
    """Debian's registry on a free loopback port; what is pushed stays in the data folder."""
    folder = paths.data_dir() / "demo" / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    port = _remembered_port("registry")
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: {json.dumps(str(folder / 'store'))}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    with (folder / "registry.log").open("w") as log:
        process = subprocess.Popen(
            [program, "serve", str(config)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )
    with _ended(process):
        _wait_for_port(port, process, folder / "registry.log")
        yield f"127.0.0.1:{port}"


@contextmanager
def _embedded_server() -> Generator[str]:
    """`flowtui server` as a child process on a free port. Yields its address."""
    database = paths.data_dir() / "demo" / "server.sqlite"
    database.parent.mkdir(parents=True, exist_ok=True)
    log_file = database.with_name("server.log")
    port = str(_remembered_port("server"))
    command = [sys.executable, "-m", "flowtui", "server", "--port", port, "--json"]
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [*command, "--database", str(database)],
            stdout=subprocess.PIPE,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent(),
            text=True,
        )
    with _ended(process):
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise ControlPlaneError(
                "the embedded server did not start", where=str(log_file), fix="its log says why"
            )
        yield json.loads(line)["url"]


@contextmanager
def _ended(process: subprocess.Popen[Any]) -> Generator[None]:
    """The child does not outlive the block."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _remembered_port(name: str) -> int:
    """The port of the last demo where it is free, so that a second demo finds nothing changed."""
    file = paths.data_dir() / "demo" / f"{name}.port"
    last = int(file.read_text()) if file.exists() else 0
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", last))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(str(port))
    return port


def _wait_for_port(port: int, process: subprocess.Popen[Any], log: Path) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise EngineError("the registry did not start", where=str(log), fix="its log says why")


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
    (folder / "flowtui.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


async def _create_project(folder: Path, server: str) -> None:
    async with connected(None, server, folder) as workspace:
        if not any(p.name == _PROJECT for p in await workspace.control_plane.projects()):
            await workspace.control_plane.create_project(_PROJECT, "made by flowtui demo")


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
                str(row.version.version) if row.version else "",
                row.location,
            )
            for row in rows
        ),
    )
    return next((r.exit_code for r in results if r.exit_code), int(ExitCode.OK))
