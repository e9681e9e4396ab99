"""Prefect's own configuration, as far as it says where its control planes are.

Prefect 2 and 3 keep profiles (`profiles.toml`), 0.x and 1.x one address (`config.toml`); both read
the environment first. Read for an offer, never used unasked: a person decides whether an address
and its token become flowtui's.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowtui import addresses
from flowtui.errors import UsageError
from flowtui.json_shapes import mapping

OWN = "prefect"
"""What settings are called here that have no name of their own."""

_TOKENS = ("PREFECT_API_AUTH_STRING", "PREFECT_API_KEY")
"""In the order in which Prefect prefers them."""
_TOKENS_1 = ("api_key", "api_token")
_CLOUD_1 = "https://api.prefect.io"


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """Where Prefect keeps a token; nothing of it has been kept here."""

    file: Path | None = None
    keys: tuple[str, ...] = ()
    """The way to it in that file."""
    variable: str = ""

    @property
    def words(self) -> str:
        return self.variable or shown(str(self.file))


@dataclass(frozen=True, slots=True)
class PrefectSettings:
    """A control plane that Prefect's configuration names."""

    name: str
    """Of Prefect's profile; `prefect` where it has none."""
    api_url: str
    origin: str
    """The variable or file that names it."""
    token: TokenPlace | None = None
    ca_file: str | None = None
    active: bool = False
    """It is what Prefect's own commands use now."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A profile of Prefect's that cannot be taken over."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    settings: tuple[PrefectSettings, ...] = ()
    """What Prefect uses now first; each address once."""
    passed_over: tuple[PassedOver, ...] = ()


def find(environ: Mapping[str, str] = os.environ) -> Found:
    """All that Prefect is configured for here. Blocking, never raises."""
    file = _profiles_file(environ)
    table = _table(file)
    named = tuple(_profiles(table, file, environ))
    profiles = [each for each in named if isinstance(each, PrefectSettings)]
    first = [*_from_environment(environ, profiles), *sorted(profiles, key=lambda p: not p.active)]
    once: dict[str, PrefectSettings] = {}
    for each in (*first, *_before_2(environ)):
        once.setdefault(each.api_url, each)
    passed_over = tuple(each for each in named if isinstance(each, PassedOver))
    return Found(tuple(_named_apart(once.values())), passed_over)


def read_token(place: TokenPlace, environ: Mapping[str, str] = os.environ) -> str:
    """The token there, empty for none. Blocking, never raises."""
    if place.variable:
        return environ.get(place.variable, "")
    value: Any = _table(place.file) if place.file is not None else {}
    for key in place.keys:
        value = mapping(value).get(key)
    return value if isinstance(value, str) else ""


def shown(path: str) -> str:
    """A path as a person writes it, from home on."""
    home = str(Path.home())
    return path.replace(home, "~", 1) if path.startswith(home) else path


# ------------------------------------------------------------------------------- Prefect 2 and 3


def _profiles_file(environ: Mapping[str, str]) -> Path:
    named = environ.get("PREFECT_PROFILES_PATH")
    home = environ.get("PREFECT_HOME") or str(Path.home() / ".prefect")
    return Path(os.path.expanduser(named or f"{home}/profiles.toml"))  # noqa: PTH111  (an unknown ~user is a file that is not there)


def _profiles(
    table: Mapping[str, Any], file: Path, environ: Mapping[str, str]
) -> Iterator[PrefectSettings | PassedOver]:
    active = environ.get("PREFECT_PROFILE") or table.get("active")
    for name in mapping(table.get("profiles")):
        settings = mapping(mapping(table.get("profiles")).get(name))
        url = str(settings.get("PREFECT_API_URL") or "")
        address = _address(url)
        if not url:
            yield PassedOver(name, "it has no address: Prefect starts a server of its own for it")
        elif not address:
            yield PassedOver(name, "its address cannot be used here")
        else:
            held = next((key for key in _TOKENS if settings.get(key)), None)
            token = TokenPlace(file, ("profiles", name, held)) if held else None
            ca_file = settings.get("PREFECT_API_SSL_CERT_FILE")
            yield PrefectSettings(
                name,
                address,
                str(file),
                token,
                ca_file if isinstance(ca_file, str) and Path(ca_file).is_absolute() else None,
                name == active,
            )


def _from_environment(
    environ: Mapping[str, str], profiles: list[PrefectSettings]
) -> Iterator[PrefectSettings]:
    """PREFECT_API_URL; a profile of the same address lends it its name, and a token if need be."""
    address = _address(environ.get("PREFECT_API_URL", ""))
    if not address:
        return
    held = next((name for name in _TOKENS if environ.get(name)), "")
    token = TokenPlace(variable=held) if held else None
    same = next((each for each in profiles if each.api_url == address), None)
    found = PrefectSettings(OWN, address, "PREFECT_API_URL", token, active=True)
    if same is not None:
        found = replace(found, name=same.name, token=token or same.token, ca_file=same.ca_file)
    yield found


# ----------------------------------------------------------------------------- Prefect 0.x and 1.x


def _before_2(environ: Mapping[str, str]) -> Iterator[PrefectSettings]:
    """The first address that is one: the environment, then `~/.prefect`."""
    folder = Path(environ.get("PREFECT__HOME_DIR") or Path.home() / ".prefect")
    config = Path(environ.get("PREFECT__USER_CONFIG_PATH") or folder / "config.toml")
    named = [
        *(
            (environ.get(name, ""), name)
            for name in ("PREFECT__CLOUD__API", "PREFECT__CLOUD__GRAPHQL")
        ),
        *((url, str(config)) for url in _addresses_in(_table(config))),
    ]
    token = _token_before_2(folder)
    for url, origin in named:
        address = _address(url)
        if address:
            yield PrefectSettings(OWN, address, origin, token)
            return
    if token is not None:
        # Someone logged in, and changed nothing: that is Prefect Cloud.
        yield PrefectSettings(OWN, _CLOUD_1, str(token.file), token)


def _addresses_in(config: Mapping[str, Any]) -> list[str]:
    cloud, server = mapping(config.get("cloud")), mapping(config.get("server"))
    found = [str(cloud.get("api") or ""), str(cloud.get("graphql") or "")]
    found.append(str(server.get("endpoint") or ""))
    if server.get("host"):
        found.append(f"{server['host']}:{server.get('port') or 4200}")
    return found


def _token_before_2(folder: Path) -> TokenPlace | None:
    """1.x writes `auth.toml`, 0.x `client/<address>/settings.toml`."""
    try:
        candidates = [folder / "auth.toml", *sorted(folder.glob("client/*/settings.toml"))]
    except OSError:
        return None
    places = (TokenPlace(file, (key,)) for file in candidates for key in _TOKENS_1)
    return next((place for place in places if read_token(place)), None)


# ------------------------------------------------------------------------------------------ reading


def _named_apart(settings: Iterable[PrefectSettings]) -> Iterator[PrefectSettings]:
    """With names of which each is there once."""
    taken: set[str] = set()
    for each in settings:
        name, number = each.name, 2
        while name in taken:
            name, number = f"{each.name}-{number}", number + 1
        taken.add(name)
        yield replace(each, name=name)


def _address(text: str) -> str:
    """Prefect's values may refer to others, `${cloud.api}/graphql`: those are passed over."""
    try:
        return addresses.normalise(text) if text and "${" not in text else ""
    except UsageError:
        return ""


def _table(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
