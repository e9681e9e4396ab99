"""`flowtui schedules list|on|off`."""

from __future__ import annotations

import asyncio

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.session import connected, version_in_use
from flowtui.errors import UsageError
from flowtui.models import FlowVersion, Schedule


@click.group()
def schedules() -> None:
    """Schedules of registered flows: list, switch on and off."""


@schedules.command("list")
@click.option("--project", help="Only in this project.")
@workspace_options
@json_option
def list_(project: str | None, profile: str | None, api_url: str | None, as_json: bool) -> None:
    """Flows that have a schedule, and whether it is active."""

    async def work() -> list[FlowVersion]:
        async with connected(profile, api_url) as workspace:
            found = await workspace.control_plane.flow_versions(project=project)
            with_one = [v for v in found if v.schedule in (Schedule.ACTIVE, Schedule.PAUSED)]
            return sorted(with_one, key=lambda version: (version.project, version.name))

    found = asyncio.run(work())
    output = Output(as_json=as_json)
    if as_json:
        output.data([_as_json(version) for version in found])
    elif not found:
        output.note("no registered flow has a schedule that the control plane tells of")
    else:
        output.table(
            ("FLOW", "PROJECT", "VERSION", "SCHEDULE"),
            ((v.flow_name, v.project, v.number, str(v.schedule)) for v in found),
        )
        for version in found:
            _warn(output, version)


@schedules.command()
@click.argument("flow")
@click.option("--project", help="The project it is in, if it is in several.")
@workspace_options
def on(flow: str, project: str | None, profile: str | None, api_url: str | None) -> None:
    """Let the control plane start runs of FLOW by its schedule."""
    _switch(flow, project, profile, api_url, active=True)


@schedules.command()
@click.argument("flow")
@click.option("--project", help="The project it is in, if it is in several.")
@workspace_options
def off(flow: str, project: str | None, profile: str | None, api_url: str | None) -> None:
    """Keep the schedule of FLOW, but start no runs by it; planned runs are dropped."""
    _switch(flow, project, profile, api_url, active=False)


def _switch(
    flow: str, project: str | None, profile: str | None, api_url: str | None, *, active: bool
) -> None:
    async def work() -> FlowVersion:
        async with connected(profile, api_url) as workspace:
            version = await version_in_use(workspace.control_plane, flow, project)
            if version.schedule is Schedule.NONE:
                raise UsageError(
                    f"{version.words} of “{version.flow_name}” has no schedule",
                    where=workspace.profile.api_url,
                    fix="give the deployment a schedule, then deploy it"
                    if version.deployment
                    else "give the flow a schedule=, then deploy it",
                )
            await workspace.control_plane.set_schedule_active(version.id, active)
            return await version_in_use(workspace.control_plane, flow, project)

    version = asyncio.run(work())
    output = Output()
    state = "on" if active else "off"
    output.note(f"the schedule of {_placed(version)} is {state}")
    _warn(output, version)


def _warn(output: Output, version: FlowVersion) -> None:
    if version.schedule_problem:
        output.note(
            f"the schedule of {_placed(version)} starts no runs: {version.schedule_problem}"
        )


def _placed(version: FlowVersion) -> str:
    place = f" in “{version.project}”" if version.project else ""
    return f"“{version.flow_name}”{place}"


def _as_json(version: FlowVersion) -> dict[str, object]:
    return {
        "flow": version.name,
        "project": version.project,
        "deployment": version.deployment,
        "version": version.version,
        "label": version.label,
        "version_id": version.id,
        "schedule": str(version.schedule),
        "schedule_problem": version.schedule_problem or None,
    }
