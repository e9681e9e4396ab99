"""`flowtui logs`: the log of a run, and what is added to it."""

from __future__ import annotations

import asyncio
import sys

import click

from flowtui.cli.following import Shown
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.registered import wanted_run
from flowtui.cli.run_lines import LineFilter, RunJson, RunPrinter
from flowtui.cli.session import connected
from flowtui.cli.start_run import follow_run, stopped_following
from flowtui.errors import ExitCode, UsageError
from flowtui.run_models import FlowRun
from flowtui.runs.tasks import task_names
from flowtui.workspace import Workspace

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@click.command()
@click.argument("run", metavar="RUN")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run is over.")
@click.option(
    "--level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    help="Lines of this level and above.",
)
@click.option(
    "--task", metavar="TASK", help="Lines of this task: NAME, or NAME[3] of a mapped one."
)
@workspace_options
@json_option
def logs(
    run: str,
    follow: bool,
    level: str | None,
    task: str | None,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
) -> None:
    """The log of a run, oldest line first; with --json a JSON object on each line.

    RUN is its id, 8 or more characters of its beginning, or its name. With --follow the states are
    shown too, and the exit code says how the run ended, as with `flowtui run --follow`.
    """
    output = Output(as_json=as_json)
    found: list[FlowRun] = []

    async def work() -> ExitCode:
        async with connected(profile, api_url) as workspace:
            found.append(await wanted_run(workspace.control_plane, run))
            wanted = LineFilter(level or "", task or "")
            if follow:
                return await follow_run(workspace, found[0], output, wanted)
            shown = RunJson(output) if as_json else RunPrinter(output)
            count = await _all(workspace, found[0], wanted, shown)
            if not count and not as_json:
                output.note("no such lines" if level or task else "the log has no lines yet")
            return ExitCode.OK

    try:
        code = asyncio.run(work())
    except KeyboardInterrupt:
        if not follow or not found:
            raise
        stopped_following(found[0], output)
        code = ExitCode.CANCELLED
    sys.exit(code)


async def _all(workspace: Workspace, run: FlowRun, wanted: LineFilter, shown: Shown) -> int:
    """Show what there is; how many lines that was."""
    lines = await workspace.control_plane.run_log(run.id)
    names: dict[str, str] = {}
    if wanted.task:
        names = task_names(await workspace.control_plane.task_runs(run.id))
        if not any(wanted.is_task(name) for name in names.values()):
            tasks = sorted({name.partition("[")[0] for name in names.values()})
            raise UsageError(
                f"the run has no task “{wanted.task}”",
                fix=f"its tasks: {', '.join(tasks)}" if tasks else "it has no task runs yet",
            )
    count = 0
    for line in lines:
        label = names.get(line.task_run_id, "")
        if wanted.takes(line, label):
            shown.line(line, label)
            count += 1
    return count
