"""What a deploy would change, on its plan, in the details of a flow, and in full."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.deploy.change import Changes
from flowtui.deploy.plan import Lane, Plan
from flowtui.models import DeployTable, Discovery, FlowState, LocalFlow
from flowtui.tui.screens.difference import DifferenceScreen
from tests.tui.driving import running
from tests.tui.looks.test_diff import CHANGES
from tests.tui.memory import MemoryWorkspace, flow

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryWorkspace:
    made = MemoryWorkspace(tmp_path)
    made.server.add_project("My Project")
    version = made.server.add_version("etl", "My Project")
    made.found = Discovery(str(tmp_path), (flow("etl"),))
    made.states = {"etl": (FlowState.CHANGED, "sources differ")}
    plan = made.plan

    async def compared(
        each: LocalFlow, overrides: DeployTable | None = None, *, force: bool = False
    ) -> Plan:
        return replace(await plan(each, overrides, force=force), changes=CHANGES, current=version)

    def changes(*_: object, **__: object) -> Changes:
        return CHANGES

    monkeypatch.setattr(made, "plan", compared)
    monkeypatch.setattr(made, "changes", changes)
    return made


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
async def test_a_plan_shows_what_it_changes_and_v_all_of_it(
    workspace: MemoryWorkspace, size: tuple[int, int]
) -> None:
    async with running(workspace, size=size) as driver:
        await driver.press("enter")
        await driver.see("+1 added  ~4 changed  -1 removed  =1 stays", "~ limit    1  → 250")
        await driver.press("v")
        await driver.until(lambda: isinstance(driver.app.screen, DifferenceScreen))
        await driver.see("What a deploy of etl would change")
        await driver.press("G")
        await driver.see("? execution, tasks: not compared")
        await driver.press("escape")
        await driver.see("nothing is done until you press")


async def test_without_something_registered_there_is_nothing_to_compare(tmp_path: Path) -> None:
    workspace = MemoryWorkspace(tmp_path)
    workspace.found = Discovery(str(tmp_path), (flow("etl"),))
    async with running(workspace) as driver:
        await driver.press("enter")
        await driver.see("docker image")
        await driver.press("v")
        await driver.until(lambda: "nothing is registered yet" in driver.said())


@pytest.mark.parametrize("lane", list(Lane))
async def test_each_lane_says_what_it_does(workspace: MemoryWorkspace, lane: Lane) -> None:
    workspace.lane = lane
    async with running(workspace) as driver:
        await driver.press("enter")
        await driver.see(str(lane), "registered version 1")


async def test_the_tab_changes_shows_the_same_and_v_all_of_it(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(160, 45)) as driver:
        await driver.press("3")
        for _ in range(2):
            await driver.press("right")
        await driver.see("+1 added  ~4 changed", "= nightly")
        await driver.press("v")
        await driver.see("What a deploy of etl would change")
