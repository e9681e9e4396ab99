"""Schedules: read, refused, followed. That moments are Prefect's own: `test_schedules_real.py`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.server.schedules import ScheduleError, next_events, read_schedule
from tests.server.schedule_cases import ADJUSTMENTS, FILTERS, cases

HOUR = 3_600_000_000
AFTER = datetime(2026, 1, 1, tzinfo=UTC)


def interval(microseconds: float = HOUR, **more: Any) -> dict[str, Any]:
    return {"type": "IntervalClock", "interval": microseconds, "start_date": None, **more}


def cron(expression: str, **more: Any) -> dict[str, Any]:
    return {"type": "CronClock", "cron": expression, "start_date": None, **more}


def at(local: str, zone: str = "UTC") -> dict[str, str]:
    return {"dt": local, "tz": zone}


def times(
    *clocks: dict[str, Any],
    number: int = 3,
    after: datetime = AFTER,
    version: str = "1.4.1",
    **more: Any,
) -> list[str]:
    schedule = read_schedule({"clocks": list(clocks), **more}, version)
    events = next_events(schedule, number, after)
    return [event.start.astimezone(UTC).strftime("%Y-%m-%d %H:%M") for event in events]


def test_an_interval_without_a_start_counts_from_2019() -> None:
    assert times(interval(), number=2) == ["2026-01-01 01:00", "2026-01-01 02:00"]


def test_a_daily_interval_keeps_its_local_time_over_a_clock_change() -> None:
    clock = interval(24 * HOUR, start_date=at("2026-03-27T09:00:00", "Europe/Paris"))
    after = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert times(clock, after=after) == [
        "2026-03-28 08:00", "2026-03-29 07:00", "2026-03-30 07:00",
    ]  # fmt: skip


def test_an_end_date_ends() -> None:
    clock = interval(end_date=at("2026-01-01T02:30:00"))
    assert times(clock, number=5) == ["2026-01-01 01:00", "2026-01-01 02:00"]


def test_dates() -> None:
    dates = [at("2026-02-01T10:00:00"), at("2025-02-01T10:00:00"), at("2026-01-01T12:00:00")]
    clock = {"type": "DatesClock", "dates": dates}
    assert times(clock) == ["2026-01-01 12:00", "2026-02-01 10:00"]


def test_cron_with_day_and_weekday_as_either_or_both() -> None:
    either = times(cron("0 0 13 * fri"), number=3)
    assert either == ["2026-01-02 00:00", "2026-01-09 00:00", "2026-01-13 00:00"]
    both = times(cron("0 0 13 * fri", day_or=False), number=2)
    assert both == ["2026-02-13 00:00", "2026-03-13 00:00"]


def test_a_recurrence_rule() -> None:
    rule = {
        "type": "rrule",
        "rr": "DTSTART:20260131T090000\nRRULE:FREQ=MONTHLY;COUNT=8;BYMONTHDAY=-1",
        "_dtstart": "2026-01-31T09:00:00",
        "_until": None,
    }
    clock = {"type": "RRuleClock", "rrule_obj": rule}
    assert times(clock) == ["2026-01-31 09:00", "2026-02-28 09:00", "2026-03-31 09:00"]
    rules = {
        "type": "rruleset",
        "_rrule": [rule],
        "_rdate": ["2026-02-01T09:00:00"],
        "_exrule": [],
        "_exdate": ["2026-02-28T09:00:00"],
    }
    clock = {"type": "RRuleClock", "rrule_obj": rules}
    assert times(clock) == ["2026-01-31 09:00", "2026-02-01 09:00", "2026-03-31 09:00"]


def test_clocks_are_merged_and_equal_moments_come_once() -> None:
    assert times(interval(), interval(2 * HOUR), number=3) == [
        "2026-01-01 01:00", "2026-01-01 02:00", "2026-01-01 03:00",
    ]  # fmt: skip


def test_clocks_with_parameters_of_their_own_both_count_since_0_13() -> None:
    clocks = [interval(), interval(parameter_defaults={"x": 2}, labels=["a"])]
    schedule = read_schedule({"clocks": clocks}, "0.13.0")
    events = next_events(schedule, 2, AFTER)
    assert {event.start for event in events} == {datetime(2026, 1, 1, 1, tzinfo=UTC)}
    told = [(event.defaults.parameters, event.defaults.labels) for event in events]
    assert sorted(told, key=str) == [({"x": 2}, ("a",)), ({}, None)]
    assert len(set(times(*clocks, number=2, version="0.12.6"))) == 2


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("on_datetime", {"dt": "//datetime:2026-01-01T05:00:00+00:00"}, "2026-01-01 05:00"),
        (
            "between_datetimes",
            {"start": "//datetime:2026-01-02T05:30:00", "end": "//datetime:2026-01-03T00:00:00"},
            "2026-01-02 06:00",
        ),
        ("on_date", {"month": 1, "day": 3}, "2026-01-03 00:00"),
        (
            "between_dates",
            {"start_month": 1, "start_day": 5, "end_month": 2, "end_day": 1},
            "2026-01-05 00:00",
        ),
        ("at_time", {"t": "//time:07:00:00"}, "2026-01-01 07:00"),
        (
            "between_times",
            {"start": "//time:22:00:00", "end": "//time:00:30:00"},
            "2026-01-01 22:00",
        ),
        ("is_weekday", {}, "2026-01-01 01:00"),
        ("is_weekend", {}, "2026-01-03 00:00"),
        ("is_month_end", {}, "2026-01-31 00:00"),
        ("is_month_start", {}, "2026-01-01 01:00"),
        ("is_day_of_week", {"day_of_week": 0}, "2026-01-05 00:00"),
    ],
)
def test_every_filter(name: str, arguments: dict[str, Any], expected: str) -> None:
    chosen = {"fn": FILTERS + name, "kwargs": arguments}
    assert times(interval(), number=1, filters=[chosen]) == [expected]
    assert times(interval(), number=1, or_filters=[chosen]) == [expected]
    assert times(interval(), number=1, not_filters=[chosen]) != [expected]


def test_adjustments() -> None:
    weekend = {"fn": FILTERS + "is_weekend", "kwargs": {}}
    later = {"fn": ADJUSTMENTS + "add", "kwargs": {"interval": "//timedelta:1800.0"}}
    to_monday = {"fn": ADJUSTMENTS + "next_weekday", "kwargs": {}}
    assert times(interval(), number=1, filters=[weekend], adjustments=[to_monday, later]) == [
        "2026-01-05 00:30"
    ]


def test_filters_that_leave_nothing_end_the_search() -> None:
    never = {"fn": FILTERS + "on_date", "kwargs": {"month": 2, "day": 30}}
    assert times(interval(), filters=[never]) == []


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        (None, "the schedule must be an object"),
        ({}, "no clocks"),
        ({"clocks": [{"type": "SunDial"}]}, "SunDial is not a clock"),
        ({"clocks": ["x"]}, "a clock must be an object"),
        ({"clocks": [interval("x")]}, "'x' is not an interval"),  # type: ignore[arg-type]
        ({"clocks": [interval(59_000_000)]}, "shorter than a minute"),
        ({"clocks": [interval(10**30)]}, "out of range"),
        ({"clocks": [cron("61 * * * *")]}, "'61 * * * *' is not a cron expression"),
        ({"clocks": [interval(start_date=at("noon"))]}, "start_date is not a time: 'noon'"),
        (
            {"clocks": [interval(start_date=at("2026-01-01", "Mars/Dome"))]},
            "no time zone 'Mars/Dome'",
        ),
        (
            {"clocks": [interval()], "filters": [{"fn": "mine.odd", "kwargs": {}}]},
            "mine.odd is not a filter",
        ),
        ({"clocks": [interval()], "adjustments": [{"fn": "mine"}]}, "mine is not an adjustment"),
        (
            {"clocks": [interval()], "filters": [{"fn": FILTERS + "on_date", "kwargs": {"x": 1}}]},
            "on_date cannot be made",
        ),
        (
            {"clocks": [{"type": "RRuleClock", "rrule_obj": {"type": "rrule", "rr": "x"}}]},
            "recurrence rule cannot be read",
        ),
    ],
)
def test_what_cannot_be_followed_says_why(schedule: object, reason: str) -> None:
    with pytest.raises(ScheduleError, match=reason.replace("*", r"\*")):
        read_schedule(schedule, "1.4.1")


def test_a_fixed_offset_is_a_zone() -> None:
    clock = cron("0 9 * * *", start_date=at("2026-01-01T00:00:00", "+02:00"))
    assert times(clock, number=1) == ["2026-01-01 07:00"]


@pytest.mark.parametrize("version", ["0.6.1", "0.15.13", "1.4.1"])
def test_the_next_moments_are_the_same_from_any_moment_before(version: str) -> None:
    """Planning again never plans other moments: away from clock changes, where Prefect does."""
    clocks = [
        cron("*/20 2 * * *", start_date=at("2026-01-01T00:00:00", "Europe/Paris")),
        interval(),
    ]
    schedule = read_schedule({"clocks": clocks}, version)
    first = next_events(schedule, 20, AFTER)
    for earlier, later in pairwise(first):
        between = earlier.start + (later.start - earlier.start) / 2
        again = next_events(schedule, 1, between.replace(microsecond=0))
        assert again[0].start == later.start


def test_many_schedules_around_clock_changes_only_go_forward() -> None:
    """Whatever Prefect's quirks: no moment before the one asked for, and always an end."""
    for version in ("0.6.1", "0.15.13", "1.4.1"):
        for case in cases(8, version):
            schedule = read_schedule(case["schedule"] | {"adjustments": []}, version)
            after = datetime.fromisoformat(case["after"])
            found = next_events(schedule, 12, after)
            assert all(event.start.astimezone(UTC) >= after - timedelta(hours=1) for event in found)


