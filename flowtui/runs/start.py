"""When a run is to start, as a person types it: a local time or a length of time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from flowtui.quantities import when

_LENGTH = re.compile(r"(?:in\s+|\+)?(\d{1,6})\s*(s|sec|m|min|h|d)[a-z]*", re.IGNORECASE)
_TIME = re.compile(r"(?:(\d{4})-(\d{1,2})-(\d{1,2})[ T]\s*)?(\d{1,2}):(\d{2})(?::(\d{2}))?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LIKE = "14:30, 2026-12-24 08:00, or 2h"


@dataclass(frozen=True, slots=True)
class Start:
    """A moment that was typed: in UTC, and in words with the zone it was read in."""

    moment: datetime | None = None
    words: str = ""
    problem: str = ""


def read_start(text: str, now: datetime, zone: tzinfo | None = None) -> Start:
    """`HH:MM`, `YYYY-MM-DD HH:MM[:SS]` in local time, or how long from now: `10 min`, `2h`.

    A time of day that is over today is tomorrow's. `zone` is the local one unless given.
    """
    text = text.strip()
    length = _LENGTH.fullmatch(text)
    if length is not None:
        seconds = int(length[1]) * _SECONDS[length[2][0].lower()]
        return _start(now + timedelta(seconds=seconds), now, zone)
    found = _TIME.fullmatch(text)
    if found is None:
        return Start(problem=f"not a time: type one like {LIKE}" if text else f"like {LIKE}")
    try:
        at = time(int(found[4]), int(found[5]), int(found[6] or 0))
        day = date(int(found[1]), int(found[2]), int(found[3])) if found[1] else None
    except ValueError:
        return Start(problem="there is no such day or time")
    local_now = now.astimezone(zone)
    naive = datetime.combine(day or local_now.date(), at)
    if day is None and naive <= local_now.replace(tzinfo=None):
        naive += timedelta(days=1)
    return _of_local(naive, now, zone)


def _of_local(naive: datetime, now: datetime, zone: tzinfo | None) -> Start:
    """Told where the clocks are put forward over it, or back so that it comes twice."""
    try:
        first, second = _in_zone(naive, zone), _in_zone(naive.replace(fold=1), zone)
        if first.astimezone(zone).replace(tzinfo=None) != naive:
            return Start(problem="this time does not come that day: the clocks go forward over it")
    except OverflowError:
        return Start(problem="there is no such day or time")
    if first <= now:
        return Start(problem="this time is over")
    start = _start(first, now, zone)
    if second == first:
        return start
    return Start(start.moment, f"{start.words}; it comes twice that day, the first is meant")


def _in_zone(naive: datetime, zone: tzinfo | None) -> datetime:
    aware = naive.replace(tzinfo=zone) if zone is not None else naive.astimezone()
    return aware.astimezone(UTC)


def _start(moment: datetime, now: datetime, zone: tzinfo | None) -> Start:
    local = moment.astimezone(zone)
    ahead = when(moment, now)
    soon = f"{ahead}, " if ahead.startswith("in ") else ""
    return Start(moment.astimezone(UTC), f"{soon}{local:%a} {local.day} {local:%b %H:%M:%S %Z}")
