"""Which work pool runs a deployment, and what is said where none would."""

from __future__ import annotations

import pytest

from flowtui.deploy.deployment import work_pool
from flowtui.errors import UsageError
from flowtui.models import FlowVersion, StorageKind
from flowtui.run_models import Agent, WorkPool, WorkQueue

TEMPLATE = {"variables": {"properties": {"image": {"type": "string"}}}}
PROCESS = WorkPool("1", "local", "process")
DOCKER = WorkPool("2", "images", "docker", base_job_template=TEMPLATE)
KUBERNETES = WorkPool("3", "cluster", "kubernetes", base_job_template=TEMPLATE)
POOLS = (PROCESS, DOCKER)


def test_the_only_one_that_fits_is_meant() -> None:
    def chosen(storage: StorageKind) -> str:
        return work_pool.only_fitting(POOLS, storage, fetched=False, where="").name

    assert chosen(StorageKind.LOCAL) == "local"
    assert chosen(StorageKind.DOCKER) == "images"


def test_several_are_listed() -> None:
    with pytest.raises(UsageError) as error:
        work_pool.only_fitting((DOCKER, KUBERNETES), StorageKind.DOCKER, fetched=False, where="etl")
    assert "images, cluster" in error.value.problem.fix
    assert "--work-pool" in error.value.problem.fix


@pytest.mark.parametrize(
    ("name", "storage", "stays"),
    [
        ("images", StorageKind.DOCKER, DOCKER),
        ("images", None, DOCKER),
        ("images", StorageKind.LOCAL, None),
        ("gone", None, None),
    ],
)
def test_the_one_it_is_registered_with_stays_where_it_can(
    name: str, storage: StorageKind | None, stays: WorkPool | None
) -> None:
    registered = FlowVersion("d", "etl", 0, "", False, None, "", work_pool=name)
    assert work_pool.kept((*POOLS, KUBERNETES), registered, storage, fetched=False) == stays
    assert work_pool.kept(POOLS, None, storage, fetched=False) is None


def test_none_says_how_to_make_one_of_the_right_type() -> None:
    with pytest.raises(UsageError) as error:
        work_pool.only_fitting((PROCESS,), StorageKind.DOCKER, fetched=False, where="etl")
    assert "--create-work-pool NAME --type docker" in error.value.problem.fix
    assert "local (process)" in error.value.problem.fix


def test_a_name_that_is_nearly_right_is_guessed() -> None:
    with pytest.raises(UsageError, match="no work pool “lokal”") as error:
        work_pool.named(POOLS, "lokal", where="")
    assert "“local”" in error.value.problem.fix


@pytest.mark.parametrize(
    ("pool", "storage", "fetched", "fits"),
    [
        (PROCESS, StorageKind.DOCKER, False, False),
        (PROCESS, StorageKind.LOCAL, False, True),
        (DOCKER, StorageKind.DOCKER, False, True),
        (DOCKER, StorageKind.LOCAL, False, False),
        (DOCKER, StorageKind.LOCAL, True, True),
        (KUBERNETES, StorageKind.DOCKER, False, True),
    ],
)
def test_a_pool_whose_runs_would_not_find_the_source_is_refused(
    pool: WorkPool, storage: StorageKind, fetched: bool, fits: bool
) -> None:
    if fits:
        work_pool.refuse_misfit(pool, storage, fetched=fetched, where="")
        return
    with pytest.raises(UsageError, match=f"“{pool.name}”"):
        work_pool.refuse_misfit(pool, storage, fetched=fetched, where="")


def test_a_pool_that_nobody_works_for_is_said() -> None:
    (problem,) = work_pool.problems(PROCESS, None)
    assert "no worker" in problem.what


def test_a_pool_with_a_worker_is_fine_and_a_paused_queue_is_not() -> None:
    pool = WorkPool(
        "1",
        "local",
        "process",
        workers=(Agent("a", "w", "ProcessWorker", online=True),),
        queues=(WorkQueue("q", "slow", 1, paused=True), WorkQueue("d", "default", 2)),
    )
    assert list(work_pool.problems(pool, None)) == []
    (problem,) = work_pool.problems(pool, "slow")
    assert "queue “slow” is paused" in problem.what
