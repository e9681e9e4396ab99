"""Prefect's own filters and adjustments, by the names under which schedules refer to them.

They see local times of the clock's zone. A schedule cannot refer to any others: Prefect refuses to
serialize functions of one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, cast

from flowtui.server.schedules.problems import ScheduleError
from flowtui.server.schedules.wall_time import UTC_ZONE, add_elapsed, add_local, localized

Filter = Callable[[datetime], bool]
Adjustment = Callable[[datetime], datetime]
_DAY = timedelta(days=1)


def _on_datetime(dt: datetime) -> Filter:
    return lambda moment: moment == dt


def _between_datetimes(start: datetime, end: datetime) -> Filter:
    return lambda moment: start <= moment <= end


def _on_date(month: int, day: int) -> Filter:
    return lambda moment: (moment.month, moment.day) == (month, day)


def _between_dates(start_month: int, start_day: int, end_month: int, end_day: int) -> Filter:
    """Over the turn of the year where the first month is the later one."""
    first, last = (start_month, start_day), (end_month, end_day)
    if start_month <= end_month:
        return lambda moment: first <= (moment.month, moment.day) <= last
    return lambda moment: (moment.month, moment.day) >= first or (moment.month, moment.day) <= last


def _at_time(t: time) -> Filter:
    return lambda moment: moment.time() == t


def _between_times(start: time, end: time) -> Filter:
    """Over midnight where the first time is the later one."""
    if start <= end:
        return lambda moment: start <= moment.time() <= end
    return lambda moment: moment.time() >= start or moment.time() <= end


def _is_weekday() -> Filter:
    return lambda moment: moment.weekday() < 5


def _is_weekend() -> Filter:
    return lambda moment: moment.weekday() > 4


def _is_month_end() -> Filter:
    return lambda moment: moment.month != add_local(moment, _DAY).month


def _is_month_start() -> Filter:
    return lambda moment: moment.day == 1


def _is_day_of_week(day_of_week: int) -> Filter:
    """Monday is 0, whatever Prefect's own documentation says."""
    return lambda moment: moment.weekday() == day_of_week


def _add(interval: timedelta) -> Adjustment:
    return lambda moment: add_elapsed(moment, interval)


def _next_weekday() -> Adjustment:
    def adjusted(moment: datetime) -> datetime:
        while moment.weekday() > 4:
            moment = add_local(moment, _DAY)
        return moment

    return adjusted


FILTERS: Mapping[str, Callable[..., Filter]] = {
    f"prefect.schedules.filters.{make.__name__.removeprefix('_')}": make
    for make in (
        _on_datetime, _between_datetimes, _on_date, _between_dates, _at_time, _between_times,
        _is_weekday, _is_weekend, _is_month_end, _is_month_start, _is_day_of_week,
    )
}  # fmt: skip
ADJUSTMENTS: Mapping[str, Callable[..., Adjustment]] = {
    "prefect.schedules.adjustments.add": _add,
    "prefect.schedules.adjustments.next_weekday": _next_weekday,
}


def made(known: Mapping[str, Callable[..., Any]], reference: object, what: str) -> Any:
    """The function of a reference `{"fn": name, "kwargs": {…}}`."""
    given: Mapping[str, Any] = (
        cast("Mapping[str, Any]", reference) if isinstance(reference, Mapping) else {}
    )
    name = str(given.get("fn"))
    make = known.get(name)
    if make is None:
        raise ScheduleError(f"{name} is not {what} of Prefect's own")
    arguments: Any = given.get("kwargs") or {}
    try:
        return make(**{key: _value(value) for key, value in arguments.items()})
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise ScheduleError(f"{name} cannot be made: {error}") from None


def _value(value: Any) -> Any:
    """Times are serialized as text that says what it is."""
    if not isinstance(value, str) or not value.startswith("//"):
        return value
    kind, _, text = value.removeprefix("//").partition(":")
    if kind == "datetime":
        moment = datetime.fromisoformat(text)
        return localized(moment, UTC_ZONE) if moment.tzinfo is None else moment.astimezone(UTC)
    if kind == "time":
        return time.fromisoformat(text).replace(tzinfo=None)
    if kind == "timedelta":
        return timedelta(seconds=float(text))
    return value
