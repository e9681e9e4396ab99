"""`flowtui workspaces`: those of Prefect Cloud that a key may see, and which of them is used."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.errors import UsageError
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.api.rest.cloud import CloudWorkspace


@click.group()
def workspaces() -> None:
    """Workspaces of Prefect Cloud: each has a profile of its own, once it was chosen."""


@workspaces.command("list")
@workspace_options
@json_option
def list_(profile: str | None, api_url: str | None, as_json: bool) -> None:
    """All workspaces that the key in use may see; the one in use is marked."""
    from flowtui.config import load_user

    workspace, found = asyncio.run(_found(profile, api_url))
    output, names = (
        Output(as_json=as_json),
        {p.api_url: p.name for p in load_user().profiles.values()},
    )
    rows = [
        {
            "workspace": each.handle,
            "name": each.name,
            "account": each.account_name,
            "api_url": each.api_url(workspace.cloud),
            "profile": names.get(each.api_url(workspace.cloud), ""),
            "in_use": each.api_url(workspace.cloud) == workspace.profile.api_url,
        }
        for each in found
    ]
    if as_json:
        output.data(rows)
        return
    output.table(
        ("", "WORKSPACE", "NAME", "PROFILE"),
        (
            (
                "*" if row["in_use"] else "",
                str(row["workspace"]),
                str(row["name"]),
                str(row["profile"]),
            )
            for row in rows
        ),
    )


@workspaces.command()
@click.argument("handle", metavar="[ACCOUNT/WORKSPACE]", required=False)
@workspace_options
def use(handle: str | None, profile: str | None, api_url: str | None) -> None:
    """Use another workspace, with the key that is kept; without a name they are listed."""
    workspace, found = asyncio.run(_found(profile, api_url))
    chosen = choose(found, workspace.cloud, handle)
    take(chosen, workspace.cloud, workspace.profile.ca_file if workspace.in_cloud else None)


async def _found(
    profile: str | None, api_url: str | None
) -> tuple[Workspace, tuple[CloudWorkspace, ...]]:
    workspace = await Workspace.open(Path(), profile=profile, api_url=api_url)
    return workspace, await workspace.cloud_workspaces()


def choose(found: tuple[CloudWorkspace, ...], cloud: str, handle: str | None) -> CloudWorkspace:
    """The workspace of this handle; without one the only one there is, or the one that a person
    picks from the list. Raises UsageError."""
    from flowtui.api.rest.cloud import named

    if handle is not None:
        return named(found, handle, cloud=cloud)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            "this key may see no workspace",
            where=cloud,
            fix="make one in Cloud's UI, or ask to be made a member of one",
        )
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"this key may see {len(found)} workspaces: one of them has to be chosen",
            where=cloud,
            fix=f"name it: --workspace {' or '.join(each.handle for each in found)}",
        )
    output = Output()
    for number, each in enumerate(found, 1):
        output.note(f"{number:3}  {each.handle}  {each.name}")
    return found[int(click.prompt("Workspace", type=click.IntRange(1, len(found)), err=True)) - 1]  # pyright: ignore[reportUnknownArgumentType,reportUnknownMemberType]


def take(chosen: CloudWorkspace, cloud: str, ca_file: str | None) -> None:
    """Give the workspace a profile, where it has none, and use that from now on."""
    from flowtui.api.rest.cloud import profile_of
    from flowtui.config import save_profile, set_active

    profile = profile_of(chosen, cloud, ca_file)
    save_profile(profile)
    set_active(profile.name)
    Output().note(f"“{profile.name}” is the active profile: {profile.api_url}")
