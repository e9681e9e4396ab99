"""Going on from the stage that did not get through, by its key."""

from __future__ import annotations

import pytest

from flowtui.deploy.events import DeployStarted, Outcome, Stage, problem_found
from flowtui.errors import ExitCode, UsageError
from flowtui.models import Problem
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryDeploy, MemoryWorkspace


async def a_deploy(driver: Driver, number: int = 1) -> MemoryDeploy:
    await driver.until(lambda: len(driver.workspace.deploys) >= number)
    return driver.workspace.deploys[number - 1]


async def failed_in(driver: Driver, stage: Stage) -> MemoryDeploy:
    """A deploy that did not get through this stage, open on the screen."""
    await driver.press("D")
    deploy = await a_deploy(driver)
    deploy.emit(
        DeployStarted(
            deploy=deploy.id, flow="etl", target=deploy.flow.target, project="p", api_url="http://x"
        )
    )
    for each in Stage:
        deploy.start(each)
        if each is stage:
            break
        deploy.done(each)
    deploy.fail(stage)
    deploy.emit(problem_found(deploy.id, stage, Problem("the registry does not answer")))
    deploy.finish(Outcome.FAILED, exit_code=ExitCode.ENGINE, reason="the registry does not answer")
    await driver.see("Nothing was registered")
    await driver.idle()
    return deploy


async def test_a_failed_push_is_gone_on_with(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(100, 30)) as driver:
        first = await failed_in(driver, Stage.PUSH)
        assert "R  go on from push" in driver.screen_text()
        await driver.press("R")
        second = await a_deploy(driver, 2)
        assert [point.checkpoint.deploy for point in workspace.resumed] == [first.id]
        second.start(Stage.PUSH)
        await driver.see("● running")
        second.finish(Outcome.DONE, version=3)
        await driver.see("version 3 is registered")


@pytest.mark.slow
async def test_what_differs_is_said_above_the_plan_to_do_it_anew(
    workspace: MemoryWorkspace,
) -> None:
    workspace.differences = ("helper.py changed", "the setting base_image changed")
    async with running(workspace, size=(100, 30)) as driver:
        await failed_in(driver, Stage.PUSH)
        await driver.press("R")
        screen = await driver.see("It cannot be gone on from push", "nothing is done until")
        assert "helper.py changed; the setting base_image changed" in screen
        assert workspace.resumed == []
        await driver.press("enter")
        await a_deploy(driver, 2)


@pytest.mark.slow
async def test_what_cannot_be_found_again_is_planned_anew(workspace: MemoryWorkspace) -> None:
    workspace.resume_error = UsageError("deploy id-1 cannot be gone on with: its flow is gone")
    async with running(workspace, size=(100, 30)) as driver:
        await failed_in(driver, Stage.REGISTER)
        await driver.press("R")
        await driver.see("It cannot be gone on", "its flow is gone", "nothing is done until")


@pytest.mark.parametrize("stage", [Stage.SERIALIZE, Stage.BUILD])
@pytest.mark.slow
async def test_before_there_is_anything_to_go_on_from_the_key_says_so(
    workspace: MemoryWorkspace, stage: Stage
) -> None:
    async with running(workspace, size=(100, 30)) as driver:
        await failed_in(driver, stage)
        assert "go on from" not in driver.screen_text()
        await driver.press("R")
        assert f"it ended in {stage}, before there was anything to go on from" in driver.said()
        assert workspace.resumed == []


@pytest.mark.slow
async def test_what_ended_well_has_nothing_left_to_do(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(100, 30)) as driver:
        await driver.press("D")
        deploy = await a_deploy(driver)
        for stage in Stage:
            deploy.start(stage)
            deploy.done(stage)
        deploy.finish(Outcome.DONE, version=3)
        await driver.see("version 3 is registered")
        await driver.press("R")
        assert "there is nothing left to do" in driver.said()
