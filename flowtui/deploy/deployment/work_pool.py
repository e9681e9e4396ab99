"""Which work pool runs a deployment, and whether anybody would take its runs now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flowtui.config_keys import nearest
from flowtui.errors import UsageError
from flowtui.json_shapes import mapping
from flowtui.models import FlowVersion, Origin, Problem, StorageKind
from flowtui.run_models import WorkPool

PROCESS = "process"


@dataclass(frozen=True, slots=True)
class ChosenPool:
    name: str
    pool: WorkPool | None
    """None where the control plane was not asked."""
    origin: Origin
    detail: str


def takes_images(pool: WorkPool) -> bool:
    """Whether its jobs run in an image: Prefect's own test. A pool without a template is known by
    its type."""
    properties = mapping(mapping(pool.base_job_template.get("variables")).get("properties"))
    return "image" in properties if properties else pool.type != PROCESS


def fits(pool: WorkPool, storage: StorageKind, *, fetched: bool) -> bool:
    """Whether runs of this pool find the source there. `fetched`: pull steps bring it anywhere."""
    if storage is StorageKind.DOCKER:
        return takes_images(pool)
    return fetched or pool.type == PROCESS


def named(pools: Sequence[WorkPool], name: str, *, where: str) -> WorkPool:
    """The pool of this name. Raises UsageError that lists those there are."""
    found = next((pool for pool in pools if pool.name == name), None)
    if found is not None:
        return found
    meant = nearest(name, [pool.name for pool in pools])
    hint = f"did you mean “{meant}”? " if meant else ""
    raise UsageError(
        f"there is no work pool “{name}”",
        where=where,
        fix=f"{hint}{_listed(pools)}; to make it: --create-work-pool {name} --type {PROCESS}",
    )


def kept(
    pools: Sequence[WorkPool],
    registered: FlowVersion | None,
    storage: StorageKind | None,
    *,
    fetched: bool,
) -> WorkPool | None:
    """The pool that the deployment is registered with, where it is still there and fits."""
    name = registered.work_pool if registered is not None else ""
    pool = next((each for each in pools if each.name == name), None)
    if pool is None or storage is None or fits(pool, storage, fetched=fetched):
        return pool
    return None


def only_fitting(
    pools: Sequence[WorkPool], storage: StorageKind | None, *, fetched: bool, where: str
) -> WorkPool:
    """The one pool that there is for this storage. Raises UsageError for none and for several."""
    fitting = [pool for pool in pools if storage is None or fits(pool, storage, fetched=fetched)]
    if len(fitting) == 1:
        return fitting[0]
    kind = "" if storage is None else f" for {storage} storage"
    if not fitting:
        wanted = "docker" if storage is StorageKind.DOCKER else PROCESS
        raise UsageError(
            f"there is no work pool{kind}",
            where=where,
            fix=f"make one: --create-work-pool NAME --type {wanted}; {_listed(pools)}",
        )
    raise UsageError(
        f"no work pool is named, and {len(fitting)} could run it",
        where=where,
        fix="say --work-pool NAME, or write work_pool into [deployment] of flowtui.toml; there are "
        + ", ".join(pool.name for pool in fitting[:8]),
    )


def refuse_misfit(pool: WorkPool, storage: StorageKind, *, fetched: bool, where: str) -> None:
    """Raise UsageError for a pool whose runs would not find the source.

    A process pool takes an image without a word (Prefect 3.9), and runs without it.
    """
    if fits(pool, storage, fetched=fetched):
        return
    if storage is StorageKind.DOCKER:
        what = f"the work pool “{pool.name}” ({pool.type}) runs no images"
        fix = "choose a pool of type docker, or --storage local"
    else:
        what = f"the work pool “{pool.name}” ({pool.type}) does not see this machine's files"
        fix = "choose a pool of type process, or --storage docker"
    raise UsageError(what, where=where, fix=fix)


def problems(pool: WorkPool, queue: str | None) -> Iterator[Problem]:
    """Why runs would wait: nothing that stops a deploy."""
    where = f"work pool “{pool.name}”"
    if pool.paused or pool.status == "PAUSED":
        yield Problem(
            f"the work pool “{pool.name}” is paused: its runs wait",
            where,
            f"resume it: flowtui pools resume {pool.name}",
        )
    paused = next((each for each in pool.queues if each.name == queue and each.paused), None)
    if paused is not None:
        yield Problem(
            f"the work queue “{paused.name}” is paused: its runs wait", where, "resume it"
        )
    if not pool.online:
        yield Problem(
            f"no worker of the work pool “{pool.name}” is online: its runs wait",
            where,
            f"start one: flowtui agent start --pool {pool.name}",
        )


def _listed(pools: Sequence[WorkPool]) -> str:
    if not pools:
        return "there are none"
    shown = ", ".join(f"{pool.name} ({pool.type})" for pool in pools[:8])
    return f"there are {shown}" + (" and more" if len(pools) > 8 else "")
