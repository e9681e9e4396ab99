"""IntervalClock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flowtui.server.schedules.events import ClockDefaults, Event
from flowtui.server.schedules.releases import Release
from flowtui.server.schedules.wall_time import UTC_ZONE, add

_BEGINNING = datetime(2019, 1, 1, tzinfo=UTC_ZONE)
"""Prefect's start of an interval clock that names none."""
_LAST_YEAR = 9000


@dataclass(frozen=True, slots=True)
class IntervalClock:
    interval: timedelta
    start: datetime | None
    end: datetime | None
    defaults: ClockDefaults

    def events(self, after: datetime, _release: Release) -> Iterator[Event]:
        """Every `interval` since `start`, counted as days of the wall clock once a day is over."""
        start = self.start or _BEGINNING
        steps = _steps_to(start, after, self.interval)
        while True:
            moment = add(start, self.interval * steps)
            steps += 1
            if moment.year > _LAST_YEAR or (self.end and moment > self.end):
                return
            if moment >= after:
                yield Event(moment, self.defaults)


def _steps_to(start: datetime, after: datetime, interval: timedelta) -> int:
    elapsed = after.astimezone(UTC) - start.astimezone(UTC)
    return max(0, elapsed // interval + 1) if elapsed >= timedelta(0) else 0
