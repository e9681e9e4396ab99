"""The command and environment that start a real server of Prefect 2 or 3.

Measured on Prefect 2.20.27 and 3.9.1.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flowtui import paths
from flowtui.addresses import is_loopback
from flowtui.errors import UsageError
from flowtui.models import Interpreter
from flowtui.releases import release

FIRST_SERVER = (2, 8)
"""`prefect server start`; before it the command was `prefect orion start`."""
AUTH = "PREFECT_SERVER_API_AUTH_STRING"
FIRST_AUTH = (3, 0)
"""Prefect 2 has no password: who reaches its server may do everything."""
_DATABASE = "PREFECT_API_DATABASE_CONNECTION_URL"
"""Its name in Prefect 2, which 3 takes too."""
_WIDE = "240"
"""Cells: what is not a terminal gets lines of 80 otherwise, with breaks in them."""
_OTHERS = (
    "FLOWTUI_API_KEY",
    "FLOWTUI_API_KEY_FILE",
    "FLOWTUI_SERVER_DATABASE",
    "FLOWTUI_SERVER_TOKEN",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_DATABASE_CONNECTION_URL",
    "PREFECT_API_KEY",
    "PREFECT_API_URL",
    "PREFECT_HOME",
    "PREFECT_PROFILE",
    "PREFECT_PROFILES_PATH",
    "PREFECT_SERVER_API_HOST",
    "PREFECT_SERVER_API_PORT",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "PYTHONHOME",
)
"""Variables that are meant for clients, or would take the server to another database."""
_SELF = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""What listens everywhere is reached from here at."""
_DRIVERS = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


@dataclass(frozen=True, slots=True)
class PrefectServerLaunch:
    """A server to start. Its environment may hold a password, so it has no repr."""

    command: tuple[str, ...]
    home: Path
    """PREFECT_HOME and working folder: its database is there, unless it was given another."""
    interpreter: Interpreter
    prefect_version: str
    api_url: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def profile(self) -> str:
        """Name of the profile that is kept for it: `prefect3`."""
        return profile_name(self.prefect_version)


def profile_name(prefect_version: str) -> str:
    return f"prefect{release(prefect_version)[0]}"


def usable_version(interpreter: Interpreter) -> str:
    """The version of the project's Prefect. Raises UsageError when it has no server to start."""
    where = f"{interpreter.executable} ({interpreter.origin})"
    version = interpreter.prefect_version
    if version is None:
        raise UsageError(
            "there is no Prefect in the project's Python",
            where=where,
            fix=f"install it: {interpreter.executable} -m pip install 'prefect>=3,<4', or point "
            "`python` in flowtui.toml at the Python that has it",
        )
    if release(version) < (2,):
        raise UsageError(
            f"the project's Prefect is {version}, which has no server of this kind",
            where=where,
            fix="`flowtui server` without --prefect3 is the control plane for it",
        )
    if release(version) < FIRST_SERVER:
        raise UsageError(
            f"the project's Prefect {version} is too old: it has no `prefect server start`",
            where=where,
            fix=f"{interpreter.executable} -m pip install --upgrade prefect",
        )
    return version


def server_launch(
    interpreter: Interpreter,
    *,
    host: str,
    port: int,
    database: str | None,
    environ: Mapping[str, str],
) -> PrefectServerLaunch:
    """How to start the server of this interpreter's Prefect.

    `database` is a file or a URL; None: a file in its own folder. Raises UsageError for a Prefect
    that has no server, and for an address that others reach where the server has no password.
    """
    version = usable_version(interpreter)
    _require_password(host, version, environ)
    home = paths.prefect_server_dir(profile_name(version))
    options = ("server", "start", "--host", host, "--port", str(port))
    found = {name: text for name, text in environ.items() if name not in _OTHERS}
    found |= {
        "PATH": os.pathsep.join(
            [str(Path(interpreter.executable).parent), environ.get("PATH", os.defpath)]
        ),
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_CLI_PROMPT": "false",
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": _WIDE,
    }
    if database is not None:
        found[_DATABASE] = _database_url(database)
    reached = _SELF.get(host, host)
    shown = f"[{reached}]" if ":" in reached else reached
    return PrefectServerLaunch(
        (interpreter.executable, "-m", "prefect", *options),
        home,
        interpreter,
        version,
        f"http://{shown}:{port}/api",
        found,
    )


def _require_password(host: str, version: str, environ: Mapping[str, str]) -> None:
    if is_loopback(f"//[{host}]" if ":" in host else f"//{host}"):
        return
    what = f"a server on {host} can be reached by others"
    if release(version) < FIRST_AUTH:
        raise UsageError(
            f"{what}, and that of Prefect {version} knows no password", fix="bind to 127.0.0.1"
        )
    if not environ.get(AUTH):
        raise UsageError(
            f"{what}, so it needs a password",
            fix=f"set {AUTH} to user:password, or bind to 127.0.0.1",
        )


def _database_url(given: str) -> str:
    scheme, separator, rest = given.partition("://")
    if separator:
        return f"{_DRIVERS.get(scheme, scheme)}://{rest}"
    return f"sqlite+aiosqlite:///{Path(given).expanduser().absolute()}"
