"""What the project's own prefect.yaml and calls of `.deploy(…)` say, as a layer of settings.

A value that only Prefect's own deploy would know is never guessed: it is refused, or said to be
left out where that changes nothing of the result.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from flowtui.deploy.deployment import build_steps
from flowtui.deploy.deployment.templates import Outputs, resolved
from flowtui.deploy.settings import Layer
from flowtui.errors import UsageError
from flowtui.json_shapes import items, mapping
from flowtui.models import (
    Declaration,
    DeploymentOptions,
    DeployTable,
    JsonObject,
    Origin,
    Problem,
    StorageKind,
)

_SCHEDULE_KEYS = ("cron", "interval", "rrule")
_IN_IMAGES = "/opt/prefect/"
"""Where Prefect's recipes put the project in an image."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration as flowtui deploys it."""

    table: DeployTable = field(default_factory=DeployTable)
    where: str = ""
    pushes: bool = True
    """False where it builds an image and has no step that pushes it."""
    problems: tuple[Problem, ...] = ()

    @property
    def layer(self) -> Layer:
        return Layer(Origin.DECLARATION, self.table, self.where)


def read_declaration(
    declared: Declaration | None, root: Path, environ: Mapping[str, str]
) -> Declared:
    """Raises UsageError for what cannot be deployed as it is written."""
    if declared is None:
        return Declared()
    values, where = mapping(dict(declared.values)), declared.where
    steps = build_steps.read(items(values.get("build")), items(values.get("push")), where=where)
    outputs = Outputs(environ, steps.images, steps.not_run, where)
    said = cast("dict[str, Any]", {key: resolved(value, outputs) for key, value in values.items()})
    pool = mapping(said.get("work_pool"))
    job_variables = dict(mapping(pool.get("job_variables")))
    if steps.options.type is StorageKind.DOCKER or job_variables.get("image") is None:
        job_variables.pop("image", None)
    limit, options = _concurrency(said)
    table = DeployTable(
        storage=steps.options,
        deployment=DeploymentOptions(
            work_pool=_text(pool.get("name") or said.get("work_pool_name")),
            work_queue=_text(pool.get("work_queue_name") or said.get("work_queue_name")),
            job_variables=job_variables or mapping(said.get("job_variables")) or None,
            parameters=mapping(said.get("parameters")) or None,
            schedules=_schedules(said),
            tags=_tags(said.get("tags")),
            description=_text(said.get("description")),
            version=_text(said.get("version")),
            paused=_flag(said.get("paused")),
            concurrency_limit=limit,
            concurrency_options=options,
            enforce_parameter_schema=_flag(said.get("enforce_parameter_schema")),
            entrypoint=_text(said.get("entrypoint")),
            pull_steps=_pull_steps(said, os.path.realpath(root)),
        ),
    )
    return Declared(table, where, steps.pushes, (*steps.problems, *_left_out(said, where)))


def _pull_steps(said: Mapping[str, Any], root: str) -> tuple[JsonObject, ...] | None:
    """None where flowtui's own do the same: those that only set the folder of the project, or that
    of an image, as Prefect's recipes write them."""
    steps = [mapping(step) for step in (items(said.get("pull")) or [said.get("pull")])]
    steps = [step for step in steps if step]
    if not steps:
        return None
    told = [(name, mapping(each)) for step in steps for name, each in step.items()]
    if all(_sets_own_folder(name, each, root) for name, each in told):
        return None
    return tuple(steps)


def _sets_own_folder(name: str, told: dict[str, Any], root: str) -> bool:
    if not name.endswith(".set_working_directory"):
        return False
    folder = str(told.get("directory") or "")
    return folder.startswith(_IN_IMAGES) or os.path.realpath(folder) == root


def _concurrency(said: Mapping[str, Any]) -> tuple[int | None, JsonObject | None]:
    told = mapping(said.get("concurrency_limit"))
    if told:
        options = {
            name: told[name]
            for name in ("collision_strategy", "grace_period_seconds")
            if told.get(name) is not None
        }
        return _number(told.get("limit")), options or None
    return _number(said.get("concurrency_limit")), None


def _schedules(said: Mapping[str, Any]) -> tuple[JsonObject, ...] | None:
    """`schedules` (an empty list says that there are none), the older `schedule`, and keywords."""
    if said.get("schedules") is not None:
        return tuple(mapping(each) for each in items(said["schedules"]))
    if older := mapping(said.get("schedule")):
        return (older,)
    found: list[JsonObject] = []
    for key in _SCHEDULE_KEYS:
        several = items(said.get(key)) or [said.get(key)]
        found += [{key: each} for each in several if each not in (None, [])]
    if not found:
        return None
    extra = {key: said[key] for key in ("timezone", "anchor_date") if said.get(key)}
    return tuple({**each, **extra} for each in found)


def _tags(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,) if value else None
    return tuple(str(tag) for tag in items(value)) if value is not None else None


def _left_out(said: Mapping[str, Any], where: str) -> Iterator[Problem]:
    for name, what in (("triggers", "automations"), ("sla", "service level agreements")):
        if said.get(name):
            yield Problem(
                f"its {name} are left out: flowtui makes no {what}",
                where,
                "make them in Prefect's web UI, or with `prefect deploy`",
            )


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isdigit():
        return int(value)
    raise UsageError(f"concurrency_limit must be a whole number, not {value!r}")
