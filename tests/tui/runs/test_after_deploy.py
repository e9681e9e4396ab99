"""What was deployed can be run at once, and how its run stands shows beside its flow."""

from __future__ import annotations

import pytest

from flowtui.deploy.events import Outcome, Planned
from flowtui.tui.screens.run_form import RunForm
from flowtui.tui.work import registered
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.runs.acting import etl, going_on, with_flow
from tests.tui.test_versions_and_runs import open_tab

pytestmark = pytest.mark.slow


async def deployed(driver: Driver, outcome: Outcome) -> None:
    await driver.press_and_settle("enter")
    await driver.see("nothing is done until you press Enter")
    await driver.press("enter")
    deploys = driver.workspace.deploys
    await driver.until(lambda: len(deploys) == 1)
    deploys[0].emit(
        Planned(
            deploy=deploys[0].id,
            flow="etl",
            project="My Project",
            storage="docker",
            lane="image",
            reasons=(),
            content_hash="0" * 64,
        )
    )
    deploys[0].finish(outcome, version=3, exit_code=1 if outcome is Outcome.FAILED else 0)
    await driver.idle()


async def test_a_deploy_that_ended_well_offers_a_run(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace)) as driver:
        await deployed(driver, Outcome.DONE)
        await driver.see("version 3 is registered", "x  run it")
        await driver.press("x")
        await driver.see("Run etl v2", "country")
        assert isinstance(driver.app.screen, RunForm)


async def test_a_roll_back_offers_one_too(workspace: MemoryWorkspace) -> None:
    with_flow(workspace)
    async with running(workspace) as driver:
        pane = await open_tab(driver, "versions")
        await driver.until(lambda: bool(driver.app.session.all_versions))
        assert pane.chosen is not None
        await driver.press("j", "u")
        await driver.see("Roll “etl” back to version 1?")
        await driver.press("down", "enter")
        await driver.until(lambda: len(workspace.deploys) == 1)
        workspace.deploys[0].finish(Outcome.DONE, version=3)
        await driver.see("version 3 is registered", "x  run it")
        await driver.press("x")
        await driver.see("Run etl v2", "country")


async def test_one_that_failed_does_not(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace)) as driver:
        await deployed(driver, Outcome.FAILED)
        await driver.see("Failed")
        assert "run it" not in driver.screen_text()
        await driver.press("x")
        assert "no version of it was registered by this deploy" in driver.said()


async def test_the_mark_of_a_run_in_the_flows_is_live(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registered, "_MOVING", 0.01)
    run = going_on(with_flow(workspace))
    place = (etl(workspace).project, "etl")
    async with running(workspace, size=(140, 45)) as driver:
        last_runs = driver.app.session.last_runs
        await driver.until(lambda: place in driver.app.session.last_runs)
        await driver.see("● just now")
        workspace.server.move_run(run.id, "Success")
        await driver.see("✓ just now")
        assert last_runs is not driver.app.session.last_runs
