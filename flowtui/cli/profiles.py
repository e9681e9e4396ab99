"""`flowtui profiles`."""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
from pathlib import Path

import click

from flowtui.cli.options import json_option
from flowtui.cli.output import Output
from flowtui.errors import UsageError
from flowtui.prefect_settings import Found, PrefectSettings, shown


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
    from flowtui.addresses import normalise
    from flowtui.config import load_user, save_profile
    from flowtui.models import Origin, Profile

    known = load_user().profiles.get(name)
    kept = ca_file or (known.ca_file if known is not None else None)
    address = normalise(api_url)
    save_profile(Profile(name, address, Origin.USER_FILE, ca_file=kept))
    Output().note(
        f"profile “{name}” is {address}; use it: flowtui profiles use {shlex.quote(name)}"
    )


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
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--as", "new_name", metavar="NEW-NAME", help="Call the one that is named so.")
@click.option(
    "--token",
    type=click.Choice(["keyring", "file", "no"]),
    default="keyring",
    show_default=True,
    help="Where the tokens that Prefect keeps with them go: never to the screen.",
)
def import_(names: tuple[str, ...], new_name: str | None, token: str) -> None:
    """Take over the profiles that Prefect is configured with here, or those that are named.

    Looked for in PREFECT_API_URL and Prefect's profiles.toml (PREFECT_PROFILES_PATH, PREFECT_HOME,
    ~/.prefect); of 0.x and 1.x in PREFECT__CLOUD__API, PREFECT__CLOUD__GRAPHQL and ~/.prefect.
    """
    from flowtui import prefect_settings

    found = prefect_settings.find()
    wanted = _wanted(found, names)
    if new_name is not None:
        if len(wanted) != 1:
            raise UsageError("--as names one profile", fix="name the one that is meant")
        wanted = (dataclasses.replace(wanted[0], name=new_name),)
    output = Output()
    taken = [_import(settings, token, output) for settings in wanted]
    if not names:
        for each in found.passed_over:
            output.note(f"“{each.name}” is passed over: {each.why}")
    if not any(taken) or (names and not all(taken)):
        raise UsageError("not every profile was taken over", fix="flowtui profiles list shows all")


def _wanted(found: Found, names: tuple[str, ...]) -> tuple[PrefectSettings, ...]:
    if not found.settings:
        raise UsageError(
            "Prefect is not configured here",
            where="PREFECT_API_URL, profiles.toml and config.toml in ~/.prefect",
            fix="flowtui profiles add NAME URL",
        )
    known = {each.name: each for each in found.settings}
    whys = {each.name: each.why for each in found.passed_over}
    for name in names:
        if name not in known:
            what = f"Prefect has no profile “{name}” here"
            raise UsageError(
                f"“{name}” cannot be taken over: {whys[name]}" if name in whys else what,
                fix=f"there are: {', '.join(known)}",
            )
    return tuple(known[name] for name in names) or found.settings


def _import(settings: PrefectSettings, token: str, output: Output) -> bool:
    """Whether the profile is flowtui's now."""
    from flowtui.config import load_user, save_profile
    from flowtui.models import Origin, Profile

    known, origin = load_user().profiles.get(settings.name), shown(settings.origin)
    if known is not None and known.api_url != settings.api_url:
        output.note(
            f"“{settings.name}” is not taken over: there is a profile of this name for "
            f"{known.api_url}; --as gives it another"
        )
        return False
    if known is None:
        profile = Profile(settings.name, settings.api_url, Origin.USER_FILE, settings.ca_file)
        save_profile(profile)
    there = "is there already" if known is not None else "taken over"
    now = ", what Prefect uses now" if settings.active else ""
    output.note(f"“{settings.name}” {there}: {settings.api_url} (from {origin}{now})")
    if settings.token is not None and token != "no":
        _import_token(settings, token, output)
    return True


def _import_token(settings: PrefectSettings, save: str, output: Output) -> None:
    """A token that cannot be kept is no reason to go without the profile."""
    from flowtui import prefect_settings
    from flowtui.credentials import CredentialStore, Where, token
    from flowtui.errors import CredentialsError

    place = settings.token
    assert place is not None
    try:
        secret = token(prefect_settings.read_token(place), where=place.words)
        kept = asyncio.run(CredentialStore().store(settings.api_url, secret, Where(save)))
    except CredentialsError as error:
        output.note(
            f"  its token in {place.words} is not taken over: {error.problem.what}; --token file "
            f"keeps it in a private file, flowtui login --profile {shlex.quote(settings.name)} asks"
        )
        return
    output.note(f"  its token from {place.words} is kept in {kept}")


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
