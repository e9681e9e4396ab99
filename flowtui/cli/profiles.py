"""`flowtui profiles`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from flowtui.cli.options import json_option
from flowtui.cli.output import Output
from flowtui.errors import UsageError


@click.group()
def profiles() -> None:
    """Profiles: one control plane address each, by name."""


@profiles.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All profiles, and where a token is kept for each; the active one is marked."""
    from flowtui.config import load_user
    from flowtui.credentials import CredentialStore

    user, output = load_user(), Output(as_json=as_json)
    addresses = [profile.api_url for profile in user.profiles.values()]
    kept = asyncio.run(CredentialStore().kept(addresses))
    rows = [
        {
            "name": profile.name,
            "api_url": profile.api_url,
            "active": profile.name == user.active,
            "token": list(kept[profile.api_url]),
        }
        for profile in user.profiles.values()
    ]
    if as_json:
        output.data(rows)
        return
    output.table(
        ("", "NAME", "ADDRESS", "TOKEN"),
        (
            (
                "*" if profile.name == user.active else "",
                profile.name,
                profile.api_url,
                ", ".join(kept[profile.api_url]),
            )
            for profile in user.profiles.values()
        ),
    )


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
@click.argument("new")
def rename(name: str, new: str) -> None:
    """Give a profile another name. Its token stays: it belongs to the address."""
    from dataclasses import replace

    from flowtui.config import load_user, replace_profile

    known = load_user().profiles
    if name not in known:
        raise UsageError(f"there is no profile “{name}”", fix="flowtui profiles list shows all")
    if new in known:
        raise UsageError(f"there is a profile “{new}” already", fix="choose another name")
    replace_profile(name, replace(known[name], name=new))
    Output().note(f"profile “{name}” is now “{new}”")


@profiles.command()
@click.argument("api_url", metavar="URL")
@click.option("--ca-file", type=click.Path(path_type=Path), help="Certificate authority to trust.")
@json_option
def check(api_url: str, ca_file: Path | None, as_json: bool) -> None:
    """Ask what answers at an address, without sending a token. Exit code 4 if nothing good does."""
    from flowtui.addresses import normalise
    from flowtui.api.probe import probe
    from flowtui.errors import ControlPlaneError

    address, output = normalise(api_url), Output(as_json=as_json)
    answer = asyncio.run(probe(address, ca_file))
    if not answer.good:
        raise ControlPlaneError(answer.words, where=address, fix=answer.fix)
    if as_json:
        output.data({"api_url": address, "answer": answer.words, "token": answer.wants_token})
    else:
        output.line(f"{address} {answer.words}")


@profiles.command("import")
@click.argument("name", default="prefect")
@click.option(
    "--token",
    type=click.Choice(["keyring", "file"]),
    help="Also take the token that Prefect keeps, and keep it there; without it none is read.",
)
def import_(name: str, token: str | None) -> None:
    """Add a profile with the address that Prefect 0.x or 1.x is configured for.

    Looked for in PREFECT__CLOUD__API, PREFECT__CLOUD__GRAPHQL and ~/.prefect.
    """
    from flowtui import prefect_settings
    from flowtui.config import load_user, save_profile
    from flowtui.models import Origin, Profile

    found = prefect_settings.find()
    if found is None:
        raise UsageError(
            "Prefect is not configured here",
            where="PREFECT__CLOUD__API, PREFECT__CLOUD__GRAPHQL, ~/.prefect",
            fix="flowtui profiles add NAME URL",
        )
    if name in load_user().profiles:
        raise UsageError(
            f"there is a profile “{name}” already", fix="flowtui profiles import OTHER-NAME"
        )
    save_profile(Profile(name, found.api_url, Origin.USER_FILE))
    Output().note(f"profile “{name}” is {found.api_url}, from {found.origin}")
    if token is not None:
        _import_token(found.api_url, found.token_file, token)


def _import_token(api_url: str, file: Path | None, save: str) -> None:
    from flowtui import prefect_settings
    from flowtui.credentials import CredentialStore, Where, token

    secret = token(prefect_settings.read_token(file) if file is not None else "", where=str(file))
    kept = asyncio.run(CredentialStore().store(api_url, secret, Where(save)))
    Output().note(f"token kept in {kept}")


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
