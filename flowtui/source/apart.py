"""Keeps a Prefect 2 or 3 that only loads flows from everything else it would do."""

from __future__ import annotations

from pathlib import Path

_NOWHERE = "http://127.0.0.1:9/api"
"""Where it finds no API: without an address it would start a server of its own."""


def apart(home: Path | str) -> dict[str, str]:
    """Its environment: no API, no server, no telemetry, and not the person's own folder."""
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": _NOWHERE,
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_CLIENT_MAX_RETRIES": "0",
        "DO_NOT_TRACK": "1",
    }
