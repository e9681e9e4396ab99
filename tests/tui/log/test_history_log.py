"""The log of a deploy that was opened from the history: the same widget, the same keys."""

from __future__ import annotations

import pytest

from flowtui.deploy.events import (
    DeployFinished,
    DeployStarted,
    Event,
    Level,
    LogLine,
    Outcome,
    Stage,
    StageFinished,
    StageStarted,
)
from flowtui.deploy.history import History
from flowtui.tui.screens.deploy import DeployScreen
from flowtui.tui.widgets.log.view import LogView
from tests.tui.driving import running
from tests.tui.memory import ADDRESS, MemoryWorkspace

pytestmark = pytest.mark.slow


def recorded() -> tuple[Event, ...]:
    """A deploy of 2023 whose build said 60 lines, one of them an error."""
    at = 1_700_000_000.0
    lines = (
        LogLine(
            deploy="old",
            at=at + number,
            stage=Stage.BUILD,
            text=f"step {number:02}",
            level=Level.ERROR if number == 20 else Level.INFO,
        )
        for number in range(60)
    )
    return (
        DeployStarted(
            deploy="old",
            at=at,
            flow="etl",
            target="flows/etl.py:etl",
            project="My Project",
            api_url=ADDRESS,
        ),
        StageStarted(deploy="old", at=at, stage=Stage.BUILD),
        *lines,
        StageFinished(
            deploy="old", at=at + 60, stage=Stage.BUILD, outcome=Outcome.FAILED, seconds=60
        ),
        DeployFinished(
            deploy="old", at=at + 60, flow="etl", outcome=Outcome.FAILED, seconds=60, exit_code=1
        ),
    )


async def test_an_earlier_log_is_searched_filtered_and_copied(
    workspace: MemoryWorkspace, copies: list[str]
) -> None:
    recorder = History().recorder(workspace.root, "f" * 64)
    for event in recorded():
        recorder(event)
    recorder.close()
    async with running(workspace) as driver:
        await driver.press_and_settle("4")
        await driver.press_and_settle("enter")
        assert isinstance(driver.app.screen, DeployScreen)
        await driver.see("step 59")
        view = driver.app.screen.query_one(LogView)
        assert view.window.stores[0].time(5) == 1_700_000_005.0
        await driver.press("E")
        await driver.see("▸ step 20")
        await driver.press("slash")
        await driver.type("step 3")
        await driver.press("enter", "n")
        await driver.see("match 2 of 10", "▸ step 31")
        await driver.press("y")
        await driver.until(lambda: copies == ["step 31"])
        await driver.press("escape", "m", "m")
        await driver.see("warnings and up", "1 of 60 lines")
