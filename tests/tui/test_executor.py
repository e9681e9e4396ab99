"""An executor is chosen from the plan, by keys alone: once, or into the project file."""

from __future__ import annotations

import pytest

from flowtui.config import load_project
from flowtui.errors import DeployError
from flowtui.models import ExecutionOptions
from flowtui.tui.screens.deploy import DeployScreen
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace

pytestmark = pytest.mark.slow

_DASK = ExecutionOptions("dask", {"address": "tcp://c:8786", "debug": True})


async def _asked(driver: Driver) -> None:
    await driver.press_and_settle("enter")
    await driver.see("nothing is done until", "Prefect's default where the flow runs")
    await driver.press("E")
    await driver.see("Executor of “etl”", "Local Dask", "The flow's own")


async def _dask_is_told(driver: Driver) -> None:
    await driver.press("down", "down", "enter")
    await driver.see("Dask for “etl”", "Address of the Dask scheduler")
    await driver.type("tcp://c:8786")
    await driver.press("enter")
    await driver.type("debug=true")
    await driver.press("enter")
    await driver.see("dask address=tcp://c:8786 debug=True", "From now on", "this deploy only")


async def test_once_it_counts_for_this_deploy_and_nothing_is_written(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await _asked(driver)
        await _dask_is_told(driver)
        await driver.press_and_settle("down", "enter")
        assert isinstance(driver.app.screen, DeployScreen)
        await driver.see("dask address=tcp://c:8786 debug=True")
        assert load_project(workspace.root).flows == {}
        await driver.press("enter")
        await driver.until(lambda: len(workspace.deploys) == 1)
        assert workspace.deploys[0].overrides.execution == _DASK


async def test_kept_it_stands_in_the_flows_table_and_can_be_taken_away(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await _asked(driver)
        await _dask_is_told(driver)
        await driver.press_and_settle("enter")
        await driver.see("dask address=tcp://c:8786 debug=True")
        assert "written to flowtui.toml" in driver.said()
        assert load_project(workspace.root).flows["etl"].execution == _DASK
        await driver.press("E")
        await driver.see("Now: dask address=tcp://c:8786")
        await driver.press("end", "enter")
        await driver.idle()
        await driver.see("Prefect's default where the flow runs")
        assert load_project(workspace.root).flows == {}


async def test_what_cannot_be_meant_is_refused_where_it_was_typed(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await _asked(driver)
        await driver.press("down", "enter")
        await driver.see("Local Dask for “etl”")
        await driver.type("quantum")
        await driver.press("enter", "enter")
        await driver.see("The scheduler is one of threads, processes")
        await driver.press("escape", "E", "down", "down", "down", "enter")
        await driver.see("Another class for “etl”")
        await driver.press("enter", "enter")
        await driver.see("Type the dotted path of a class first.")


async def test_another_is_chosen_where_no_plan_could_be_made_with_the_one_before(
    workspace: MemoryWorkspace,
) -> None:
    workspace.plan_error = DeployError("Prefect 0.6.1 has no executor LocalDaskExecutor")
    async with running(workspace) as driver:
        await driver.press_and_settle("enter")
        await driver.see("has no executor LocalDaskExecutor")
        workspace.plan_error = None
        await driver.press("E")
        await driver.see("Executor of “etl”")
        await driver.press("enter")
        await driver.see("From now on")
        await driver.press_and_settle("down", "enter")
        await driver.see("docker image", "local")
