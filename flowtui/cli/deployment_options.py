"""Settings of a deployment of Prefect 2 or 3 on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from flowtui.errors import UsageError
from flowtui.executors import value_of
from flowtui.models import DeploymentOptions, Json
from flowtui.run_models import NewWorkPool

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--work-pool", metavar="NAME", help="Work pool that runs the deployment."),
    click.option("--work-queue", metavar="NAME", help="Queue of the work pool."),
    click.option(
        "--job-variable",
        "job_variables",
        multiple=True,
        metavar="KEY=VALUE",
        help="What the work pool's job template takes; VALUE is JSON or else text; env.NAME=TEXT.",
    ),
    click.option(
        "--param",
        "parameters",
        multiple=True,
        metavar="NAME=VALUE",
        help="Value of a parameter of the flow; VALUE is JSON or else text.",
    ),
    click.option("--tag", "tags", multiple=True, metavar="TAG", help="Tag of the deployment."),
    click.option("--cron", multiple=True, metavar="EXPRESSION", help='Schedule: "0 6 * * 1-5".'),
    click.option("--interval", multiple=True, metavar="SECONDS", help="Schedule: 3600, PT1H."),
    click.option("--rrule", multiple=True, metavar="RULE", help="Schedule: FREQ=WEEKLY;BYDAY=MO."),
    click.option("--timezone", metavar="NAME", help="Time zone of those schedules."),
    click.option("--description", metavar="TEXT", help="Description of the deployment."),
    click.option("--concurrency-limit", type=click.IntRange(1), help="Runs active at once."),
    click.option("--paused/--not-paused", default=None, help="Whether schedules start no runs."),
    click.option("--version", "version_name", metavar="TEXT", help="Version of the deployment."),
    click.option(
        "--in-place/--copied",
        "in_place",
        default=None,
        help="Local storage: runs take the project's own files.",
    ),
)


def deployment_options(command: _Command) -> _Command:
    """Every setting of a deployment; `deployment_of` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def deployment_of(values: dict[str, Any]) -> DeploymentOptions:
    """What was said of the deployment. Raises UsageError."""
    return DeploymentOptions(
        work_pool=values["work_pool"],
        work_queue=values["work_queue"],
        job_variables=_values("--job-variable", values["job_variables"], nested=True),
        parameters=_values("--param", values["parameters"]),
        schedules=_schedules(values),
        tags=tuple(values["tags"]) or None,
        description=values["description"],
        version=values["version_name"],
        paused=values["paused"],
        concurrency_limit=values["concurrency_limit"],
    )


def new_pool_options(command: _Command) -> _Command:
    """A work pool to be made first; `new_pool` reads them."""
    command = click.option(
        "--type", "pool_type", metavar="TYPE", help="Type of the new work pool: process, docker, …"
    )(command)
    return click.option(
        "--create-work-pool",
        metavar="NAME",
        help="Work pool that runs the deployment, made if it does not exist.",
    )(command)


def new_pool(values: dict[str, Any]) -> NewWorkPool | None:
    """Takes both values out. Raises UsageError for one without the other."""
    name, kind = values.pop("create_work_pool"), values.pop("pool_type")
    if name is None and kind is None:
        return None
    if name is None or kind is None:
        raise UsageError(
            "--create-work-pool NAME and --type TYPE go together",
            fix="--create-work-pool local --type process",
        )
    if values["work_pool"] not in (None, name):
        raise UsageError(
            "--work-pool and --create-work-pool name two pools", fix="leave --work-pool out"
        )
    return NewWorkPool(name, kind)


def _schedules(values: dict[str, Any]) -> tuple[dict[str, Json], ...] | None:
    zone: dict[str, Json] = {"timezone": values["timezone"]} if values["timezone"] else {}
    said = [{kind: each, **zone} for kind in ("cron", "interval", "rrule") for each in values[kind]]
    if zone and not said:
        raise UsageError(
            "--timezone is given without a schedule", fix="add --cron, --interval or --rrule"
        )
    return tuple(said) or None


def _values(option: str, words: Iterable[str], *, nested: bool = False) -> dict[str, Json] | None:
    found: dict[str, Json] = {}
    for word in words:
        key, separator, text = word.partition("=")
        if not separator or not key:
            raise UsageError(f"{option} wants KEY=VALUE, not “{word}”")
        outer, dot, inner = key.partition(".")
        if not nested or not dot:
            found[key] = value_of(text)
            continue
        known = found.get(outer)
        # What stands in an environment is text, whatever it looks like.
        found[outer] = {**(known if isinstance(known, dict) else {}), inner: text}
    return found or None
