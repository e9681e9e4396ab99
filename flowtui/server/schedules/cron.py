"""CronClock, as Prefect drives croniter.

What Prefect makes of croniter's moments is part of the result: it takes their local time and reads
that anew, so of two equal local times it always means the same one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from croniter import croniter
from croniter.croniter import CroniterBadDateError

from flowtui.server.schedules.events import ClockDefaults, Event
from flowtui.server.schedules.releases import Release
from flowtui.server.schedules.wall_time import UTC_ZONE, add_elapsed, in_zone, localized

_SECOND = timedelta(seconds=1)
_MOMENTS_SINCE_1_0 = 1000
_REPETITIONS_SINCE_1_0 = 3
_REPETITIONS_BORNE = 1000
"""Prefect itself goes on for ever."""


@dataclass(frozen=True, slots=True)
class CronClock:
    cron: str
    start: datetime | None
    end: datetime | None
    day_or: bool
    defaults: ClockDefaults

    def events(self, after: datetime, release: Release) -> Iterator[Event]:
        for moment in self._moments(after, release):
            if self.end and moment > self.end:
                return
            yield Event(moment, self.defaults)

    def _moments(self, after: datetime, release: Release) -> Iterator[datetime]:
        where = (self.start.tzinfo if self.start else None) or UTC_ZONE
        after = in_zone(after, where)
        if self.start:
            after = max(after, add_elapsed(self.start, -_SECOND))
        begin = _standard_time(after)
        if begin.microsecond:
            begin = add_elapsed(begin, _SECOND)
        try:
            if release.leaves_repetition:
                yield from self._without_repetition(after, begin, where)
            else:
                found = self._found(begin, where, release)
                yield from _at_most_skipping_one(after, found)
        except CroniterBadDateError:
            return

    def _found(self, begin: datetime, where: tzinfo, release: Release) -> Iterator[datetime]:
        """croniter's moments as Prefect reads them."""
        if release.knows_clock_changes:
            cron = croniter(self.cron, begin, day_or=self.day_or)
            while True:
                yield _as_pendulum(cron.get_next(datetime), where)
        for moment in _with_offset_of_last(self.cron, begin, self.day_or):
            yield _as_pendulum(moment, where)

    def _without_repetition(
        self, after: datetime, begin: datetime, where: tzinfo
    ) -> Iterator[datetime]:
        """What 1.0 and later do: a moment that came already, or is `after` itself, is passed over,
        and the third time croniter starts anew behind it."""
        cron = croniter(self.cron, begin, day_or=self.day_or)
        told: set[datetime] = set()
        moments_left = _MOMENTS_SINCE_1_0
        while moments_left > 0:
            moments_left -= 1
            moment = _as_pendulum(cron.get_next(datetime), where)
            repetitions = 0
            while _is_same_moment(moment, after) or moment in told:
                moment = _as_pendulum(cron.get_next(datetime), where)
                repetitions += 1
                if repetitions == _REPETITIONS_SINCE_1_0:
                    after = moment
                    cron = croniter(self.cron, after, day_or=self.day_or)
                    moment = _as_pendulum(cron.get_next(datetime), where)
                    moments_left = 0 if moment in told else moments_left
                if repetitions == _REPETITIONS_BORNE:
                    return
            told.add(moment)
            yield moment


def _at_most_skipping_one(after: datetime, found: Iterator[datetime]) -> Iterator[datetime]:
    """What 0.6 to 0.15 do: a moment that came already is passed over once."""
    told: set[datetime] = set()
    for moment in found:
        kept = moment
        if _is_same_moment(moment, after) or moment in told:
            kept = next(found)
        told.add(kept)
        yield kept


def _standard_time(moment: datetime) -> datetime:
    """The same local time, outside daylight saving where it comes twice: so Prefect hands it to
    croniter."""
    readings = [moment.replace(fold=fold) for fold in (0, 1)]
    if readings[0].utcoffset() == readings[1].utcoffset():
        return moment
    standard = [reading for reading in readings if not reading.dst()]
    return standard[-1] if standard else readings[1]


def _as_pendulum(moment: datetime, where: tzinfo) -> datetime:
    """The local time anew as a moment: pendulum does not know which of two equal ones was meant."""
    return localized(moment.replace(tzinfo=None, fold=0), where)


def _is_same_moment(one: datetime, other: datetime) -> bool:
    return one.astimezone(UTC) == other.astimezone(UTC)


def _with_offset_of_last(cron: str, begin: datetime, day_or: bool) -> Iterator[datetime]:
    """croniter 0.3: the next moment is looked for with the UTC offset of the last one, and moved
    to the right local time where the clock change lies on another day."""
    where = begin.tzinfo or UTC
    current = counted_from = begin
    while True:
        found = _next_at_fixed_offset(cron, current, day_or).astimezone(where)
        lag = _offset(found) - _offset(counted_from)
        if lag and _reaches_next_day(counted_from, found, lag):
            # The offset of `found` is kept when its local time is corrected.
            corrected = found.astimezone(timezone(_offset(found))) - lag
            current = counted_from = corrected.astimezone(where)
            yield corrected
            continue
        current = found
        yield found


def _next_at_fixed_offset(cron: str, current: datetime, day_or: bool) -> datetime:
    minute_on = add_elapsed(current, timedelta(minutes=1))
    fixed = timezone(_offset(minute_on))
    return croniter(cron, current.astimezone(fixed), day_or=day_or).get_next(datetime)


def _reaches_next_day(counted_from: datetime, found: datetime, lag: timedelta) -> bool:
    elapsed = abs(found.astimezone(UTC) - counted_from.astimezone(UTC))
    until_midnight = timedelta(hours=24 - counted_from.hour)
    if lag > timedelta(0):
        return elapsed >= until_midnight
    return elapsed - lag >= until_midnight


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta(0)
