"""From the agent that is wanted to the process to start: which Python, which control plane.

Of a worker `worker_preparing` finds it out.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from flowtui.agents.containers import docker_place
from flowtui.agents.events import AgentLine, AgentPreparing
from flowtui.agents.kinds import AgentKind
from flowtui.agents.launch import (
    AFTER_AGENTS,
    FIRST_AGENT,
    FIRST_PROCESS_AGENT,
    Launch,
    launch,
    settings,
)
from flowtui.agents.managed import DOCKER_AGENT, LOCAL_AGENT, BasePython, managed_python
from flowtui.agents.spec import AgentSpec, Place, Runtime
from flowtui.agents.supervision import AgentProcess, Prepare, Tell
from flowtui.agents.worker_launch import worker_settings
from flowtui.agents.worker_preparing import worker_place, worker_prepared
from flowtui.api.probe import probe
from flowtui.deploy.events import Level
from flowtui.errors import ControlPlaneError, UsageError
from flowtui.models import Ability, Interpreter
from flowtui.releases import release
from flowtui.source.interpreter import find_interpreter
from flowtui.workspace import Workspace, ca_file_of

_OWN = "an environment of flowtui's own"


def agent_process(workspace: Workspace, spec: AgentSpec, tell: Tell) -> AgentProcess:
    """An agent or worker for this workspace's control plane, in this project's Python; not started
    yet."""
    return AgentProcess(spec.kind, _preparing(workspace, spec), tell, drains=spec.is_worker)


def _preparing(workspace: Workspace, spec: AgentSpec) -> Prepare:
    async def prepare(tell: Tell) -> Launch:
        if spec.is_worker:
            return await worker_prepared(workspace, spec, tell)
        return await prepared(workspace, spec, tell)

    return prepare


async def prepared(workspace: Workspace, spec: AgentSpec, tell: Tell) -> Launch:
    """Find or make what the agent runs in, and the address it works for.

    `workspace` has been connected, so that its token is known. Raises UsageError for a project or
    a Prefect that cannot have this agent, EngineError and FlowtuiError for what does not answer.
    """

    def say(text: str) -> None:
        tell(AgentPreparing(text=text))

    interpreter = await find_interpreter(workspace.root, workspace.config.python)
    runtime = await _runtime(spec, interpreter, say)
    if _runs_unlabelled_flows_only(spec, interpreter):
        spec = replace(spec, hostname_label=False)
    await _check_control_plane(workspace)
    place = await _place(workspace, spec)
    for note in (*place.notes, *_notes(spec)):
        tell(AgentLine(text=note, level=Level.WARNING))
    return launch(spec, runtime, place, workspace.root, os.environ)


async def prefect_variables(workspace: Workspace, kind: AgentKind) -> dict[str, str]:
    """The variables that point the project's Prefect at this control plane; the token is in them.

    Raises what `prepared` raises.
    """
    interpreter = await find_interpreter(workspace.root, workspace.config.python)
    version = interpreter.prefect_version
    if version is None:
        raise UsageError(
            "Prefect is not installed in the project's Python",
            where=f"{interpreter.executable} ({interpreter.origin})",
            fix="install Prefect there, or set `python` in flowtui.toml to the right one",
        )
    if Ability.TELL_WORK_POOLS in workspace.abilities:
        return worker_settings(worker_place(workspace))
    return settings(release(version), await _place(workspace, AgentSpec(kind)))


def managed_version(spec: AgentSpec, interpreter: Interpreter) -> str | None:
    """The Prefect of flowtui's own that this agent needs, None where the project's will do.

    Raises UsageError where there is no agent for this project.
    """
    prefect = release(interpreter.prefect_version or "")
    if spec.kind is AgentKind.DOCKER:
        has_agent = FIRST_AGENT <= prefect < AFTER_AGENTS
        return DOCKER_AGENT if spec.managed or not has_agent else None
    where = f"{interpreter.executable} ({interpreter.origin})"
    if not prefect:
        raise UsageError(
            "Prefect is not installed in the project's Python, where a local agent runs the flows",
            where=where,
            fix="install Prefect there, or set `python` in flowtui.toml to the right one",
        )
    if prefect >= AFTER_AGENTS:
        raise UsageError(
            f"Prefect {interpreter.prefect_version} has workers, not agents",
            where=where,
            fix="a Docker agent of flowtui's own runs images of older Prefects: --type docker",
        )
    if prefect < FIRST_PROCESS_AGENT:
        return LOCAL_AGENT
    if spec.managed:
        raise UsageError(
            "a local agent runs flows in the project's own Python, so it is never another's",
            where=where,
            fix="leave --managed out",
        )
    return None


async def _runtime(
    spec: AgentSpec, interpreter: Interpreter, say: Callable[[str], None]
) -> Runtime:
    version = managed_version(spec, interpreter)
    if version is None:
        origin = interpreter.origin
        return Runtime(interpreter.executable, interpreter.prefect_version or "", origin)
    if version == DOCKER_AGENT:
        return Runtime(await managed_python(version, say), version, _OWN)
    # Flows are executed by `prefect execute cloud-flow`, which an agent of 0.9 looks for on PATH.
    command = Path(interpreter.executable).with_name("prefect")
    if not await asyncio.to_thread(command.exists):
        raise UsageError(
            "there is no command `prefect` beside the project's Python, and the local agent that "
            f"runs flows of Prefect {interpreter.prefect_version} needs it",
            where=str(command),
            fix="install Prefect again there: pip install --force-reinstall --no-deps "
            f"prefect=={interpreter.prefect_version}",
        )
    base = BasePython(interpreter.executable, interpreter.python_minor)
    python = await managed_python(version, say, first=base)
    return Runtime(python, version, _OWN, flow_path=str(command.parent))


def _runs_unlabelled_flows_only(spec: AgentSpec, interpreter: Interpreter) -> bool:
    """Flows had no labels before Prefect 0.7, so an agent with one would never get a run."""
    prefect = release(interpreter.prefect_version or "")
    return spec.kind is AgentKind.LOCAL and prefect < FIRST_PROCESS_AGENT and not spec.labels


async def _check_control_plane(workspace: Workspace) -> None:
    """An agent takes a minute to find out by itself, and says so in a hundred lines."""
    url = workspace.profile.api_url
    answer = await probe(url, ca_file_of(workspace.profile))
    if not answer.good:
        raise ControlPlaneError(answer.words, where=url, fix=answer.fix)


async def _place(workspace: Workspace, spec: AgentSpec) -> Place:
    if spec.kind is AgentKind.DOCKER:
        return await docker_place(workspace.profile.api_url, workspace.secret, spec.networks)
    return Place(workspace.profile.api_url, workspace.secret)


def _notes(spec: AgentSpec) -> tuple[str, ...]:
    if spec.kind is AgentKind.LOCAL and not spec.hostname_label and not spec.labels:
        return (
            "this agent has no label: it is also given unlabelled runs of flows that are stored "
            "in images, and fails them",
        )
    return ()
