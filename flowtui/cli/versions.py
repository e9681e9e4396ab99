"""`flowtui versions list|archive`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.session import connected
from flowtui.errors import UsageError
from flowtui.models import FlowVersion


@click.group()
def versions() -> None:
    """Registered versions of flows: list, archive."""


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
            return await workspace.control_plane.flow_versions(
                project=project, name=flow, archived=archived
            )

    found = asyncio.run(work())
    output = Output(as_json=as_json)
    if as_json:
        output.data([{**asdict(version), "image": version.image} for version in found])
    elif not found:
        output.note("no registered versions; make one: flowtui deploy PATH")
    else:
        output.table(
            ("FLOW", "PROJECT", "VERSION", "STATE", "REGISTERED", "PREFECT", "ID", "IMAGE"),
            (
                (
                    version.name,
                    version.project,
                    str(version.version),
                    "archived" if version.archived else "active",
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
            version = _only(await workspace.control_plane.flow_versions(), version_id)
            if not yes:
                await asyncio.to_thread(_confirm, version)
            await workspace.control_plane.archive(version.id)
            return version

    version = asyncio.run(work())
    Output().note(f"archived “{version.name}” version {version.version}")


def _only(found: tuple[FlowVersion, ...], version_id: str) -> FlowVersion:
    matches = [version for version in found if version.id.startswith(version_id)]
    if len(matches) == 1:
        return matches[0]
    raise UsageError(
        f"{'several active versions have' if matches else 'no active version has'} an id that "
        f"starts with “{version_id}”",
        fix="flowtui versions list shows them",
    )


def _confirm(version: FlowVersion) -> None:
    question = f"Archive “{version.name}” version {version.version} in “{version.project}”?"
    if not sys.stdin.isatty():
        raise UsageError("archiving needs a yes", fix="add --yes when no terminal can be asked")
    click.confirm(question, abort=True, err=True)
