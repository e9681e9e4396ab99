"""Panes that fold, one that takes the screen, and a screen that uses its room."""

from __future__ import annotations

import pytest
from textual.geometry import Region

from flowtui.tui.widgets.detail import DetailPane
from flowtui.tui.widgets.flows import FlowTable
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace

pytestmark = pytest.mark.slow


def region(driver: Driver, pane: str) -> Region:
    widget = driver.app.screen.query_one(f"#{pane}")
    return widget.region if widget.display else Region()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 45), (200, 60)])
async def test_every_pane_has_room_at_every_size(
    workspace: MemoryWorkspace, size: tuple[int, int]
) -> None:
    async with running(workspace, size=size) as driver:
        assert region(driver, "flows").height >= 6
        assert region(driver, "flows").width >= 38
        assert region(driver, "details").height >= 4
        assert region(driver, "projects").width >= 16
        beside = region(driver, "details").x > region(driver, "flows").right
        assert beside == (size[0] >= 150)


async def test_folded_panes_give_their_room_and_stay_folded(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        width, height = region(driver, "flows").size
        await driver.press("left_parenthesis", "right_parenthesis")
        assert region(driver, "flows").width > width + 20
        assert region(driver, "flows").height > height + 6
        await driver.press_and_settle("q")
    async with running(workspace) as driver:
        assert not region(driver, "projects")
        assert not region(driver, "details")
        await driver.press("3")
        assert driver.app.screen.query_one(DetailPane).has_focus
        assert region(driver, "details")
        assert not region(driver, "projects")


async def test_folding_the_pane_in_front_goes_back_to_the_flows(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await driver.press("1", "left_parenthesis")
        assert driver.app.screen.query_one(FlowTable).has_focus
        await driver.press("left_parenthesis")
        assert region(driver, "projects")


@pytest.mark.parametrize(("key", "pane"), [("1", "projects"), ("2", "flows"), ("3", "details")])
async def test_one_pane_takes_the_screen_and_gives_it_back(
    workspace: MemoryWorkspace, key: str, pane: str
) -> None:
    async with running(workspace) as driver:
        await driver.press(key)
        before = region(driver, pane)
        await driver.press("z")
        assert region(driver, pane).width >= 76
        others = {"projects", "flows", "details"} - {pane}
        assert not any(region(driver, other).area and _seen(driver, other) for other in others)
        await driver.press("z")
        assert region(driver, pane) == before


def _seen(driver: Driver, pane: str) -> bool:
    widget = driver.app.screen.query_one(f"#{pane}")
    return all(node.display for node in widget.ancestors_with_self if hasattr(node, "display"))


async def test_jumping_while_one_pane_has_the_screen_gives_it_to_the_other(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await driver.press("z", "3")
        assert region(driver, "details").width >= 76
        assert driver.app.screen.query_one(DetailPane).has_focus
        await driver.press("z", "2", "j")
        assert region(driver, "flows").width < 60
