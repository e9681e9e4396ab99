"""A deploy that runs with its build log in front, at 80x24 unless said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from flowtui.deploy.events import Level, Outcome, Stage, log_line
from flowtui.tui.widgets.log.view import LogView
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryDeploy, MemoryWorkspace


class LogDriver:
    def __init__(self, driver: Driver, run: MemoryDeploy) -> None:
        self.driver, self.run = driver, run
        self.press, self.see, self.until = driver.press, driver.see, driver.until
        self.type, self.said = driver.type, driver.said

    @property
    def view(self) -> LogView:
        return self.driver.app.screen.query_one(LogView)

    def emit(self, text: str, level: Level = Level.INFO, stage: Stage = Stage.BUILD) -> None:
        self.run.emit(log_line(self.run.id, stage, text, level))

    def text(self) -> str:
        return self.driver.screen_text()

    async def see_gone(self, words: str) -> None:
        await self.until(lambda: words not in self.text())

    def seen(self) -> list[str]:
        """The rows of the log, without the margin's sign and without what is empty."""
        size = self.view.size
        rows = ["".join(s.text for s in self.view.render_line(y)) for y in range(size.height)]
        return [row[2 : size.width - 1].rstrip() for row in rows if row.strip()]


@asynccontextmanager
async def building(
    workspace: MemoryWorkspace, *, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[LogDriver]:
    async with running(workspace, size=size) as driver:
        await driver.press("enter")
        await driver.see("nothing is done until")
        await driver.press("enter")
        await driver.until(lambda: len(workspace.deploys) == 1)
        run = workspace.deploys[0]
        run.start(Stage.BUILD)
        await driver.see("Log: build")
        yield LogDriver(driver, run)
        run.finish(Outcome.CANCELLED)
        await driver.idle()
