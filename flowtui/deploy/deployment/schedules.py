"""Schedules: from how a project writes them to how Prefect's API takes them, and comparing them.

Written as in prefect.yaml: `cron`, `interval` or `rrule`, with `timezone`, `day_or`, `anchor_date`,
`active`, `slug`, `parameters`. On the wire (`POST /deployments/` of Prefect 3):
`{slug, active, schedule: {cron | interval | rrule, timezone, …}, parameters}`.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from flowtui.errors import UsageError
from flowtui.json_shapes import mapping
from flowtui.models import Json, JsonObject

KEYS = frozenset(
    {
        "cron",
        "interval",
        "rrule",
        "timezone",
        "day_or",
        "anchor_date",
        "active",
        "slug",
        "replaces",
        "parameters",
        "max_scheduled_runs",
        "schedule",
    }
)
_ISO = re.compile(
    r"P(?:(?P<weeks>[\d.]+)W)?(?:(?P<days>[\d.]+)D)?"
    r"(?:T(?:(?P<hours>[\d.]+)H)?(?:(?P<minutes>[\d.]+)M)?(?:(?P<seconds>[\d.]+)S)?)?"
)
_CLOCK = re.compile(r"(?:(?P<days>\d+) )?(?P<hours>\d+):(?P<minutes>\d\d)(?::(?P<seconds>[\d.]+))?")
_LONGEST_RRULE = 6500
"""Characters that Prefect takes."""


def to_wire(schedules: Iterable[JsonObject], *, where: str) -> list[JsonObject]:
    """As the API takes them; a schedule without a slug has none yet, see `with_slugs`.

    Raises UsageError for what Prefect would refuse: nothing may be built for it.
    """
    found = [_schedule(schedule, where) for schedule in schedules]
    slugs = [str(each["slug"]) for each in found if each.get("slug")]
    for slug in slugs:
        if slugs.count(slug) > 1:
            raise UsageError(
                f"two schedules have the slug “{slug}”", where=where, fix="rename one of them"
            )
    return found


def with_slugs(schedules: Sequence[JsonObject], before: Sequence[JsonObject]) -> list[JsonObject]:
    """Every schedule with a slug, and always with the same one.

    One that the project does not name keeps the slug it was applied with: found by what it says,
    else by its place among the unnamed. By the slug a schedule that was paused or edited in the web
    UI is known again.
    """
    taken = {str(each["slug"]) for each in schedules if each.get("slug")}
    free = [each for each in before if str(each.get("slug")) not in taken]
    named = [str(each.get("slug") or "") for each in schedules]
    for number, schedule in enumerate(schedules):
        same = next((each for each in free if says_the_same(each, schedule)), None)
        if not named[number] and same is not None:
            named[number] = str(same["slug"])
            free.remove(same)
    taken |= {name for name in named if name}
    left = [str(each["slug"]) for each in free]
    for number in range(len(schedules)):
        if not named[number]:
            named[number] = left.pop(0) if left else _unused(taken)
            taken.add(named[number])
    return [{**schedule, "slug": name} for schedule, name in zip(schedules, named, strict=True)]


def says_the_same(one: JsonObject, other: JsonObject) -> bool:
    """Whether both start the same runs at the same moments, active or not."""
    return same_times(one, other) and _plain(one.get("parameters")) == _plain(
        other.get("parameters")
    )


def same_times(one: JsonObject, other: JsonObject) -> bool:
    """An anchor that only one of them names was filled in by the server."""
    first, second = times(one), times(other)
    if first is None or second is None:
        return first == second
    if first.anchor is None or second.anchor is None:
        return first.rule == second.rule
    return first == second


@dataclass(frozen=True, slots=True)
class Times:
    """When a schedule starts runs, in a form that can be compared."""

    rule: tuple[str, ...]
    anchor: datetime | None = None


def times(schedule: JsonObject) -> Times | None:
    """None where there is no schedule that is known here."""
    inner = mapping(schedule.get("schedule"))
    zone = str(inner.get("timezone") or "UTC")
    if inner.get("cron") is not None:
        return Times(("cron", str(inner["cron"]), zone, str(inner.get("day_or") is not False)))
    if inner.get("interval") is not None:
        seconds = _seconds(inner["interval"])
        anchor = inner.get("anchor_date")
        rule = ("interval", f"{seconds:g}" if seconds else str(inner["interval"]), zone)
        return Times(rule, _moment(anchor) if anchor else None)
    if inner.get("rrule") is not None:
        return Times(("rrule", str(inner["rrule"]), zone))
    return None


def in_words(schedule: JsonObject) -> str:
    """`cron 0 6 * * * (Europe/Berlin), paused`."""
    inner = mapping(schedule.get("schedule"))
    zone = str(inner.get("timezone") or "UTC")
    if inner.get("cron") is not None:
        said = f"cron {inner['cron']}"
    elif inner.get("interval") is not None:
        seconds = _seconds(inner["interval"])
        said = f"every {_amount(seconds)}" if seconds else f"every {inner['interval']}"
    else:
        said = f"rrule {inner.get('rrule')}"
    said += f" ({zone})" if zone != "UTC" else ""
    parameters = mapping(schedule.get("parameters"))
    said += f" with {', '.join(sorted(parameters))}" if parameters else ""
    return said if schedule.get("active", True) else f"{said}, paused"


def _schedule(written: JsonObject, where: str) -> JsonObject:
    given = cast("dict[str, Any]", {key: each for key, each in written.items() if each is not None})
    if isinstance(given.get("schedule"), Mapping):
        given = {**mapping(given["schedule"]), **given}
    unknown = sorted(set(given) - KEYS)
    if unknown:
        raise UsageError(
            f"a schedule has no {unknown[0]!r}",
            where=where,
            fix=f"known: {', '.join(sorted(KEYS))}",
        )
    kinds = [kind for kind in ("cron", "interval", "rrule") if given.get(kind) is not None]
    if len(kinds) != 1:
        raise UsageError(
            "a schedule needs one of cron, interval and rrule"
            + (f", and this has {' and '.join(kinds)}" if kinds else ""),
            where=where,
            fix='for example cron = "0 6 * * *"',
        )
    zone = _timezone(given.get("timezone"), where)
    inner: dict[str, Json]
    if "cron" in kinds:
        inner = {"cron": _cron(given["cron"], where), "timezone": zone}
        if given.get("day_or") is False:
            inner["day_or"] = False
    elif "interval" in kinds:
        inner = {"interval": _interval(given["interval"], where), "timezone": zone}
        if given.get("anchor_date"):
            inner["anchor_date"] = _anchor(given["anchor_date"], where)
    else:
        inner = {"rrule": _rrule(given["rrule"], where), "timezone": zone}
    wire: dict[str, Json] = {"schedule": inner, "active": given.get("active", True) is not False}
    if given.get("slug"):
        wire["slug"] = str(given["slug"])
    if given.get("parameters"):
        wire["parameters"] = cast("Json", given["parameters"])
    return wire


def _cron(written: object, where: str) -> str:
    from croniter import croniter

    text = str(written)
    # Prefect refuses croniter's random and hashed expressions, which differ at each look.
    if not croniter.is_valid(text) or re.search(r"(?i)\b[rh]\b", text):
        raise UsageError(
            f"this is not a cron expression: {text!r}",
            where=where,
            fix="minute, hour, day, month, day of the week: 0 6 * * 1-5",
        )
    return text


def _interval(written: object, where: str) -> float:
    seconds = _seconds(written)
    if seconds is None or seconds <= 0:
        raise UsageError(
            f"this is not an interval: {written!r}",
            where=where,
            fix="a number of seconds more than 0, or PT1H30M",
        )
    return seconds


def _seconds(written: object) -> float | None:
    if isinstance(written, bool):
        return None
    if isinstance(written, int | float):
        return float(written)
    text = str(written).strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    found = _ISO.fullmatch(text) or _CLOCK.fullmatch(text)
    parts = {
        name: float(each) for name, each in (found.groupdict() if found else {}).items() if each
    }
    return timedelta(**parts).total_seconds() if parts else None


def _rrule(written: object, where: str) -> str:
    from dateutil.rrule import rrulestr

    text = str(written)
    try:
        # As Prefect reads it: `rrulestr` alone takes a rule without a start for one from now.
        rrulestr(text, cache=False)
        wrong = "" if len(text) <= _LONGEST_RRULE else f"it is longer than {_LONGEST_RRULE}"
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        wrong = str(error)
    if wrong:
        raise UsageError(
            f"this is not a recurrence rule: {text[:80]!r}: {wrong}",
            where=where,
            fix="for example FREQ=WEEKLY;BYDAY=MO,WE",
        )
    return text


def _timezone(written: object, where: str) -> str:
    name = str(written or "UTC")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"there is no time zone {name!r}", where=where, fix="for example Europe/Berlin"
        ) from None
    return name


def _anchor(written: object, where: str) -> str:
    moment = _moment(written)
    if moment is None:
        raise UsageError(
            f"this is not a moment: {written!r}", where=where, fix="2026-01-31T06:00:00+00:00"
        )
    return moment.isoformat()


def _moment(written: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _amount(seconds: float) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return word if count == 1 else f"{count} {word}s"
    return f"{seconds:g} s"


def _plain(value: object) -> dict[str, Any]:
    return dict(mapping(value))


def _unused(taken: set[str]) -> str:
    number = 1
    while f"schedule-{number}" in taken:
        number += 1
    return f"schedule-{number}"
