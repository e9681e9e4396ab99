"""Several flows at once, new ones, deleted ones, exact times: the flow browser by keys."""

from __future__ import annotations

import pytest

from flowtui.deploy.events import Outcome, Stage
from flowtui.flow_rows import FlowRow
from flowtui.models import Discovery, FlowState
from flowtui.tui.screens.deploys import DeploysScreen
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.view_models.deploys import Phase
from flowtui.tui.widgets.flows import FlowTable
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace, broken, flow

pytestmark = pytest.mark.slow


def table(driver: Driver) -> FlowTable:
    return driver.app.screen.query_one(FlowTable)


async def test_selected_flows_are_deployed_after_one_question(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("asterisk")
        assert "4 selected" in driver.screen_text()
        assert "■ up to date" in driver.screen_text()
        await driver.press("enter")
        text = await driver.see("Deploy 3 flows")
        assert "flows/typo.py: broken" in text
        await driver.press("down", "enter")
        await driver.until(lambda: len(workspace.deploys) == 3)
        assert isinstance(driver.app.screen, DeploysScreen)
        assert len({run.together for run in workspace.deploys}) == 1
        workspace.deploys[0].start(Stage.SERIALIZE)
        await driver.until(
            lambda: (
                [record.phase for record in driver.app.session.deploys]
                == [Phase.RUNNING, Phase.WAITING, Phase.WAITING]
            )
        )
        assert {run.flow.name for run in workspace.deploys} == {"etl", "report", "hello"}
        workspace.deploys[0].finish(Outcome.DONE, version=3)
        workspace.deploys[1].finish(Outcome.UNCHANGED)
        await driver.until(lambda: len(driver.app.session.deploys.running) == 0)
        assert driver.said() == ""
        workspace.deploys[2].finish(Outcome.FAILED, exit_code=1)
        await driver.until(lambda: "3 flows: 1 done, 1 unchanged, 1 failed" in driver.said())
        await driver.idle()
        await driver.press("escape")
        assert "selected" not in driver.screen_text()


async def test_saying_no_deploys_nothing_and_keeps_the_selection(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await driver.press("space", "d")
        await driver.see("Deploy 1 flow")
        await driver.press("escape")
        assert isinstance(driver.app.screen, MainScreen)
        assert not workspace.deploys
        assert "1 selected" in driver.screen_text()
        await driver.press("escape")
        assert "selected" not in driver.screen_text()


async def test_one_that_waits_for_its_turn_can_be_cancelled(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("asterisk", "enter", "down", "enter")
        await driver.until(lambda: len(workspace.deploys) == 3)
        first = next(iter(driver.app.session.deploys))
        driver.app.deploying.cancel(first)
        await driver.until(lambda: first.result is not None)
        assert first.result is not None
        assert first.result.outcome is Outcome.CANCELLED
        others = list(driver.app.session.deploys)[1:]
        assert [record.result for record in others] == [None, None]


async def test_no_project_is_created_for_a_selection(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("asterisk", "enter", "down", "enter")
        await driver.until(lambda: len(workspace.deploys) == 3)
        assert not any(run.creates_project for run in workspace.deploys)


async def test_a_flow_that_appears_is_new_until_it_is_looked_at(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        assert " new" not in driver.screen_text()
        more = flow("zebra", "z.py", 1)
        found = workspace.found
        workspace.change(Discovery(found.root, (*found.flows, more), found.broken), "z.py")
        await driver.see("zebra new")
        await driver.press("G", "k")
        assert "zebra" in driver.screen_text()
        assert "zebra new" not in driver.screen_text()


async def test_a_file_that_was_broken_and_is_mended_is_not_new(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        good = workspace.found
        kept = tuple(each for each in good.flows if each.name != "hello")
        torn = Discovery(good.root, kept, (*good.broken, broken("hello.py")))
        workspace.change(torn, "hello.py")
        await driver.until(lambda: driver.app.session.broken_count == 2)
        workspace.change(good, "hello.py")
        await driver.until(lambda: driver.app.session.broken_count == 1)
        await driver.idle()
        assert "hello new" not in driver.screen_text()


async def test_a_flow_that_is_gone_but_registered_stays_and_says_why_it_cannot_be_deployed(
    workspace: MemoryWorkspace,
) -> None:
    version = workspace.server.version_list[0]
    gone = FlowRow(
        FlowState.DELETED, None, None, version, "My Project", "version 1 is registered", "old.py"
    )
    workspace.extra_rows = (gone,)
    async with running(workspace) as driver:
        text = await driver.see("∅ deleted")
        assert "old.py" in text
        await driver.press("G")
        for key in ("enter", "space", "d"):
            await driver.press(key)
        assert isinstance(driver.app.screen, MainScreen)
        assert "not on disk any more" in driver.said()
        assert "none of the selected flows can be deployed" in driver.said()


async def test_order_times_filter_and_cursor_come_back_at_the_next_start(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace, size=(120, 30)) as driver:
        await driver.press("S", "S", "R", "T", "slash")
        await driver.type("o")
        await driver.press("enter", "g", "j")
        name = table(driver).row.name if table(driver).row else ""
        before = driver.screen_text()
        assert "Name▾" in before
        assert "2026-11-20" in before
        await driver.press("q")
        await driver.until(lambda: driver.app._exit)
    async with running(workspace, size=(120, 30)) as driver:
        assert table(driver).row is not None
        assert table(driver).row.name == name
        assert driver.screen_text().splitlines()[1:20] == before.splitlines()[1:20]
