"""`flowtui versions list|archive|roll-back`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.roll_back import roll_back
from flowtui.cli.session import connected, version_in_use
from flowtui.errors import ControlPlaneError, UsageError
from flowtui.models import Ability, FlowVersion, Schedule


@click.group()
def versions() -> None:
    """Registered versions of flows: list, archive, roll back."""


@versions.command("list")
@click.argument("flow", required=False)
@click.option("--project", help="Only in this project.")
@click.option("--archived", is_flag=True, help="Archived ones too.")
@workspace_options
@json_option
def list_(
    flow: str | None,
    project: str | None,
    archived: bool,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
) -> None:
    """Registered versions, newest first; of one FLOW if it is named."""

    async def work() -> tuple[FlowVersion, ...]:
        async with connected(profile, api_url) as workspace:
            return await workspace.versions(project=project, name=flow, archived=archived)

    found = asyncio.run(work())
    output = Output(as_json=as_json)
    if as_json:
        output.data([{**asdict(version), "image": version.image} for version in found])
    elif not found:
        output.note("no registered versions; make one: flowtui deploy PATH")
    else:
        output.table(
            (
                "FLOW",
                "PROJECT",
                "VERSION",
                "STATE",
                "SCHEDULE",
                "REGISTERED",
                "PREFECT",
                "ID",
                "IMAGE",
            ),
            (
                (
                    version.flow_name,
                    version.project,
                    version.number,
                    "archived" if version.archived else "active",
                    _schedule_word(version),
                    version.created.strftime("%Y-%m-%d %H:%M") if version.created else "",
                    version.core_version,
                    version.id,
                    version.image or "",
                )
                for version in found
            ),
        )


@versions.command()
@click.argument("version_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@workspace_options
def archive(version_id: str, yes: bool, profile: str | None, api_url: str | None) -> None:
    """Archive a version: it cannot be run any more. ID may be its first characters."""

    async def work() -> FlowVersion:
        async with connected(profile, api_url) as workspace:
            found = await workspace.control_plane.flow_versions()
            version = _only(found, version_id, "active version")
            if not yes:
                await asyncio.to_thread(_confirm, version)
            await workspace.control_plane.archive(version.id)
            return version

    version = asyncio.run(work())
    Output().note(f"archived “{version.flow_name}” {version.words}")


@versions.command()
@click.argument("name", metavar="DEPLOYMENT")
@click.option("--yes", is_flag=True, help="Do not ask.")
@workspace_options
def delete(name: str, yes: bool, profile: str | None, api_url: str | None) -> None:
    """Delete a deployment of Prefect 2 or 3, named FLOW/DEPLOYMENT. Asks first; its runs stay."""

    async def work() -> FlowVersion:
        async with connected(profile, api_url) as workspace:
            if Ability.DELETE_VERSIONS not in workspace.abilities:
                raise ControlPlaneError(
                    f"this control plane cannot {Ability.DELETE_VERSIONS}",
                    where=workspace.profile.api_url,
                    fix="archive its versions: flowtui versions archive ID",
                )
            version = await version_in_use(workspace.control_plane, name)
            if not yes:
                await asyncio.to_thread(_confirm_delete, version)
            await workspace.control_plane.delete_version(version.id)
            return version

    version = asyncio.run(work())
    Output().note(f"deleted the deployment “{version.flow_name}”")


versions.add_command(roll_back)


def _schedule_word(version: FlowVersion) -> str:
    known = version.schedule in (Schedule.ACTIVE, Schedule.PAUSED)
    return str(version.schedule) if known else ""


def _only(found: tuple[FlowVersion, ...], version_id: str, what: str) -> FlowVersion:
    matches = [version for version in found if version.id.startswith(version_id)]
    if len(matches) == 1:
        return matches[0]
    raise UsageError(
        f"{f'several {what}s have' if matches else f'no {what} has'} an id that "
        f"starts with “{version_id}”",
        fix="flowtui versions list --archived shows them",
    )


def _confirm(version: FlowVersion) -> None:
    question = f"Archive “{version.flow_name}” {version.words} in “{version.project}”?"
    if not sys.stdin.isatty():
        raise UsageError("archiving needs a yes", fix="add --yes when no terminal can be asked")
    click.confirm(question, abort=True, err=True)


def _confirm_delete(version: FlowVersion) -> None:
    if not sys.stdin.isatty():
        raise UsageError("deleting needs a yes", fix="add --yes when no terminal can be asked")
    question = f"Delete the deployment “{version.flow_name}”? Its schedules stop; its runs stay."
    click.confirm(question, abort=True, err=True)
