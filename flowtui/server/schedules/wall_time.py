"""Moments in a time zone, computed as pendulum does, which Prefect computes with.

Zones are `ZoneInfo` objects, one for each name: Python compares two times of the same zone object
by their local time alone, and Prefect's results depend on that.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from flowtui.server.schedules.problems import ScheduleError

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
UTC_ZONE = ZoneInfo("UTC")


def zone(name: object) -> tzinfo:
    """The zone of a name, or of a fixed offset such as +02:00."""
    if not isinstance(name, str) or not name:
        raise ScheduleError(f"{name!r} is not a time zone")
    offset = _OFFSET.fullmatch(name)
    if offset:
        sign, hours, minutes = offset.groups()
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-shift if sign == "-" else shift)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ScheduleError(f"there is no time zone {name!r}") from None


def localized(local: datetime, where: tzinfo) -> datetime:
    """A local time as a moment: the later one where it comes twice; where the clock skips it, as
    much later as the clock skips."""
    before = local.replace(tzinfo=where, fold=0).utcoffset()
    after = local.replace(tzinfo=where, fold=1).utcoffset()
    if before is None or after is None:
        return local.replace(tzinfo=UTC)
    if after > before:
        return (local + (after - before)).replace(tzinfo=where)
    return local.replace(tzinfo=where, fold=1 if after < before else 0)


def in_zone(moment: datetime, where: tzinfo) -> datetime:
    """The moment in a zone. Of two equal local times pendulum 2 takes the one in daylight saving
    for the first, which it is not where winter is the saving (Dublin)."""
    found = moment.astimezone(where)
    return found.replace(fold=0 if found.dst() else 1)


def add_elapsed(moment: datetime, amount: timedelta) -> datetime:
    """The moment after this much time has passed, in the same zone."""
    return in_zone(moment.astimezone(UTC) + amount, moment.tzinfo or UTC)


def add_local(moment: datetime, amount: timedelta) -> datetime:
    """The moment at which a clock on the wall shows this much more."""
    local = moment.replace(tzinfo=None, fold=0) + amount
    return localized(local, moment.tzinfo or UTC)


def add(moment: datetime, amount: timedelta) -> datetime:
    """pendulum's `add(days=, seconds=)`: whole days are days of the wall clock, and what comes
    with them is too; less than a day is time that passes."""
    return add_local(moment, amount) if amount.days else add_elapsed(moment, amount)
