"""What a flow's serialization tells a person: parameters, schedule in words, number of tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flowtui.models import Json, JsonObject
from flowtui.quantities import counted
from flowtui.tui.looks.words import plain

_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True)
class Described:
    parameters: tuple[str, ...]
    """`name = default`, or `name (required)`."""
    schedule: str
    """Empty without one."""
    tasks: int
    """Parameters are not counted."""


def described(serialized: JsonObject) -> Described:
    """Reads the serialization of any Prefect from 0.6 to 1.4; what is not there is left out."""
    parameters = _objects(serialized.get("parameters"))
    named = {str(each.get("name")) for each in parameters}
    tasks = [task for task in _objects(serialized.get("tasks")) if not _is_parameter(task, named)]
    schedule = serialized.get("schedule")
    words = schedule_words(schedule) if isinstance(schedule, Mapping) else ""
    return Described(tuple(_parameter(each) for each in parameters), words, len(tasks))


def schedule_words(schedule: JsonObject) -> str:
    """`every day`, `daily at 02:30 UTC`, `cron 0 2 * * 1-5`, several joined by `; `."""
    clocks = [_clock(clock) for clock in _objects(schedule.get("clocks"))]
    words = "; ".join(clocks) or plain(str(schedule.get("type") or "set"))
    limited = any(schedule.get(key) for key in ("filters", "or_filters", "not_filters"))
    return f"{words}, with filters" if limited else words


def _clock(clock: JsonObject) -> str:
    interval, cron, dates = clock.get("interval"), clock.get("cron"), clock.get("dates")
    if isinstance(interval, (int, float)) and interval > 0:
        return f"every {interval_words(interval / 1_000_000)}"
    if isinstance(cron, str):
        start = clock.get("start_date")
        zone = str(start.get("tz") or "UTC") if isinstance(start, Mapping) else "UTC"
        return cron_words(cron, zone)
    if isinstance(dates, Sequence) and not isinstance(dates, str):
        return f"on {counted(len(dates), 'date')}"
    return plain(str(clock.get("type") or "a clock"))


def interval_words(seconds: float) -> str:
    """`day`, `2 hours`: in the largest unit that it is a whole number of."""
    for length, unit in _UNITS:
        if seconds >= length and seconds % length == 0:
            number = int(seconds // length)
            return unit if number == 1 else f"{number} {unit}s"
    return f"{seconds:g} seconds"


def cron_words(cron: str, zone: str) -> str:
    """`daily at 02:30 UTC`, `hourly at :15`, else the expression as it stands."""
    parts = cron.split()
    if len(parts) == 5 and parts[2:] == ["*", "*", "*"]:
        minute, hour = parts[:2]
        if minute.isdecimal() and hour.isdecimal():
            return f"daily at {int(hour):02}:{int(minute):02} {plain(zone)}"
        if minute.isdecimal() and hour == "*":
            return f"hourly at :{int(minute):02}"
    return f"cron {plain(cron)}"


def _is_parameter(task: JsonObject, parameters: set[str]) -> bool:
    kind = str(task.get("type") or "")
    return kind.endswith("Parameter") and str(task.get("name")) in parameters


def _parameter(parameter: JsonObject) -> str:
    name = plain(str(parameter.get("name", "")))
    if parameter.get("required"):
        return f"{name} (required)"
    default = parameter.get("default")
    return f"{name} = {plain(str(default))}" if default is not None else name


def _objects(value: Json) -> list[JsonObject]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [cast("dict[str, Any]", item) for item in value if isinstance(item, Mapping)]
