"""Changes of runs as they happen, from the events of a Prefect REST API."""

from __future__ import annotations

from collections.abc import AsyncIterator

from flowtui.api.rest.connection import Connection
from flowtui.models import Ability


def run_changes(api: Connection, run_id: str | None) -> AsyncIterator[str]:
    """See `ControlPlane.run_changes`."""
    raise api.cannot(Ability.STREAM_RUN_CHANGES)
