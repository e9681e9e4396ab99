"""DatesClock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flowtui.server.schedules.events import ClockDefaults, Event
from flowtui.server.schedules.releases import Release


@dataclass(frozen=True, slots=True)
class DatesClock:
    dates: tuple[datetime, ...]
    defaults: ClockDefaults

    def events(self, after: datetime, _release: Release) -> Iterator[Event]:
        for date in sorted(self.dates):
            if date > after:
                yield Event(date, self.defaults)
