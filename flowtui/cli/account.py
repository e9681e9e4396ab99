"""`flowtui login`, `logout`, `whoami` and `profiles`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.session import connected
from flowtui.errors import UsageError
from flowtui.workspace import Workspace

if TYPE_CHECKING:
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
@workspace_options
def login(save: str, no_check: bool, profile: str | None, api_url: str | None) -> None:
    """Keep a token for a control plane. It is read from a hidden prompt or from stdin."""
    from flowtui.credentials import Where

    secret = _read_token()

    async def work() -> str:
        workspace = await Workspace.open(Path(), profile=profile, api_url=api_url)
        if not no_check:
            await workspace.check_token(secret)
        kept = await workspace.credentials.store(workspace.profile.api_url, secret, Where(save))
        return f"logged in to {workspace.profile.api_url}; token kept in {kept}"

    Output().note(asyncio.run(work()))


def _read_token() -> Secret:
    from flowtui.credentials import token

    return token(_prompt() if sys.stdin.isatty() else sys.stdin.readline())


def _prompt() -> str:
    return str(click.prompt("Token", hide_input=True, err=True))  # pyright: ignore[reportUnknownArgumentType,reportUnknownMemberType]


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
            identity = await workspace.control_plane.identify()
            return {
                "profile": workspace.profile.name,
                "profile_origin": str(workspace.profile.origin),
                **asdict(identity),
                "token": workspace.token_source,
            }

    facts = asyncio.run(work())
    output = Output(as_json=as_json)
    if as_json:
        output.data(facts)
        return
    output.line(f"profile  {facts['profile']}  (from: {facts['profile_origin']})")
    output.line(f"address  {facts['api_url']}")
    output.line(f"server   {facts['server']}")
    if facts["tenant"]:
        output.line(f"tenant   {facts['tenant']}")
    output.line(f"token    {facts['token']}")


@click.group()
def profiles() -> None:
    """Profiles: one control plane address each, by name."""


@profiles.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All profiles; the active one is marked."""
    from flowtui.config import load_user

    user = load_user()
    output = Output(as_json=as_json)
    rows = [(p.name, p.api_url, p.name == user.active) for p in user.profiles.values()]
    if as_json:
        output.data([{"name": n, "api_url": url, "active": active} for n, url, active in rows])
    else:
        output.table(("", "NAME", "ADDRESS"), (("*" if a else "", n, url) for n, url, a in rows))


@profiles.command()
@click.argument("name")
@click.argument("api_url", metavar="URL")
@click.option("--ca-file", help="Certificate authority of this control plane.")
def add(name: str, api_url: str, ca_file: str | None) -> None:
    """Add a profile, or give an existing one another address; its --ca-file is kept."""
    from flowtui.config import load_user, save_profile
    from flowtui.models import Origin, Profile

    known = load_user().profiles.get(name)
    kept = ca_file or (known.ca_file if known is not None else None)
    save_profile(Profile(name, api_url, Origin.USER_FILE, ca_file=kept))
    Output().note(f"profile “{name}” is {api_url}; use it: flowtui profiles use {name}")


@profiles.command()
@click.argument("name")
def use(name: str) -> None:
    """Make a profile the active one."""
    from flowtui.config import load_user, set_active

    if name not in load_user().profiles:
        raise UsageError(f"there is no profile “{name}”", fix="flowtui profiles list shows all")
    set_active(name)
    Output().note(f"“{name}” is the active profile")


@profiles.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove a profile. Its token stays in the keyring: log out first to forget it."""
    from flowtui.config import remove_profile

    remove_profile(name)
    Output().note(f"profile “{name}” removed")
