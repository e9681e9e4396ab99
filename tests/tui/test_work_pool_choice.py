"""The work pool of a deployment is chosen from its plan, by keys alone: once, or from now on."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.config import load_project
from flowtui.models import DeploymentOptions
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.memory_rest import rest_workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    return rest_workspace(tmp_path)


async def _asked(driver: Driver) -> None:
    await driver.until(lambda: driver.app.session.work_pools is not None)
    await driver.press_and_settle("enter")
    await driver.see("nothing is done until")
    await driver.press("w")
    await driver.see("Work pool of “etl/hourly”", "images", "docker, 1 worker online", "k8s")


async def test_once_it_counts_for_this_deploy_and_nothing_is_written(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await _asked(driver)
        await driver.press("enter")
        await driver.see("For this deploy", "From now on")
        await driver.press_and_settle("enter")
        await driver.see("nothing is done until")
        await driver.press("enter")
        await driver.until(lambda: len(workspace.deploys) == 1)
        assert workspace.deploys[0].overrides.deployment == DeploymentOptions(work_pool="images")
        assert load_project(workspace.root).flows == {}


async def test_kept_it_stands_in_the_table_of_the_deployment(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await _asked(driver)
        await driver.press("enter")
        await driver.see("For this deploy", "From now on")
        await driver.press_and_settle("down", "enter")
        await driver.see("nothing is done until")
        assert "written to flowtui.toml" in driver.said()
        kept = load_project(workspace.root).flows["etl/hourly"].deployment
        assert kept == DeploymentOptions(work_pool="images")
