"""The last part of `flowtui demo`: a run of a sample flow, followed to its end."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from flowtui.agents.waiting import why_waiting
from flowtui.cli.demo_parts import DemoAgent
from flowtui.cli.output import Output
from flowtui.cli.run_lines import titled
from flowtui.cli.run_report import report
from flowtui.cli.start_run import follow_run
from flowtui.errors import DeployError, FlowtuiError
from flowtui.run_models import FlowRun, RunRequest
from flowtui.workspace import Workspace

FLOW = "nightly load"
"""It has parameters, mapped tasks, and a task that needs a second try."""
_SECONDS = 300.0
_LOOK = 0.5
_LAST_WORDS = 15.0


async def start_sample_run(workspace: Workspace, *, rows: int) -> FlowRun:
    """A run of the sample flow with so many mapped tasks; an agent has to pick it up."""
    versions = await workspace.control_plane.flow_versions(name=FLOW)
    request = RunRequest(versions[0].id, {"table": "orders", "limit": rows})
    return await workspace.control_plane.start_run(request)


async def watch_sample_run(
    workspace: Workspace, run: FlowRun, agent: DemoAgent, output: Output
) -> None:
    """States and log as they come, the task runs at the end.

    Raises DeployError when it did not end in Success: when it failed, when the agent ended before
    it, or when it took too long.
    """
    output.note(f"\nrun {titled(run)}, picked up by a real agent of Prefect {run.core_version}")
    following = asyncio.create_task(follow_run(workspace, run, output))
    last_look = time.monotonic() + _SECONDS
    try:
        while not following.done() and time.monotonic() < last_look:
            if (problem := agent.problem()) is not None:
                raise DeployError.of(problem)
            await asyncio.wait({following}, timeout=_LOOK)
        if following.done():
            await following
    finally:
        following.cancel()
        await asyncio.wait({following})
    ended = await workspace.control_plane.flow_run(run.id) or run
    states = await workspace.control_plane.run_states(run.id)
    tasks = await workspace.control_plane.task_runs(run.id)
    output.line()
    report(output, ended, states, tasks, datetime.now(UTC))
    if ended.state != "Success":
        raise await _not_a_success(workspace, ended, agent)
    await _wound_up(agent)


async def _wound_up(agent: DemoAgent) -> None:
    """The process of a run that is over still sends what it logged last."""
    last_look = time.monotonic() + _LAST_WORDS
    for _ in iter(agent.flow_processes, ()):
        if time.monotonic() > last_look:
            return
        await asyncio.sleep(_LOOK)


async def _not_a_success(workspace: Workspace, run: FlowRun, agent: DemoAgent) -> FlowtuiError:
    agents = await workspace.control_plane.agents()
    reasons = why_waiting(run, agents, datetime.now(UTC))
    why = reasons[0].what if reasons else run.message
    lines = "\n".join(agent.last_lines())
    return DeployError(
        f"the run did not end in Success: it is {run.state}{f' ({why})' if why else ''}",
        where=f"run {run.id}",
        fix=f"what the agent said last:\n{lines}" if lines else f"see {agent.events}",
    )
