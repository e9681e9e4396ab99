"""The agents screen where the control plane has workers and work pools."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowtui.agents.kinds import AgentKind
from flowtui.run_models import WorkPool
from flowtui.tui.screens.worker_dialog import WorkerDialog, pool_choices
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.memory_agents import MemoryAgents
from tests.tui.memory_rest import rest_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    made = rest_workspace(tmp_path)
    made.server.clock = lambda: datetime.now(UTC)
    return made


async def at_workers(driver: Driver) -> MemoryAgents:
    agents = MemoryAgents()
    driver.app.agents.make, driver.app.agents.foresee = agents.make, agents.foresee
    await driver.until(lambda: driver.app.session.connected)
    await driver.press("8")
    await driver.until(lambda: driver.app.session.agents.queue is not None)
    await driver.settled()
    return agents


def test_pools_to_choose_from_and_new_ones_beside_them() -> None:
    pools = (
        WorkPool("1", "process", "process"),
        WorkPool("2", "k8s", "kubernetes"),
        WorkPool("3", "images", "docker", paused=True),
    )
    assert [(each.name, each.kind.value, each.stands) for each in pool_choices(pools)] == [
        ("process", "process", "no worker online"),
        ("images", "docker", "paused, no worker online"),
        ("process-2", "process", "a new pool"),
        ("docker", "docker", "a new pool"),
    ]


@pytest.mark.slow
async def test_workers_are_listed_with_their_pools(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(120, 40)) as driver:
        await at_workers(driver)
        screen = driver.screen_text()
        for words in ("Workers of the control plane", "Work pool", "box-1", "local", "images"):
            assert words in screen, words


@pytest.mark.slow
async def test_runs_that_wait_say_which_worker_is_missing(workspace: MemoryWorkspace) -> None:
    version = next(v for v in workspace.server.version_list if v.work_pool == "k8s")
    workspace.server.add_run(version)
    async with running(workspace, size=(120, 40)) as driver:
        await at_workers(driver)
        await driver.see("no worker: no worker works for the work pool “k8s” (kubernetes)")


@pytest.mark.slow
async def test_a_worker_is_started_for_a_pool_with_a_limit(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(120, 40)) as driver:
        agents = await at_workers(driver)
        await driver.press("n")
        await driver.until(lambda: isinstance(driver.app.screen, WorkerDialog))
        screen = await driver.see("2 workers online")
        assert "a new pool" in screen and "Start a worker" in screen
        await driver.press("enter", "enter")
        await driver.type("3")
        await driver.press("enter")
        await driver.until(lambda: bool(driver.app.session.agents.own))
        (own,) = driver.app.session.agents.own.values()
        spec = own.spec
        assert (spec.kind, spec.work_pool, spec.limit) == (AgentKind.PROCESS, "local", 3)
        assert spec.is_worker and not spec.create_pool
        assert agents.made