def test_moments_out_of_range_are_a_problem_of_the_schedule() -> None:
    centuries = interval(365_000 * 24 * HOUR, start_date=at("9000-01-01T00:00:00"))
    schedule = read_schedule({"clocks": [centuries]}, "1.4.1")
    assert next_events(schedule, 5, AFTER)
    ages = interval(10**9 * 24 * HOUR - HOUR)
    with pytest.raises(ScheduleError, match="cannot be computed"):
        next_events(read_schedule({"clocks": [ages]}, "1.4.1"), 5, AFTER)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)
PLACES = st.sampled_from(
    ["clocks", "filters", "adjustments", "interval", "cron", "start_date", "dt", "tz", "dates",
     "kwargs", "fn", "labels", "parameter_defaults", "rrule_obj", "rr", "type"]
)  # fmt: skip


def damaged(value: Any, place: str, put: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: put if key == place else damaged(inner, place, put) for key, inner in value.items()
        }
    return [damaged(inner, place, put) for inner in value] if isinstance(value, list) else value


@pytest.mark.slow
@given(place=PLACES, put=VALUES)
def test_a_damaged_schedule_says_so_or_works(place: str, put: Any) -> None:
    whole = {
        "clocks": [
            interval(start_date=at("2026-01-01T00:00:00"), labels=[], parameter_defaults={}),
            cron("0 * * * *"),
            {"type": "DatesClock", "dates": [at("2026-02-01T10:00:00")]},
            {
                "type": "RRuleClock",
                "rrule_obj": {"type": "rrule", "rr": "RRULE:FREQ=DAILY;COUNT=3"},
            },
        ],
        "filters": [{"fn": FILTERS + "is_day_of_week", "kwargs": {"day_of_week": 3}}],
        "adjustments": [{"fn": ADJUSTMENTS + "add", "kwargs": {"interval": "//timedelta:60"}}],
    }
    try:
        next_events(read_schedule(damaged(whole, place, put), "1.4.1"), 3, AFTER)
    except ScheduleError as error:
        assert str(error)
