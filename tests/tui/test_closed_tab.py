"""A browser's tab that closes ends the app as a lost terminal does, not behind its back."""

from __future__ import annotations

import signal

import pytest
from textual.messages import ExitApp

from flowtui.deploy.events import Stage
from flowtui.project_state import ProjectState
from flowtui.tui import embedded
from tests.tui.driving import running
from tests.tui.memory import MemoryWorkspace


async def test_deploys_the_server_and_what_is_remembered(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[bool] = []

    async def stop(_: embedded.EmbeddedServer) -> None:
        stopped.append(True)

    monkeypatch.setattr(embedded.EmbeddedServer, "stop", stop)
    written: list[ProjectState] = []
    async with running(workspace) as driver:
        write = driver.app.remembering.write

        async def noticed() -> None:
            await write()
            written.append(driver.app.session.remembered)

        monkeypatch.setattr(driver.app.remembering, "write", noticed)
        await driver.press_and_settle("enter")
        await driver.press("enter")
        await driver.until(lambda: bool(workspace.deploys))
        workspace.deploys[0].start(Stage.SERIALIZE)
        # What Textual's driver for browsers posts when the tab is closed.
        driver.app.post_message(ExitApp())
        await driver.until(lambda: driver.app.return_code == 128 + signal.SIGHUP)
        assert workspace.deploys[0].result is not None
        assert not driver.app.session.deploys.running
        assert stopped
        assert written


async def test_leaving_by_the_key_is_still_an_end_without_error(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await driver.press("q")
        await driver.until(lambda: driver.app._exit)
        assert driver.app.return_code == 0
