"""From the JSON of a serialized schedule to a `Schedule`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from croniter import croniter

from flowtui.server.schedules.cron import CronClock
from flowtui.server.schedules.dates import DatesClock
from flowtui.server.schedules.events import ClockDefaults
from flowtui.server.schedules.functions import ADJUSTMENTS, FILTERS, made
from flowtui.server.schedules.intervals import IntervalClock
from flowtui.server.schedules.problems import ScheduleError
from flowtui.server.schedules.recurrences import RRuleClock, read_rule
from flowtui.server.schedules.releases import release_of
from flowtui.server.schedules.schedule import Clock, Schedule
from flowtui.server.schedules.wall_time import localized, zone

Document = Mapping[str, Any]
_SHORTEST = timedelta(minutes=1)
"""Prefect's own limit for schedules on a server."""


def read_schedule(document: object, core_version: str | None) -> Schedule:
    """The schedule that a flow of this Prefect version was registered with.

    `document` has clocks, filters, or_filters, not_filters and adjustments. Raises ScheduleError
    for whatever Prefect would not load either: unknown clocks, filters of one's own, bad values.
    """
    given = _mapping(document, "the schedule")
    clocks = _list(given, "clocks")
    if not clocks:
        raise ScheduleError("the schedule has no clocks")
    return Schedule(
        clocks=tuple(_clock(_mapping(clock, "a clock")) for clock in clocks),
        filters=_functions(given, "filters", FILTERS, "a filter"),
        or_filters=_functions(given, "or_filters", FILTERS, "a filter"),
        not_filters=_functions(given, "not_filters", FILTERS, "a filter"),
        adjustments=_functions(given, "adjustments", ADJUSTMENTS, "an adjustment"),
        release=release_of(core_version),
    )


def _functions(given: Document, key: str, known: Mapping[str, Any], what: str) -> tuple[Any, ...]:
    return tuple(made(known, item, what) for item in _list(given, key) if item is not None)


def _clock(given: Document) -> Clock:
    kind = given.get("type")
    start, end = _moment(given, "start_date"), _moment(given, "end_date")
    defaults = _defaults(given)
    match kind:
        case "IntervalClock":
            return IntervalClock(_interval(given), start, end, defaults)
        case "CronClock":
            day_or = given.get("day_or")
            return CronClock(_cron(given), start, end, day_or is not False, defaults)
        case "DatesClock":
            dates = [_moment_of(item, "dates") for item in _list(given, "dates")]
            return DatesClock(tuple(dates), defaults)
        case "RRuleClock":
            rule = read_rule(_mapping(given.get("rrule_obj"), "rrule_obj"))
            return RRuleClock(rule, start, end, defaults)
        case _:
            raise ScheduleError(f"{kind} is not a clock of Prefect's own")


def _defaults(given: Document) -> ClockDefaults:
    labels = given.get("labels")
    return ClockDefaults(
        parameters=dict(_mapping(given.get("parameter_defaults") or {}, "parameter_defaults")),
        labels=None if labels is None else tuple(str(label) for label in _list(given, "labels")),
    )


def _interval(given: Document) -> timedelta:
    value = given.get("interval")
    if not isinstance(value, int | float):
        raise ScheduleError(f"{value!r} is not an interval in microseconds")
    try:
        interval = timedelta(microseconds=value)
    except (OverflowError, ValueError):
        raise ScheduleError(f"an interval of {value} microseconds is out of range") from None
    if interval < _SHORTEST:
        raise ScheduleError("an interval must not be shorter than a minute")
    return interval


def _cron(given: Document) -> str:
    value = given.get("cron")
    if not isinstance(value, str) or not croniter.is_valid(value):
        raise ScheduleError(f"{value!r} is not a cron expression")
    return value


def _moment(given: Document, key: str) -> datetime | None:
    value = given.get(key)
    return None if value is None else _moment_of(value, key)


def _moment_of(value: object, what: str) -> datetime:
    """`{"dt": local time, "tz": zone}`."""
    written = _mapping(value, what)
    where = zone(written.get("tz"))
    try:
        local = datetime.fromisoformat(str(written.get("dt")))
    except ValueError:
        raise ScheduleError(f"{what} is not a time: {written.get('dt')!r}") from None
    return localized(local, where) if local.tzinfo is None else local


def _mapping(value: object, what: str) -> Document:
    if not isinstance(value, Mapping):
        raise ScheduleError(f"{what} must be an object")
    return cast("Document", value)


def _list(given: Document, key: str) -> list[Any]:
    value = given.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ScheduleError(f"{key} must be a list")
    return cast("list[Any]", value)
