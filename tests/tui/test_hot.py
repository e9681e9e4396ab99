"""Hot flows in the app: marked by a key, deployed at a save, told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui import project_state
from flowtui.deploy.events import Outcome, Stage, log_line, problem_found
from flowtui.errors import ExitCode
from flowtui.hot.locks import HotLocks
from flowtui.models import Discovery, Problem
from flowtui.project_state import ProjectState
from flowtui.tui.screens.deploy import DeployScreen
from flowtui.tui.widgets.flows import FlowTable
from flowtui.tui.widgets.hot_strip import HotStrip
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryDeploy, MemoryWorkspace, broken, flow

ETL = "flows/etl.py:etl"


@pytest.fixture
def folder(workspace: MemoryWorkspace) -> MemoryWorkspace:
    """The flows have files, so that saves can be told apart."""
    for path in ("flows/etl.py", "flows/report.py", "hello.py"):
        write(workspace, path, "x = 1\n")
    return workspace


def write(workspace: MemoryWorkspace, path: str, text: str) -> None:
    file = workspace.root / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def save(driver: Driver, path: str, text: str) -> None:
    write(driver.workspace, path, text)
    driver.workspace.change(driver.workspace.found, path)


def strip(driver: Driver) -> str:
    return str(driver.app.screen_stack[0].query_one(HotStrip).render())


async def make_hot(driver: Driver, target: str = ETL) -> None:
    """By the key, and until the loop has looked at the flow."""
    await driver.press("h")
    await looked_at(driver, target)


async def looked_at(driver: Driver, target: str) -> None:
    def known() -> bool:
        loop = driver.app.hot._loop
        return (
            loop is not None
            and target in loop.state.flows
            and loop.state.flows[target].look is not None
        )

    await driver.until(known)


async def a_deploy(driver: Driver, number: int = 1) -> MemoryDeploy:
    await driver.until(lambda: len(driver.workspace.deploys) >= number)
    return driver.workspace.deploys[number - 1]


async def test_a_key_marks_the_flow_and_a_save_deploys_it(folder: MemoryWorkspace) -> None:
    async with running(folder) as driver:
        await make_hot(driver)
        screen = await driver.see("etl ↯", "every save of it is deployed")
        assert "↯ hot  etl" in screen
        save(driver, "flows/etl.py", "x = 2\n")
        deploy = await a_deploy(driver)
        deploy.start(Stage.BUILD)
        await driver.see("etl.py", "● build")
        deploy.finish(Outcome.DONE, version=3)
        await driver.see("✓ version 3 in")
        assert driver.said() == ""


@pytest.mark.slow
async def test_it_is_remembered_and_the_key_ends_it(folder: MemoryWorkspace) -> None:
    project_state.save(folder.root, ProjectState(hot=(ETL,)))
    async with running(folder) as driver:
        await looked_at(driver, ETL)
        await driver.see("↯ hot  etl")
        await driver.press("h")
        await driver.until(lambda: "↯" not in driver.screen_text())
        assert driver.app.remembering.hot == ()
        save(driver, "flows/etl.py", "x = 2\n")
        await driver.idle()
        assert folder.deploys == []


@pytest.mark.slow
async def test_a_selection_becomes_hot_together(folder: MemoryWorkspace) -> None:
    async with running(folder, size=(120, 30)) as driver:
        await driver.press("asterisk", "h")
        await looked_at(driver, "hello.py:hello")
        await driver.see("↯ 3 hot")
        await driver.press("h")
        await driver.until(lambda: driver.app.remembering.hot == ())


@pytest.mark.slow
async def test_a_newer_save_takes_the_place_of_the_one_before(folder: MemoryWorkspace) -> None:
    async with running(folder) as driver:
        await make_hot(driver)
        save(driver, "flows/etl.py", "x = 2\n")
        first = await a_deploy(driver)
        first.start(Stage.BUILD)
        save(driver, "flows/etl.py", "x = 3\n")
        second = await a_deploy(driver, 2)
        assert first.result is not None
        assert first.result.outcome is Outcome.CANCELLED
        second.finish(Outcome.DONE, version=3)
        await driver.see("✓ version 3 in")
        assert driver.said() == ""


@pytest.mark.slow
async def test_a_broken_save_says_why_and_which_version_stays(folder: MemoryWorkspace) -> None:
    async with running(folder, size=(120, 30)) as driver:
        await make_hot(driver)
        good = folder.found
        write(folder, "flows/etl.py", "x = (\n")
        folder.change(
            Discovery(good.root, good.flows[1:], (broken("flows/etl.py", "never closed"),), 3),
            "flows/etl.py",
        )
        await driver.until(lambda: "does not parse" in strip(driver))
        assert "flows/etl.py:7 does not parse: never closed" in strip(driver)
        assert folder.deploys == []
        write(folder, "flows/etl.py", "x = 4\n")
        folder.change(good, "flows/etl.py")
        (await a_deploy(driver)).finish(Outcome.DONE, version=3)
        await driver.until(lambda: "version 3 in" in strip(driver))


@pytest.mark.slow
async def test_the_same_failure_is_notified_once_and_another_one_again(
    folder: MemoryWorkspace,
) -> None:
    async with running(folder) as driver:
        await make_hot(driver)
        for number, what in enumerate(("no pandas", "no pandas", "no numpy"), start=1):
            save(driver, "flows/etl.py", f"x = {number + 1}\n")
            deploy = await a_deploy(driver, number)
            deploy.emit(problem_found(deploy.id, Stage.BUILD, Problem(what, fix="pin it")))
            deploy.finish(Outcome.FAILED, exit_code=ExitCode.FAILED, reason=what)
            await driver.until(lambda what=what: what in strip(driver))
            await driver.idle()
        assert driver.said().count("no pandas") == 1
        assert driver.said().count("no numpy") == 1
        assert "version 2 stays" in strip(driver)


@pytest.mark.slow
async def test_a_hot_deploy_opens_like_any_other_and_can_be_cancelled(
    folder: MemoryWorkspace,
) -> None:
    async with running(folder) as driver:
        await make_hot(driver)
        save(driver, "flows/etl.py", "x = 2\n")
        deploy = await a_deploy(driver)
        deploy.start(Stage.BUILD)
        await driver.press("o")
        await driver.until(lambda: isinstance(driver.app.screen, DeployScreen))
        await driver.press("ctrl+x")
        await driver.until(lambda: deploy.result is not None)
        await driver.press("escape")
        await driver.until(lambda: "the next save" in strip(driver))
        save(driver, "flows/etl.py", "x = 3\n")
        (await a_deploy(driver, 2)).finish(Outcome.DONE, version=3)
        await driver.see("✓ version 3 in")


@pytest.mark.slow
async def test_the_list_marks_it_and_shows_how_far_each_is(folder: MemoryWorkspace) -> None:
    async with running(folder, size=(100, 30)) as driver:
        await make_hot(driver)
        save(driver, "flows/etl.py", "x = 2\n")
        deploy = await a_deploy(driver)
        deploy.start(Stage.PUSH)
        deploy.progress(Stage.PUSH, 30, 120)
        await driver.press("4")
        await driver.see("● push", "↯ etl", "25%", "━━━─────────")
        await driver.press("ctrl+x")
        await driver.until(lambda: deploy.result is not None)
        await driver.see("✗ cancelled")


@pytest.mark.slow
async def test_five_at_once_each_with_its_own_stage_bar_and_logs(
    folder: MemoryWorkspace,
) -> None:
    flows = tuple(flow(f"flow {number}", f"flows/f{number}.py") for number in range(5))
    folder.found = Discovery(str(folder.root), flows, (), 5)
    async with running(folder, size=(100, 30)) as driver:
        for number in range(5):
            await driver.press("D")
            deploy = await a_deploy(driver, number + 1)
            deploy.start(Stage.BUILD)
            deploy.progress(Stage.BUILD, number, 5)
            deploy.emit(log_line(deploy.id, Stage.BUILD, f"line of {number}"))
            await driver.press("escape", "down")
        await driver.press("4")
        screen = await driver.see("flow 0", "flow 4", "80%")
        assert screen.count("● build") == 5
        assert [f"{number * 20}%" in screen for number in range(5)] == [True] * 5
        await driver.press("down", "enter")
        await driver.see("line of 3")
        await driver.press("escape", "ctrl+x")
        await driver.until(lambda: folder.deploys[3].result is not None)
        assert [run.result is None for run in folder.deploys] == [True, True, True, False, True]
        screen = await driver.see("✗ cancelled")
        assert screen.count("● build") == 4
        await driver.press("ctrl+x")
        assert "this deploy is not running" in driver.said()


@pytest.mark.slow
async def test_a_save_waits_for_the_deploy_that_a_person_started(
    folder: MemoryWorkspace,
) -> None:
    async with running(folder) as driver:
        await make_hot(driver)
        await driver.press("D")
        by_hand = await a_deploy(driver)
        await driver.press("escape")
        save(driver, "flows/etl.py", "x = 2\n")
        await driver.until(lambda: "about to be deployed" in strip(driver))
        first = driver.app.deploying._behind
        save(driver, "flows/etl.py", "x = 3\n")
        await driver.until(lambda: driver.app.deploying._behind not in ([], first))
        assert len(folder.deploys) == 1
        by_hand.finish(Outcome.DONE, version=3)
        (await a_deploy(driver, 2)).finish(Outcome.DONE, version=4)
        await driver.until(lambda: "version 4 in" in strip(driver))


@pytest.mark.slow
async def test_leaving_asks_while_a_hot_deploy_runs(folder: MemoryWorkspace) -> None:
    async with running(folder) as driver:
        await make_hot(driver)
        save(driver, "flows/etl.py", "x = 2\n")
        deploy = await a_deploy(driver)
        await driver.press("q")
        await driver.see("1 deploy still running")
        await driver.press("down", "enter")
        await driver.until(lambda: deploy.result is not None)


@pytest.mark.slow
async def test_hot_in_another_flowtui_is_said_and_not_deployed_twice(
    folder: MemoryWorkspace,
) -> None:
    other = HotLocks(folder.root, "flowtui watch")
    other.take(ETL)
    async with running(folder, size=(140, 30)) as driver:
        await driver.press("h")
        await driver.until(lambda: "hot elsewhere already: flowtui watch" in strip(driver))
        save(driver, "flows/etl.py", "x = 2\n")
        await driver.idle()
        assert folder.deploys == []
    other.release()


@pytest.mark.slow
async def test_a_lost_server_holds_the_save(folder: MemoryWorkspace) -> None:
    folder.server_is_up = False
    async with running(folder, size=(120, 30)) as driver:
        await make_hot(driver)
        save(driver, "flows/etl.py", "x = 2\n")
        await driver.until(lambda: "not connected" in strip(driver))
        folder.server_is_up = True
        await driver.press("r")
        (await a_deploy(driver)).finish(Outcome.DONE, version=3)
        await driver.until(lambda: "version 3 in" in strip(driver))


@pytest.mark.slow
async def test_read_only_keeps_nothing_hot(folder: MemoryWorkspace) -> None:
    project_state.save(folder.root, ProjectState(hot=(ETL,)))
    async with running(folder, read_only=True) as driver:
        await driver.press("h")
        assert "--read-only" in driver.said()
        assert driver.app.hot._loop is None
        assert "↯" not in driver.screen_text()


@pytest.mark.slow
async def test_a_file_that_is_broken_cannot_become_hot(folder: MemoryWorkspace) -> None:
    async with running(folder) as driver:
        table = driver.app.screen.query_one(FlowTable)
        while table.row is not None and table.row.flow is not None:
            await driver.press("down")
        await driver.press("h")
        assert "this file is broken" in driver.said()


# --------------------------------------------------------------------------- deploying at once


@pytest.mark.slow
async def test_deploy_now_shows_no_plan(folder: MemoryWorkspace) -> None:
    async with running(folder) as driver:
        await driver.press("D")
        deploy = await a_deploy(driver)
        deploy.start(Stage.BUILD)
        await driver.see("1 serialize", "2 build")


@pytest.mark.slow
async def test_a_plan_that_has_to_ask_is_shown_all_the_same(folder: MemoryWorkspace) -> None:
    folder.project_exists = False
    async with running(folder) as driver:
        await driver.press("D")
        await driver.see("There is no project", "Enter creates it and deploys")
        assert folder.deploys == []
        await driver.press("enter")
        assert (await a_deploy(driver)).creates_project


@pytest.mark.slow
async def test_the_setting_of_the_project_skips_the_plan(
    folder: MemoryWorkspace,
) -> None:
    (folder.root / "flowtui.toml").write_text("[deploy]\nshow_plan = false\n")
    folder.read_settings_again()
    async with running(folder) as driver:
        await driver.press("enter")
        await a_deploy(driver)


@pytest.mark.slow
async def test_hot_names_reach_the_strip_clean(folder: MemoryWorkspace, tmp_path: Path) -> None:
    name = "e\x1b]0;owned\x07[red]tl"
    folder.found = Discovery(str(folder.root), (flow(name),), (), 1)
    async with running(folder) as driver:
        await driver.press("h")
        await looked_at(driver, f"flows/etl.py:{name}")
        save(driver, "flows/etl.py", "x = 2\n")
        (await a_deploy(driver)).finish(Outcome.DONE, version=1)
        await driver.see("version 1 in")
        assert "\x1b" not in strip(driver)
        assert "[red]" in strip(driver)
