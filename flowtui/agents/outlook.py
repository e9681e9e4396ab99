"""What an agent would run in and work for, told before it is started."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from flowtui.agents.containers import docker_place
from flowtui.agents.kinds import AgentKind
from flowtui.agents.managed import is_made
from flowtui.agents.preparing import managed_version
from flowtui.agents.spec import AgentSpec
from flowtui.agents.worker_preparing import check_docker, managed_worker, worker_place
from flowtui.errors import FlowtuiError
from flowtui.models import Problem
from flowtui.source.interpreter import find_interpreter
from flowtui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Outlook:
    """In words; empty for what could not be found out."""

    runs_in: str = ""
    """Which Prefect, of which Python, and whether it is made first."""
    reaches: str = ""
    """The address that the agent, and what it starts, gets."""
    problem: Problem | None = None
    """Why it cannot be started now."""


async def outlook(workspace: Workspace, spec: AgentSpec) -> Outlook:
    """Look at interpreter, Prefect and address; nothing is made or started."""
    runs_in = ""
    try:
        interpreter = await find_interpreter(workspace.root, workspace.config.python)
        managed = managed_worker if spec.is_worker else managed_version
        version = managed(spec, interpreter)
        if version is None:
            runs_in = f"Prefect {interpreter.prefect_version} of {interpreter.origin}"
        else:
            made = await asyncio.to_thread(is_made, version)
            wait = "" if made else "; it is made first, which takes some minutes once"
            has = interpreter.prefect_version
            why = f", as Prefect {has} has no such {spec.word}" if has else ""
            runs_in = f"Prefect {version} in an environment of flowtui's own{why}{wait}"
        if spec.is_worker:
            if spec.kind is AgentKind.DOCKER and version is None:
                await check_docker(interpreter)
            return Outlook(runs_in, worker_place(workspace).api_url)
        if spec.kind is not AgentKind.DOCKER:
            return Outlook(runs_in, workspace.profile.api_url)
        place = await docker_place(workspace.profile.api_url, workspace.secret, spec.networks)
        return Outlook(runs_in, place.api_url)
    except FlowtuiError as error:
        return Outlook(runs_in, problem=error.problem)
