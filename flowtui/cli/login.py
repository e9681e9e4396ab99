"""`flowtui login`, `logout` and `whoami`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowtui.addresses import tenant_word
from flowtui.cli import workspaces
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.session import connected
from flowtui.models import Origin, Profile
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.api.rest.cloud import CloudWorkspace
    from flowtui.credentials import Secret


@click.command()
@click.option(
    "--save",
    type=click.Choice(["keyring", "file"]),
    default="keyring",
    show_default=True,
    help="Where to keep the token: the OS keyring, or a plain-text file only you can read.",
)
@click.option("--no-check", is_flag=True, help="Do not ask the control plane whether it is valid.")
@click.option(
    "--workspace",
    "handle",
    metavar="ACCOUNT/WORKSPACE",
    help="Prefect Cloud: the workspace to use; it gets a profile of its own.",
)
@workspace_options
def login(
    save: str, no_check: bool, handle: str | None, profile: str | None, api_url: str | None
) -> None:
    """Keep a token for a control plane. It is read from a hidden prompt or from stdin.

    What a token is depends on what answers: the token of a Prefect 0.6 to 1.4 API, `user:password`
    of a `prefect server`, an API key of Prefect Cloud, whose workspaces are listed to choose from.
    """
    asyncio.run(_login(save, no_check, handle, profile, api_url))


async def _login(
    save: str, no_check: bool, handle: str | None, profile: str | None, api_url: str | None
) -> None:
    from flowtui.api.rest.cloud import NoWorkspaceError
    from flowtui.credentials import Where

    workspace = await Workspace.open(Path(), profile=profile, api_url=api_url)
    if handle is not None and not workspace.in_cloud:
        workspace = workspace.use(Profile("Prefect Cloud", workspace.cloud, Origin.COMMAND_LINE))
    secret = await _read_token(workspace)
    address, cloud = workspace.profile.api_url, workspace.cloud
    found: tuple[CloudWorkspace, ...] | None = None
    if handle is not None:
        found = await workspace.cloud_workspaces(secret)
    elif not no_check:
        try:
            await workspace.check_token(secret)
        except NoWorkspaceError as error:
            cloud, found = error.cloud, error.workspaces
    chosen = workspaces.choose(found, cloud, handle) if found is not None else None
    if chosen is not None:
        address = chosen.api_url(cloud)
    kept = await workspace.credentials.store(address, secret, Where(save))
    Output().note(f"logged in to {address}; token kept in {kept}")
    if chosen is not None:
        workspaces.take(chosen, cloud, workspace.profile.ca_file)


async def _read_token(workspace: Workspace) -> Secret:
    from flowtui.api.opening import ask_token_kind
    from flowtui.credentials import token
    from flowtui.workspace import ca_file_of

    if not sys.stdin.isatty():
        return token(sys.stdin.readline())
    profile = workspace.profile
    kind = await ask_token_kind(profile.api_url, ca_file=ca_file_of(profile))
    form = f" ({kind.form})" if kind.form else ""
    words = f"{kind[0].upper()}{kind[1:]}{form} for {profile.api_url}"
    return token(str(click.prompt(words, hide_input=True, err=True)))  # pyright: ignore[reportUnknownArgumentType,reportUnknownMemberType]


@click.command()
@workspace_options
def logout(profile: str | None, api_url: str | None) -> None:
    """Forget the token of a control plane, everywhere it is kept."""

    async def work() -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        workspace = await Workspace.open(Path(), profile=profile, api_url=api_url)
        url = workspace.profile.api_url
        return url, await workspace.credentials.forget(url), workspace.credentials.notes

    url, places, notes = asyncio.run(work())
    for note in notes:
        Output().note(f"note: {note}")
    kept = " and ".join(places)
    Output().note(f"token for {url} deleted from {kept}" if places else f"no token kept for {url}")


@click.command()
@workspace_options
@json_option
def whoami(profile: str | None, api_url: str | None, as_json: bool) -> None:
    """The control plane in use, whether it answers, and where the token comes from."""

    async def work() -> dict[str, object]:
        async with connected(profile, api_url) as workspace:
            identity = workspace.identity
            return {
                "profile": workspace.profile.name,
                "profile_origin": str(workspace.profile.origin),
                **asdict(identity),
                "abilities": sorted(identity.abilities),
                "token": workspace.token_source,
            }

    facts = asyncio.run(work())
    output = Output(as_json=as_json)
    if as_json:
        output.data(facts)
        return
    output.line(f"profile   {facts['profile']}  (from: {facts['profile_origin']})")
    output.line(f"address   {facts['api_url']}")
    output.line(f"server    {facts['server']}")
    if facts["tenant"]:
        output.line(f"{tenant_word(str(facts['api_url'])):10}{facts['tenant']}")
    output.line(f"token     {facts['token']}")
