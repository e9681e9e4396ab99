"""Several clocks, filtered and adjusted: one schedule."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from flowtui.server.schedules.events import ClockDefaults, Event
from flowtui.server.schedules.functions import Adjustment, Filter
from flowtui.server.schedules.problems import ScheduleError
from flowtui.server.schedules.releases import Release
from flowtui.server.schedules.wall_time import UTC_ZONE

__all__ = ["Clock", "ClockDefaults", "Event", "Schedule", "next_events"]

_EVENTS_LOOKED_AT = 10_000
"""Prefect's own limit: filters may leave nothing."""


class Clock(Protocol):
    def events(self, after: datetime, release: Release, /) -> Iterator[Event]: ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """What `read_schedule` makes of a serialized schedule."""

    clocks: tuple[Clock, ...]
    filters: tuple[Filter, ...]
    """All must hold,"""
    or_filters: tuple[Filter, ...]
    """one of these, if there are any,"""
    not_filters: tuple[Filter, ...]
    """and none of these."""
    adjustments: tuple[Adjustment, ...]
    release: Release


def next_events(schedule: Schedule, number: int, after: datetime) -> list[Event]:
    """At most this many events after a moment, as `schedule.next(number, after)` gives them.

    Adjusted events keep their order and may fall together. Fewer come where clocks end, or where
    the filters leave too little of 10,000 moments. Raises ScheduleError where moments cannot be
    computed: out of range, or made of parts that do not go together.
    """
    try:
        return _next_events(schedule, number, after)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ScheduleError(f"its moments cannot be computed: {error}") from None


def _next_events(schedule: Schedule, number: int, after: datetime) -> list[Event]:
    found: list[Event] = []
    if number < 1:
        return found
    streams = [
        clock.events(after.astimezone(UTC_ZONE), schedule.release) for clock in schedule.clocks
    ]
    merged = _merged(streams, schedule.release)
    last: Event | None = None
    looked_at = 0
    for event in merged:
        if last is not None and _is_same(last, event, schedule.release):
            continue
        looked_at += 1
        last = event
        if _passes(schedule, event.start):
            adjusted = replace(event, start=_adjusted(schedule, event.start))
            found.append(adjusted)
            last = adjusted if schedule.release.compares_adjusted else event
        if len(found) == number or looked_at == _EVENTS_LOOKED_AT:
            break
    return found


def _merged(streams: Sequence[Iterator[Event]], release: Release) -> Iterator[Event]:
    """In the order of time. Which of two clocks comes first at the same moment is as in Prefect
    only if events are compared as there: by moment, then whether all of them is equal."""
    if release.tells_parameters_apart:
        return iter(heapq.merge(*streams))
    return iter(heapq.merge(*streams, key=lambda event: event.start))


def _is_same(one: Event, other: Event, release: Release) -> bool:
    if one.start != other.start:
        return False
    return one.defaults == other.defaults or not release.tells_parameters_apart


def _passes(schedule: Schedule, moment: datetime) -> bool:
    return (
        all(holds(moment) for holds in schedule.filters)
        and (not schedule.or_filters or any(holds(moment) for holds in schedule.or_filters))
        and not any(holds(moment) for holds in schedule.not_filters)
    )


def _adjusted(schedule: Schedule, moment: datetime) -> datetime:
    for adjust in schedule.adjustments:
        moment = adjust(moment)
    return moment
