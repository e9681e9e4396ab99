"""Many schedules around clock changes, the same ones every time."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

FILTERS = "prefect.schedules.filters."
ADJUSTMENTS = "prefect.schedules.adjustments."
CLOCK_CHANGES = {
    "America/New_York": ("2024-03-10", "2024-11-03"),
    "Europe/Paris": ("2024-03-31", "2024-10-27"),
    "Australia/Sydney": ("2024-04-07", "2024-10-06"),
    "Australia/Lord_Howe": ("2024-04-07", "2024-10-06"),
    "America/Santiago": ("2024-04-07", "2024-09-08"),
    "Pacific/Auckland": ("2024-04-07", "2024-09-29"),
    "America/Sao_Paulo": ("2018-11-04", "2018-02-18"),
    "Asia/Kolkata": ("2024-04-07",),
    "UTC": ("2024-04-07",),
}
"""Zones of both hemispheres whose rules are the same in the zone data of 2020, which pendulum 2
brings with it; midnight is skipped in two of them, half an hour in one."""
CRONS = (
    "0 * * * *", "30 1 * * *", "30 2 * * *", "15 3 * * *", "*/15 * * * *", "0 0 * * *",
    "0 9 * * 1-5", "*/40 1-3 * * *", "0 2 * * sun", "0 0 1 * *", "5 0-4/2 * * *",
    "10 1,2,3 * * 6,0", "0 12 31 * *", "0 3 1,15 * 5", "* 2 * * *", "0 23 * * *", "30 */6 * * *",
    "0 0 l * *",
)  # fmt: skip
INTERVALS = (
    timedelta(minutes=1), timedelta(minutes=15), timedelta(minutes=97), timedelta(hours=1),
    timedelta(hours=6), timedelta(hours=36), timedelta(days=1), timedelta(days=1, hours=1),
    timedelta(days=7),
)  # fmt: skip


def cases(number: int, core_version: str) -> list[dict[str, Any]]:
    """`{"schedule": …, "number": …, "after": …}` as `clients/next_moments.py` takes them."""
    return [_case(random.Random(seed), core_version) for seed in range(number)]


def _case(chance: random.Random, core_version: str) -> dict[str, Any]:
    zone = chance.choice(list(CLOCK_CHANGES))
    day = datetime.fromisoformat(chance.choice(CLOCK_CHANGES[zone]))
    clocks = [_clock(chance, core_version, zone, day) for _ in range(chance.choice((1, 1, 1, 2)))]
    schedule: dict[str, Any] = {
        "clocks": clocks,
        "filters": [_reference(FILTERS + "is_weekday")] if chance.random() < 0.15 else [],
        "or_filters": _some_times(chance),
        "not_filters": _not_at_night(chance),
        "adjustments": _adjustments(chance, core_version),
        "__version__": core_version,
    }
    if core_version.startswith("0.6"):
        schedule["type"] = "Schedule"
    return {"schedule": schedule, "number": 12, "after": _after(chance, day).isoformat()}


def _after(chance: random.Random, day: datetime) -> datetime:
    if chance.random() < 0.3:
        return day.replace(tzinfo=UTC) - timedelta(days=chance.randint(1, 40))
    return day.replace(tzinfo=UTC) + timedelta(
        hours=chance.randint(-60, 40),
        minutes=chance.choice((0, 0, 7, 30, 59)),
        seconds=chance.choice((0, 0, 1, 59)),
    )


def _clock(chance: random.Random, core_version: str, zone: str, day: datetime) -> dict[str, Any]:
    first = day - timedelta(days=chance.choice((0, 0, 1, 2, 30, 400)))
    start = first.replace(hour=chance.randint(0, 23), minute=chance.choice((0, 17, 30)))
    end = day + timedelta(hours=chance.randint(0, 30))
    clock: dict[str, Any] = {
        "start_date": _moment(start, zone) if chance.random() < 0.9 else None,
        "end_date": _moment(end, zone) if chance.random() < 0.1 else None,
        "__version__": core_version,
    }
    if chance.random() < 0.4:
        interval = chance.choice(INTERVALS)
        clock |= {"type": "IntervalClock", "interval": interval // timedelta(microseconds=1)}
    else:
        clock |= {"type": "CronClock", "cron": chance.choice(CRONS)}
    if core_version.startswith("0.6"):
        return clock
    if clock["type"] == "CronClock":
        clock["day_or"] = chance.choice((None, True, False))
    clock["parameter_defaults"] = chance.choice(({}, {}, {"x": 1}))
    clock["labels"] = chance.choice((None, None, ["a"]))
    return clock


def _moment(local: datetime, zone: str) -> dict[str, str]:
    return {"dt": local.isoformat(), "tz": zone}


def _reference(function: str, **arguments: object) -> dict[str, Any]:
    return {"fn": function, "kwargs": arguments}


def _some_times(chance: random.Random) -> list[dict[str, Any]]:
    if chance.random() > 0.1:
        return []
    return [
        _reference(FILTERS + "between_times", start="//time:22:00:00", end="//time:04:00:00"),
        _reference(FILTERS + "is_month_end"),
        _reference(FILTERS + "between_dates", start_month=3, start_day=30, end_month=4, end_day=7),
    ]


def _not_at_night(chance: random.Random) -> list[dict[str, Any]]:
    if chance.random() > 0.15:
        return []
    return [_reference(FILTERS + "between_times", start="//time:02:00:00", end="//time:03:00:00")]


def _adjustments(chance: random.Random, core_version: str) -> list[dict[str, Any]]:
    """None for 0.6.1, whose moments before the one asked for are told apart by their time."""
    if core_version.startswith("0.6") or chance.random() > 0.2:
        return []
    next_weekday = _reference(ADJUSTMENTS + "next_weekday")
    later = _reference(ADJUSTMENTS + "add", interval="//timedelta:90000.0")
    return [chance.choice((next_weekday, later))]
