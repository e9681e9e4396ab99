"""`flowtui runs`: what ran, and what is going to."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.session import connected
from flowtui.run_models import FlowRun


@click.command()
@click.argument("flow", required=False)
@click.option("--project", help="Only in this project.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many."
)
@workspace_options
@json_option
def runs(
    flow: str | None,
    project: str | None,
    limit: int,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
) -> None:
    """Runs of flows, the latest first; of one FLOW if it is named. Lists only."""

    async def work() -> tuple[FlowRun, ...]:
        async with connected(profile, api_url) as workspace:
            return await workspace.control_plane.flow_runs(project=project, name=flow, limit=limit)

    found = asyncio.run(work())
    output = Output(as_json=as_json)
    if as_json:
        output.data([_as_json(run) for run in found])
    elif not found:
        output.note("no runs yet: an agent starts what is scheduled")
    else:
        now = datetime.now(UTC)
        output.table(
            ("STATE", "RUN", "FLOW", "PROJECT", "VERSION", "PLANNED", "STARTED", "TOOK", "MESSAGE"),
            (
                (
                    run.state,
                    run.name,
                    run.flow,
                    run.project,
                    str(run.version),
                    _moment(run.scheduled),
                    _moment(run.started),
                    f"{seconds:.1f}s" if (seconds := run.seconds(now)) is not None else "",
                    run.message,
                )
                for run in found
            ),
        )


def _as_json(run: FlowRun) -> dict[str, object]:
    return {**asdict(run), "kind": str(run.kind)}


def _moment(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment is not None else ""
