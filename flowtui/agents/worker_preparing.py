"""From the worker that is wanted to the process to start: which Python, with which packages."""

from __future__ import annotations

import os
from collections.abc import Callable

from flowtui import child_processes
from flowtui.addresses import is_loopback
from flowtui.agents.events import AgentLine, AgentPreparing
from flowtui.agents.kinds import AgentKind
from flowtui.agents.launch import Launch
from flowtui.agents.managed import DOCKER_WORKER, managed_python
from flowtui.agents.spec import AgentSpec, Place, Runtime
from flowtui.agents.supervision import Tell
from flowtui.agents.worker_launch import FIRST_WORKER, worker_launch
from flowtui.deploy.docker.docker_config import find_endpoint
from flowtui.deploy.events import Level
from flowtui.errors import UsageError
from flowtui.models import Interpreter
from flowtui.releases import release
from flowtui.source.interpreter import find_interpreter
from flowtui.workspace import Workspace, ca_file_of

_OWN = "an environment of flowtui's own"
_ASK_SECONDS = 30.0
_HAS_DOCKER = "import importlib.metadata as m; print(m.version('prefect-docker'))"


async def worker_prepared(workspace: Workspace, spec: AgentSpec, tell: Tell) -> Launch:
    """Find or make what the worker runs in.

    `workspace` has been connected. Raises UsageError for a project or a Prefect that cannot have
    this worker, EngineError for no Docker engine.
    """
    interpreter = await find_interpreter(workspace.root, workspace.config.python)
    runtime = await _runtime(spec, interpreter, lambda text: tell(AgentPreparing(text=text)))
    if spec.create_pool:
        await _make_pool(workspace, spec, tell)
    place = worker_place(workspace)
    if spec.kind is AgentKind.DOCKER:
        for note in _notes(place):
            tell(AgentLine(text=note, level=Level.WARNING))
    return worker_launch(spec, runtime, place, workspace.root, os.environ)


def worker_place(workspace: Workspace) -> Place:
    """The REST API itself: of Prefect Cloud the chosen workspace's.

    It is the same for containers: a Docker worker hands them an address of this machine as one
    that they reach (host networking on Linux, `host.docker.internal` elsewhere).
    """
    ca_file = ca_file_of(workspace.profile)
    return Place(workspace.api_base, workspace.secret, ca_file=str(ca_file) if ca_file else "")


def managed_worker(spec: AgentSpec, interpreter: Interpreter) -> str | None:
    """The Prefect of flowtui's own that this worker needs, None where the project's will do.

    Raises UsageError where there is no worker for this project.
    """
    where = f"{interpreter.executable} ({interpreter.origin})"
    able = release(interpreter.prefect_version or "") >= FIRST_WORKER
    if spec.kind is AgentKind.DOCKER:
        return DOCKER_WORKER if spec.managed or not able else None
    if not interpreter.prefect_version:
        raise UsageError(
            "Prefect is not installed in the project's Python, where a process worker runs the "
            "flows",
            where=where,
            fix="install Prefect there, or set `python` in flowtui.toml to the right one",
        )
    if not able:
        raise UsageError(
            f"Prefect {interpreter.prefect_version} has no workers, and this control plane gives "
            "runs to workers only",
            where=where,
            fix="set `python` in flowtui.toml to one with Prefect 2.10 or later",
        )
    if spec.managed:
        raise UsageError(
            "a process worker runs flows in the project's own Python, so it is never another's",
            where=where,
            fix="leave --managed out",
        )
    return None


async def _runtime(
    spec: AgentSpec, interpreter: Interpreter, say: Callable[[str], None]
) -> Runtime:
    version = managed_worker(spec, interpreter)
    if version is not None:
        return Runtime(await managed_python(version, say), version, _OWN)
    if spec.kind is AgentKind.DOCKER:
        await check_docker(interpreter)
    return Runtime(interpreter.executable, interpreter.prefect_version or "", interpreter.origin)


async def _make_pool(workspace: Workspace, spec: AgentSpec, tell: Tell) -> None:
    plane = workspace.control_plane
    if spec.work_pool not in [pool.name for pool in await plane.work_pools()]:
        await plane.create_work_pool(spec.work_pool, spec.kind)
        tell(AgentPreparing(text=f"made the work pool {spec.work_pool}"))


async def check_docker(interpreter: Interpreter) -> None:
    """Raises UsageError where this Python lacks what Docker workers are in."""
    status = await child_processes.run(
        [interpreter.executable, "-I", "-c", _HAS_DOCKER],
        on_output=lambda _: None,
        env=dict(os.environ),
        cwd="/",
        time_limit=_ASK_SECONDS,
    )
    if status == 0:
        return
    wanted = (
        "prefect-docker"
        if release(interpreter.prefect_version or "") >= (3,)
        else ("'prefect-docker<0.6'")
    )
    raise UsageError(
        "the package prefect-docker, which has the Docker worker, is not installed in the "
        "project's Python",
        where=f"{interpreter.executable} ({interpreter.origin})",
        fix=f"{interpreter.executable} -m pip install {wanted}; or add --managed: the worker then "
        "runs in an environment of flowtui's own",
    )


def _notes(place: Place) -> tuple[str, ...]:
    endpoint = find_endpoint(os.environ)
    if is_loopback(place.api_url) and endpoint.scheme in ("ssh", "tcp", "http", "https"):
        return (
            f"the Docker engine is on another machine ({endpoint.url}): its containers do not "
            f"reach {place.api_url}, so give the worker an address that they reach",
        )
    return ()
