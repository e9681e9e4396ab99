"""The detail pane: one tab at a time, at once from what is known, nothing read for nothing."""

from __future__ import annotations

import pytest

from flowtui.models import FlowState
from flowtui.tui.widgets.detail import DetailPane
from flowtui.tui.widgets.detail.tab import tab_at, tab_line
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace

TITLES = ("Info", "Graph", "Changes", "Versions", "Runs", "Problems", "Source")


def pane(driver: Driver) -> DetailPane:
    return driver.app.screen.query_one(DetailPane)


async def open_tab(driver: Driver, title: str) -> None:
    for _ in pane(driver).tabs:
        if pane(driver).tab.title == title:
            return
        await driver.press("right_square_bracket")
    raise AssertionError(f"there is no tab {title}")


@pytest.mark.parametrize("width", [20, 30, 40, 52, 80])
def test_the_shown_tab_is_always_named_and_nothing_is_too_wide(width: int) -> None:
    for number, title in enumerate(TITLES):
        line = tab_line(TITLES, number, width)
        assert f"[{title}]" in line.plain
        assert line.cell_length <= width


def test_moving_along_the_tabs_moves_no_title() -> None:
    places = {tuple(tab_line(TITLES, n, 80).plain.find(t) for t in TITLES) for n in range(7)}
    assert len(places) == 1
    line = tab_line(TITLES, 2, 80).plain
    assert tab_at(TITLES, line, line.find("Runs") + 2) == 4
    assert tab_at(TITLES, line, 79) is None


async def test_brackets_turn_the_tabs_from_anywhere_and_arrows_inside(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        first = pane(driver).tab.title
        await driver.press("1", "right_square_bracket", "left_square_bracket")
        assert pane(driver).tab.title == first
        await driver.press("left_square_bracket", "2", "right_square_bracket")
        assert pane(driver).tab.title == first
        await driver.press("3", "l", "right", "h", "left")
        assert pane(driver).tab.title == first
        assert pane(driver).has_focus


async def test_every_tab_says_something_of_every_row(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        for _ in pane(driver).tabs:
            for _ in range(4):
                assert any(line.plain.strip() for line in pane(driver)._page.lines)
                await driver.press("j")
            await driver.press("g", "right_square_bracket")


async def test_the_registered_flow_is_asked_for_once_the_cursor_rests_and_never_twice(
    workspace: MemoryWorkspace,
) -> None:
    workspace.server.serialized["v2"] = {"parameters": [{"name": "country", "required": True}]}
    async with running(workspace) as driver:
        await driver.see("country (required)")
        await driver.press("j", "k")
        await driver.see("country (required)")
        assert workspace.server.asked_for.count("v2") == 1


async def test_what_the_cursor_left_is_not_read_any_more(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.until(lambda: workspace.server.asked_for == ["v2"])
        await driver.press("j", "G")
        assert not [w for w in driver.app.workers if w.group == "describe" and not w.is_finished]


async def test_problems_of_the_flow_come_with_what_to_do(workspace: MemoryWorkspace) -> None:
    workspace.states["hello"] = (FlowState.BROKEN, "2 flows here are named “hello”: rename one")
    async with running(workspace) as driver:
        await open_tab(driver, "Problems")
        assert "Nothing is known to be wrong with etl" in driver.screen_text()
        await driver.press("j", "j")
        assert "invalid syntax" in driver.screen_text()
        await driver.press("j")
        assert "2 flows here are named “hello”" in driver.screen_text()
        assert "correct the file" in driver.screen_text()


async def test_versions_have_a_cursor_that_the_actions_see(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await open_tab(driver, "Versions")
        await driver.press("3")
        version = pane(driver).facts().version
        assert version is not None
        assert (version.name, version.version) == ("etl", 2)
