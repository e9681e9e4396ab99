"""Which flow runs there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from flowtui.api.rest.connection import Connection
from flowtui.models import Ability
from flowtui.run_models import FlowRun


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs: the arguments of `ControlPlane.flow_runs`."""

    version_id: str | None = None
    project: str | None = None
    name: str | None = None
    names: Collection[str] | None = None
    states: Collection[str] | None = None
    planned_until: datetime | None = None
    planned_after: datetime | None = None


async def flow_runs(
    api: Connection, wanted: Wanted, *, offset: int = 0, limit: int
) -> tuple[FlowRun, ...]:
    """See `ControlPlane.flow_runs`."""
    raise api.cannot(Ability.TELL_RUNS)


async def last_runs(api: Connection, names: Collection[str]) -> tuple[FlowRun, ...]:
    """See `ControlPlane.last_runs`."""
    raise api.cannot(Ability.TELL_RUNS)


async def flow_run(api: Connection, run_id: str) -> FlowRun | None:
    raise api.cannot(Ability.TELL_RUNS)


async def find_runs(api: Connection, text: str, *, limit: int) -> tuple[FlowRun, ...]:
    """See `ControlPlane.find_runs`."""
    raise api.cannot(Ability.TELL_RUNS)
