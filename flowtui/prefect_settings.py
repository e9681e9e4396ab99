"""Prefect's own configuration of 0.x and 1.x, as far as it says where its control plane is.

Read for an offer, never used unasked: a person decides whether its address and its token become
flowtui's.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from flowtui import addresses
from flowtui.errors import UsageError


@dataclass(frozen=True, slots=True)
class PrefectSettings:
    """An address that Prefect's configuration names."""

    api_url: str
    origin: str
    """The variable or file that names it."""
    token_file: Path | None = None
    """A file of Prefect's with a token in it; nothing of it has been kept."""


def find(environ: Mapping[str, str] = os.environ) -> PrefectSettings | None:
    """The first address that is one: the environment, then `~/.prefect`. Blocking, never raises."""
    folder = Path(environ.get("PREFECT__HOME_DIR") or Path.home() / ".prefect")
    config = Path(environ.get("PREFECT__USER_CONFIG_PATH") or folder / "config.toml")
    named = [
        *((environ.get(name, ""), name) for name in ("PREFECT__CLOUD__API", _GRAPHQL)),
        *((url, str(config)) for url in _addresses_in(_table(config))),
    ]
    token_file = _token_file(folder)
    for url, origin in named:
        address = _address(url)
        if address:
            return PrefectSettings(address, origin, token_file)
    if token_file is not None:
        # Someone logged in, and changed nothing: that is Prefect Cloud.
        return PrefectSettings("https://api.prefect.io", str(token_file), token_file)
    return None


def read_token(file: Path) -> str:
    """The token in one of Prefect's files, empty for none. Blocking, never raises."""
    table = _table(file)
    return next((table[key] for key in _TOKEN_KEYS if isinstance(table.get(key), str)), "")


_GRAPHQL = "PREFECT__CLOUD__GRAPHQL"
_TOKEN_KEYS = ("api_key", "api_token")


def _addresses_in(config: Mapping[str, Any]) -> list[str]:
    cloud, server = _section(config, "cloud"), _section(config, "server")
    found = [str(cloud.get("api") or ""), str(cloud.get("graphql") or "")]
    found.append(str(server.get("endpoint") or ""))
    if server.get("host"):
        found.append(f"{server['host']}:{server.get('port') or 4200}")
    return found


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name)
    return cast("Mapping[str, Any]", section) if isinstance(section, dict) else {}


def _address(text: str) -> str:
    """Prefect's values may refer to others, `${cloud.api}/graphql`: those are passed over."""
    try:
        return addresses.normalise(text) if text and "${" not in text else ""
    except UsageError:
        return ""


def _token_file(folder: Path) -> Path | None:
    """1.x writes `auth.toml`, 0.x `client/<address>/settings.toml`."""
    try:
        candidates = [folder / "auth.toml", *sorted(folder.glob("client/*/settings.toml"))]
    except OSError:
        return None
    return next((file for file in candidates if read_token(file)), None)


def _table(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
