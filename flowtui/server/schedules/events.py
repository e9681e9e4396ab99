"""What clocks give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from flowtui.models import Json


@dataclass(frozen=True, slots=True)
class ClockDefaults:
    """What a clock says about the runs it starts."""

    parameters: dict[str, Json] = field(default_factory=dict[str, Json])
    labels: tuple[str, ...] | None = None
    """None: the flow's own."""


@dataclass(frozen=True, slots=True)
class Event:
    """One run that a schedule wants: when, and with what."""

    start: datetime
    """In the zone of its clock."""
    defaults: ClockDefaults

    def __lt__(self, other: Event) -> bool:
        return self.start < other.start
