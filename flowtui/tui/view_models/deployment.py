"""What a deployment's payload tells a person, line by line, and where each value comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from flowtui.json_shapes import items, mapping
from flowtui.models import Declaration, Json, JsonObject
from flowtui.quantities import counted
from flowtui.tui.view_models.described import cron_words, interval_words

_OWN_STEP = "prefect.deployments.steps.set_working_directory"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to know of it."""

    label: str
    value: str
    """As it is registered: not cleaned."""
    declared: str = ""
    """Where the project itself declares it, `prefect.yaml:12`; empty where it does not."""
    off: bool = False
    """It is switched off."""


def deployment_lines(payload: JsonObject, declared: Declaration | None) -> tuple[Line, ...]:
    """What is there of a payload, the most telling first; what it does not say is left out."""
    found = [
        *_pool(payload),
        *_schedules(payload),
        *_parameters(payload),
        Line("entrypoint", _text(payload.get("entrypoint"))),
        *_code(payload),
        Line("tags", ", ".join(str(tag) for tag in items(payload.get("tags")))),
        *_limit(payload),
        Line("about", _text(payload.get("description"))),
    ]
    origin = {} if declared is None else _origins(declared)
    return tuple(
        Line(each.label, each.value, origin.get(each.label, ""), each.off)
        for each in found
        if each.value
    )


def _origins(declared: Declaration) -> dict[str, str]:
    """By label where its value is declared."""
    said = {*declared.values, *declared.dynamic}
    pool = mapping(declared.values.get("work_pool"))
    labels = {
        "pool": "work_pool" in said,
        "schedule": bool(said & {"schedules", "schedule"}),
        "parameters": "parameters" in said,
        "entrypoint": "entrypoint" in said,
        "image": "job_variables" in pool,
        "tags": "tags" in said,
        "at once": "concurrency_limit" in said,
        "about": "description" in said,
    }
    return {label: declared.where for label, there in labels.items() if there}


def schedule_words(schedule: JsonObject) -> str:
    """One schedule of a payload: `daily at 02:00 UTC`, `every 2 hours`, its rule as it stands."""
    rule = mapping(schedule.get("schedule"))
    cron, interval, rrule = rule.get("cron"), rule.get("interval"), rule.get("rrule")
    if isinstance(cron, str):
        return cron_words(cron, _text(rule.get("timezone")) or "UTC")
    if isinstance(interval, (int, float)) and interval > 0:
        return f"every {interval_words(interval)}"
    return f"by the rule {rrule}" if rrule else "by a schedule of another kind"


def _schedules(payload: JsonObject) -> Iterator[Line]:
    schedules = [mapping(each) for each in items(payload.get("schedules"))]
    for schedule in schedules:
        active = bool(schedule.get("active", True))
        slug = f"{schedule['slug']}: " if schedule.get("slug") else ""
        words = f"{slug}{schedule_words(schedule)}"
        yield Line("schedule", words if active else f"{words}, switched off", off=not active)
    if not schedules:
        yield Line("schedule", "none: it runs when it is told to")


def _pool(payload: JsonObject) -> Iterator[Line]:
    pool, queue = _text(payload.get("work_pool_name")), _text(payload.get("work_queue_name"))
    of_it = f", queue {queue}" if queue and queue != "default" else ""
    yield Line("pool", f"{pool}{of_it}" if pool else "none: it runs where it is served")


def _code(payload: JsonObject) -> Iterator[Line]:
    variables = mapping(payload.get("job_variables"))
    image = _text(variables.get("image"))
    yield Line("image", image)
    others = ", ".join(sorted(set(variables) - {"image"}))
    yield Line("variables", others)
    if not image:
        yield Line("folder", _folder(payload))


def _folder(payload: JsonObject) -> str:
    """Where its code is: the folder that its pull step goes to, else its path."""
    steps = [mapping(step) for step in items(payload.get("pull_steps"))]
    own = next((mapping(step[_OWN_STEP]) for step in steps if _OWN_STEP in step), None)
    if own is not None:
        return _text(own.get("directory"))
    if steps:
        return f"pulled by {counted(len(steps), 'step')}"
    return _text(payload.get("path"))


def _parameters(payload: JsonObject) -> Iterator[Line]:
    schema = mapping(payload.get("parameter_openapi_schema"))
    given, required = mapping(payload.get("parameters")), items(schema.get("required"))
    declared = {name: mapping(each) for name, each in mapping(schema.get("properties")).items()}
    names = sorted(declared, key=lambda name: _position(declared[name]))
    words = [_parameter(name, declared[name], given, required=name in required) for name in names]
    yield Line("parameters", ", ".join(words))


def _parameter(name: str, declared: JsonObject, given: JsonObject, *, required: bool) -> str:
    if name in given:
        return f"{name} = {_compact(given[name])}"
    if required:
        return f"{name} (required)"
    return f"{name} = {_compact(declared['default'])}" if "default" in declared else name


def _position(declared: JsonObject) -> int:
    position = declared.get("position")
    return position if isinstance(position, int) else 0


def _limit(payload: JsonObject) -> Iterator[Line]:
    limit = payload.get("concurrency_limit")
    yield Line("at once", f"{limit} runs at most" if isinstance(limit, int) else "")


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
