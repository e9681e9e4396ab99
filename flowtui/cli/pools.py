"""`flowtui pools list|create|pause|resume`."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.session import connected
from flowtui.errors import ControlPlaneError, UsageError
from flowtui.models import Ability
from flowtui.run_models import Agent, WorkPool, WorkQueue
from flowtui.workspace import Workspace


@click.group()
def pools() -> None:
    """Work pools of Prefect 2 and 3, their queues and workers: list, create, pause, resume."""


@pools.command("list")
@click.argument("name", required=False)
@workspace_options
@json_option
def list_(name: str | None, profile: str | None, api_url: str | None, as_json: bool) -> None:
    """All work pools, by name; of one NAME also its queues and workers, each on a line.

    With --json always all of it, without the templates of their jobs.
    """

    async def work() -> tuple[WorkPool, ...]:
        async with connected(profile, api_url) as workspace:
            _check(workspace, Ability.TELL_WORK_POOLS)
            found = await workspace.control_plane.work_pools()
            return found if name is None else (named_pool(found, name, workspace),)

    found = asyncio.run(work())
    output = Output(as_json=as_json)
    if as_json:
        output.data([_as_json(pool) for pool in found])
    elif not found:
        output.note("no work pools yet; create one: flowtui pools create NAME --type process")
    else:
        output.table(
            ("POOL", "TYPE", "STATUS", "QUEUES", "ONLINE", "LIMIT", "LAST SEEN"),
            (_pool_row(pool) for pool in found),
        )
        if name is not None:
            _members(output, found[0])


@pools.command()
@click.argument("name")
@click.option("--type", "pool_type", default="process", show_default=True, metavar="TYPE",
              help="process, docker, kubernetes, … of those that the control plane has a template "
              "for.")  # fmt: skip
@workspace_options
@json_option
def create(
    name: str, pool_type: str, profile: str | None, api_url: str | None, as_json: bool
) -> None:
    """Create a work pool from the control plane's own template for its type."""

    async def work() -> WorkPool:
        async with connected(profile, api_url) as workspace:
            _check(workspace, Ability.CREATE_WORK_POOLS)
            control_plane = workspace.control_plane
            types = await control_plane.work_pool_types()
            if pool_type not in types:
                raise UsageError(
                    f"this control plane has no template for work pools of type “{pool_type}”",
                    where=workspace.profile.api_url,
                    fix=f"choose one of {', '.join(types)}",
                )
            if any(pool.name == name for pool in await control_plane.work_pools()):
                raise UsageError(
                    f"there is a work pool “{name}” already",
                    where=workspace.profile.api_url,
                    fix="choose another name: flowtui pools list shows those that are taken",
                )
            return await control_plane.create_work_pool(name, pool_type)

    _report(asyncio.run(work()), "created", Output(as_json=as_json))


@pools.command()
@click.argument("name", metavar="POOL")
@workspace_options
@json_option
def pause(name: str, profile: str | None, api_url: str | None, as_json: bool) -> None:
    """Let no worker take runs from POOL: they wait."""
    _report(_switch(name, profile, api_url, paused=True), "paused", Output(as_json=as_json))


@pools.command()
@click.argument("name", metavar="POOL")
@workspace_options
@json_option
def resume(name: str, profile: str | None, api_url: str | None, as_json: bool) -> None:
    """Let workers take runs from POOL again."""
    _report(_switch(name, profile, api_url, paused=False), "resumed", Output(as_json=as_json))


def _switch(name: str, profile: str | None, api_url: str | None, *, paused: bool) -> WorkPool:
    async def work() -> WorkPool:
        async with connected(profile, api_url) as workspace:
            _check(workspace, Ability.TELL_WORK_POOLS)
            control_plane = workspace.control_plane
            named_pool(await control_plane.work_pools(), name, workspace)
            await control_plane.pause_work_pool(name, paused)
            return named_pool(await control_plane.work_pools(), name, workspace)

    return asyncio.run(work())


def _check(workspace: Workspace, ability: Ability) -> None:
    if ability not in workspace.abilities:
        raise ControlPlaneError(
            f"this control plane cannot {ability}",
            where=workspace.profile.api_url,
            fix="work pools came with Prefect 2: agents take the runs here (flowtui agent list)",
        )


def named_pool(found: Sequence[WorkPool], name: str, workspace: Workspace) -> WorkPool:
    """The pool of this name. Raises UsageError with the nearest names when there is none."""
    for pool in found:
        if pool.name == name:
            return pool
    near = difflib.get_close_matches(name, [pool.name for pool in found], n=3)
    hint = f"did you mean {', '.join(f'“{each}”' for each in near)}? " if near else ""
    raise UsageError(
        f"there is no work pool “{name}”",
        where=workspace.profile.api_url,
        fix=f"{hint}flowtui pools list shows all",
    )


def _status(status: str, *, paused: bool) -> str:
    return "paused" if paused else status.lower().replace("_", " ")


def _pool_row(pool: WorkPool) -> tuple[str, ...]:
    seen = [worker.last_seen for worker in pool.workers if worker.last_seen is not None]
    return (
        pool.name,
        pool.type,
        _status(pool.status, paused=pool.paused),
        str(len(pool.queues)),
        str(pool.online),
        str(pool.concurrency_limit if pool.concurrency_limit is not None else ""),
        _moment(max(seen, default=None)),
    )


def _members(output: Output, pool: WorkPool) -> None:
    output.table(("QUEUE", "PRIORITY", "STATUS", "LIMIT", "POLLED"), map(_queue_row, pool.queues))
    if pool.workers:
        output.table(("WORKER", "STATUS", "LAST SEEN"), map(_worker_row, pool.workers))
    else:
        output.note(f"no worker works for it; start one: flowtui agent start --pool {pool.name}")


def _queue_row(queue: WorkQueue) -> tuple[str, ...]:
    return (
        queue.name,
        str(queue.priority),
        _status(queue.status, paused=queue.paused),
        str(queue.concurrency_limit if queue.concurrency_limit is not None else ""),
        _moment(queue.last_polled),
    )


def _worker_row(worker: Agent) -> tuple[str, ...]:
    status = {True: "online", False: "offline", None: ""}[worker.online]
    return worker.name, status, _moment(worker.last_seen)


def _moment(at: datetime | None) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at is not None else ""


def _report(pool: WorkPool, done: str, output: Output) -> None:
    if output.as_json:
        output.data(_as_json(pool))
    else:
        output.line(f"{done} work pool “{pool.name}” ({pool.type})")


def _as_json(pool: WorkPool) -> dict[str, object]:
    known = asdict(pool)
    del known["base_job_template"]
    return {**known, "online": pool.online}
