"""Where flowtui keeps its own files. `FLOWTUI_HOME` moves all of them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import platformdirs


def config_dir() -> Path:
    """User configuration: profiles, the opt-in credentials file."""
    home = os.environ.get("FLOWTUI_HOME")
    return Path(home) / "config" if home else Path(platformdirs.user_config_dir("flowtui"))


def data_dir() -> Path:
    """What must survive: the deploy history, the embedded server's database, Local storage."""
    home = os.environ.get("FLOWTUI_HOME")
    return Path(home) / "data" if home else Path(platformdirs.user_data_dir("flowtui"))


def logs_dir() -> Path:
    """Logs of the app and of the embedded server."""
    return data_dir() / "logs"


def server_database() -> Path:
    """The embedded server's SQLite file, unless it is given another."""
    return data_dir() / "server.db"


def prefect_server_dir(profile: str) -> Path:
    """PREFECT_HOME of a Prefect 2 or 3 server that flowtui runs: its database is there."""
    return data_dir() / "prefect-servers" / profile


def server_token_file() -> Path:
    """The token that the embedded server made for itself, mode 0600."""
    return data_dir() / "server-token"


def cache_dir() -> Path:
    """What can be made anew."""
    home = os.environ.get("FLOWTUI_HOME")
    return Path(home) / "cache" if home else Path(platformdirs.user_cache_dir("flowtui"))


def keep(file: Path, text: str) -> None:
    """Write a file below `cache_dir`, whole or not at all. Blocking. Raises OSError."""
    half = file.with_name(f"{secrets.token_hex(8)}.half")
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half.write_text(text, encoding="utf-8")
    half.replace(file)
