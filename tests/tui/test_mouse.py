"""The mouse does what keys do."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import MouseScrollUp
from textual.widgets import OptionList

from flowtui.config import user_file
from flowtui.deploy.events import LogLine, Stage
from flowtui.tui.app import FlowtuiApp, run
from flowtui.tui.screens.dialogs import ConfirmDialog
from flowtui.tui.screens.help import HelpScreen
from flowtui.tui.widgets.detail import DetailPane
from flowtui.tui.widgets.flows import FlowTable
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.log.view import LogView
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.test_projects import at_project


async def click(driver: Driver, words: str, *, within: type | None = None) -> None:
    """On the first place on the screen, or in a widget, that shows these words."""
    region = driver.app.screen.query_one(within).region if within else driver.app.screen.region
    for y, line in enumerate(driver.screen_text().splitlines()):
        x = line.find(words, region.x)
        if region.contains(x, y):
            await driver.pilot.click(offset=(x, y))
            await driver.pilot.pause()
            return
    raise AssertionError(f"{words} is not there:\n{driver.screen_text()}")


@pytest.mark.slow
async def test_a_row_a_tab_and_a_key_of_the_bar(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        table = driver.app.screen.query_one(FlowTable)
        await click(driver, "hello", within=FlowTable)
        assert table.row is not None
        assert table.row.name == "hello"
        await click(driver, "Versions", within=DetailPane)
        assert driver.app.screen.query_one(DetailPane).tab.id == "versions"
        await click(driver, "? keys", within=KeyBar)
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))


async def test_a_click_answers_a_question(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await at_project(driver, "Empty")
        for answer, left in (("Keep", ["Empty", "My Project"]), ("Delete", ["My Project"])):
            await driver.press("x")
            assert isinstance(driver.app.screen, ConfirmDialog)
            await click(driver, answer, within=OptionList)
            await driver.idle()
            assert [p.name for p in workspace.server.project_list] == left


async def test_the_wheel_moves_the_log(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press_and_settle("2", "j", "enter")
        await driver.press("enter")
        await driver.until(lambda: bool(workspace.deploys))
        deploy = workspace.deploys[0]
        deploy.start(Stage.BUILD)
        for number in range(100):
            deploy.emit(LogLine(deploy="d", stage=Stage.BUILD, text=f"line {number}"))
        await driver.see("line 99")
        log = driver.app.screen.query_one(LogView)
        await driver.pilot._post_mouse_events([MouseScrollUp], widget=log, offset=(2, 2))
        await driver.until(lambda: "line 99" not in driver.screen_text())


@pytest.mark.parametrize(
    ("ssh", "said", "wanted"),
    [("", "auto", True), ("10.0.0.1 1 10.0.0.2 22", "auto", False), ("10.0.0.1 1", "on", True)],
)
def test_over_ssh_the_mouse_is_the_terminals_own(
    ssh: str, said: str, wanted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[bool] = []
    file = user_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'[ui]\nmouse = "{said}"\n')
    monkeypatch.setenv("SSH_CONNECTION", ssh)
    monkeypatch.setattr(FlowtuiApp, "run", lambda _, *, mouse: started.append(mouse))
    run(tmp_path)
    assert started == [wanted]
