"""Starts a run and, if wanted, follows it: what `flowtui run` and `flowtui runs again` do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

from flowtui.cli.following import Following, exit_code
from flowtui.cli.output import Output
from flowtui.cli.run_lines import SHORT_ID, LineFilter, RunJson, RunPrinter, run_as_json, titled
from flowtui.cli.session import connected
from flowtui.errors import ExitCode
from flowtui.run_models import FlowRun, RunRequest
from flowtui.workspace import Workspace


def start_run(
    request: Callable[[Workspace], Awaitable[RunRequest]],
    *,
    follow: bool,
    output: Output,
    profile: str | None,
    api_url: str | None,
    path: Path | None = None,
) -> NoReturn:
    """Start what `request` asks for and end the process; followed, by how the run ended."""
    sent: list[RunRequest] = []
    started: list[FlowRun] = []

    async def work() -> ExitCode:
        async with connected(profile, api_url, path) as workspace:
            sent.append(await request(workspace))
            run = await workspace.control_plane.start_run(sent[0])
            started.append(run)
            if follow:
                return await _follow(workspace, run, output)
            if output.as_json:
                output.data(run_as_json(run))
            else:
                output.line(run.id)
                output.note(f"run {titled(run)} is {run.state}")
                output.note(f"watch it: flowtui logs {run.id[:SHORT_ID]} --follow")
            return ExitCode.OK

    try:
        code = asyncio.run(work())
    except KeyboardInterrupt:
        if not started:
            if sent:
                output.note("\nthe run may have been started: flowtui runs shows it")
            raise
        stopped_following(started[0], output)
        code = ExitCode.CANCELLED
    sys.exit(code)


async def _follow(workspace: Workspace, run: FlowRun, output: Output) -> ExitCode:
    events = RunJson(output)
    if output.as_json:
        events.started(run)
    else:
        output.note(f"run {titled(run)}: {run.id}")
    return await follow_run(workspace, run, output)


async def follow_run(
    workspace: Workspace, run: FlowRun, output: Output, lines: LineFilter | None = None
) -> ExitCode:
    """Show a run until it is over; what its end comes to."""
    events, printer = RunJson(output), RunPrinter(output)
    following = Following(
        workspace.control_plane,
        run,
        events if output.as_json else printer,
        abilities=workspace.abilities,
        lines=lines or LineFilter(),
    )
    ended = await following.to_the_end()
    code = exit_code(ended)
    if output.as_json:
        events.ended(ended, code)
    else:
        printer.ended(ended)
    return code


def stopped_following(run: FlowRun, output: Output) -> None:
    """After Ctrl-C: nothing happened to the run, and how to go on."""
    short = run.id[:SHORT_ID]
    if output.as_json:
        RunJson(output).stopped(run)
    output.note("\nstopped following; the run goes on")
    output.note(f"follow it again: flowtui logs {short} --follow")
    output.note(f"cancel it: flowtui runs cancel {short}")
