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
from flowtui.deploy.deployment.build_steps import BuildSteps
from flowtui.deploy.deployment.templates import filled_in
from flowtui.deploy.settings import Layer
from flowtui.errors import UsageError
from flowtui.json_shapes import items, mapping
from flowtui.models import (
    Declaration,
    DeploymentOptions,
    DeployTable,
    Json,
    JsonObject,
    Origin,
    Problem,
    StorageKind,
)
from flowtui.source.templates import TemplateKind, remaining

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
    where = declared.where
    values = dict(declared.values)
    build, push = (
        items(filled_in(key, values.pop(key, []), environ, where=where, known=True))
        for key in ("build", "push")
    )
    steps = build_steps.read(build, push, values.pop("image", None), where=where)
    values, problems = _decided_here(values, steps, where)
    said = cast(
        "dict[str, Any]",
        {key: filled_in(key, each, environ, where=where) for key, each in values.items()},
    )
    pool = mapping(said.get("work_pool"))
    limit, options = _concurrency(said)
    table = DeployTable(
        storage=steps.options,
        deployment=DeploymentOptions(
            work_pool=_text(pool.get("name")),
            work_queue=_text(pool.get("work_queue_name")),
            job_variables=mapping(pool.get("job_variables")) or None,
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
    problems = (*steps.problems, *problems, *_left_out(said, where))
    return Declared(table, where, steps.pushes, problems)


def _decided_here(
    values: dict[str, Json], steps: BuildSteps, where: str
) -> tuple[dict[str, Json], tuple[Problem, ...]]:
    """Without what flowtui decides itself: the image, and a version or tag that a step gives."""
    problems: list[Problem] = []
    pool = dict(mapping(values.get("work_pool")))
    variables = dict(mapping(pool.get("job_variables")))
    if steps.options.type is StorageKind.DOCKER and "image" in variables:
        del variables["image"]
        values = {**values, "work_pool": {**pool, "job_variables": variables}}
    if remaining(values.get("version"), TemplateKind.OUTPUT):
        values = {key: each for key, each in values.items() if key != "version"}
    tags = items(values.get("tags"))
    given = [tag for tag in tags if remaining(tag, TemplateKind.OUTPUT)]
    if given:
        values = {**values, "tags": [tag for tag in tags if tag not in given]}
        what = f"the tag {given[0]} is left out: a build step gives it, and flowtui runs none"
        problems.append(Problem(what, where, "the version says what the deployment is made of"))
    return values, tuple(problems)


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
    """An empty list says that there are none."""
    if said.get("schedules") is None:
        return None
    return tuple(mapping(each) for each in items(said["schedules"]))


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
