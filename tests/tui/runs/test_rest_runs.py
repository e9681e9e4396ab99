"""Runs of deployments on the screen: in the list, opened, as they change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowtui.run_models import FlowRun
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.memory_rest import rest_workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    made = rest_workspace(tmp_path)
    made.server.clock = lambda: datetime.now(UTC)
    return made


def a_run(workspace: MemoryWorkspace, deployment: int = 0) -> FlowRun:
    return workspace.server.add_run(workspace.server.version_list[deployment], name="jolly-wren")


async def opened(driver: Driver, run: FlowRun) -> None:
    from flowtui.tui.screens.flow_run import FlowRunScreen

    await driver.until(lambda: driver.app.session.connected)
    driver.app.flow_run.know(run)
    driver.app.push_screen(FlowRunScreen(run.id))
    watch = driver.app.session.run_watches[run.id]
    await driver.until(lambda: watch.looked and watch.described)
    await driver.settled()


async def test_the_list_has_the_work_pool_and_the_deployment(workspace: MemoryWorkspace) -> None:
    a_run(workspace)
    async with running(workspace, size=(160, 30)) as driver:
        await driver.press("7")
        screen = await driver.see("jolly-wren")
        for words in ("Work pool", "local", "etl/nightly", "4f2a9c1"):
            assert words in screen, words
        assert "Labels" not in screen


async def test_an_open_run_says_where_it_runs_and_that_it_has_no_graph(
    workspace: MemoryWorkspace,
) -> None:
    run = a_run(workspace)
    workspace.server.move_run(run.id, "Running")
    async with running(workspace, size=(120, 40)) as driver:
        await opened(driver, run)
        screen = driver.screen_text()
        assert "local/default" in screen and "prod, daily" in screen
        await driver.press("right_square_bracket", "right_square_bracket")
        await driver.see("have no graph before they run")


async def test_a_change_that_is_told_is_shown_without_waiting(workspace: MemoryWorkspace) -> None:
    """The run is not due: without the hint it would be looked at every five seconds, and a list
    of still runs every fifteen; here time does not pass for any of them."""
    run = a_run(workspace)
    async with running(workspace, size=(120, 40)) as driver:
        await opened(driver, run)
        workspace.server.changed_runs.put_nowait(run.id)
        workspace.server.move_run(run.id, "Completed", "All is well")
        watch = driver.app.session.run_watches[run.id]
        await driver.until(lambda: watch.over)
        await driver.see("Completed")


async def test_a_run_waits_for_a_worker(workspace: MemoryWorkspace) -> None:
    run = a_run(workspace, deployment=2)
    async with running(workspace, size=(120, 40)) as driver:
        await opened(driver, run)
        await driver.see("No worker works for the work pool “k8s” (kubernetes)")
        await driver.see("prefect worker start --pool k8s")
