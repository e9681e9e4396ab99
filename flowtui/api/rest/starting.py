"""Starting and cancelling flow runs."""

from __future__ import annotations

from flowtui.api.rest.connection import Connection
from flowtui.models import Ability
from flowtui.run_models import FlowRun, RunRequest


async def start_run(api: Connection, request: RunRequest) -> FlowRun:
    """See `ControlPlane.start_run`."""
    raise api.cannot(Ability.START_RUNS)


async def cancel_run(api: Connection, run_id: str) -> str:
    """See `ControlPlane.cancel_run`."""
    raise api.cannot(Ability.CANCEL_RUNS)
