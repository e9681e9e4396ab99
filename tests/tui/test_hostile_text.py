"""Names from outside in every list, tree, dialog and notification: text, and nothing but text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.deploy.events import Outcome, Stage, log_line, problem_found
from flowtui.errors import ControlPlaneError
from flowtui.models import Discovery, FlowState, Origin, Problem, Profile
from tests.tui.driving import Driver, running
from tests.tui.memory import ADDRESS, MemoryWorkspace, broken, flow

pytestmark = pytest.mark.slow

CLICK = "[@click=app.quit]x[/]"
CLOSING = "[/a]"
CLIPBOARD = "pwn\x1b]52;c;aGVsbG8=\x07ed"
SEQUENCES = (
    CLIPBOARD,
    "pwn\x1b]0;title\x1b\\ed",
    "pwn\x1b[2Jed",
    "pwn\x1b[?1049led",
    "pwn\x1b[6ned",
    "pwn\x1bP1$r\x1b\\ed",
    "pwn\x9b2Jed",
    "pwn\u202eed",
    "pwn\x00\x7fed",
)
HOSTILE = (CLICK, CLOSING, " ".join(SEQUENCES))


def check(driver: Driver) -> None:
    """No control character on its way to the terminal, and the app still runs."""
    for strip in driver.app.screen._compositor.render_strips():
        for segment in strip:
            bad = [c for c in segment.text if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c == "\u202e"]
            assert not bad, repr(segment.text)
            meta = segment.style.meta if segment.style is not None else {}
            assert "@click" not in meta
    assert driver.app.is_running
    assert driver.app._exception is None


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
async def test_through_every_screen(name: str, tmp_path: Path) -> None:
    workspace = MemoryWorkspace(tmp_path, replace(PROFILE, name=name))
    workspace.server.add_project(name)
    workspace.server.add_version(name, name)
    workspace.found = Discovery(
        str(tmp_path), (flow(name, f"{name}.py"),), (broken(f"z{name}.py", f"bad {name}"),)
    )
    workspace.states = {name: (FlowState.CHANGED, f"differs: {name}")}
    async with running(workspace, size=(120, 36)) as driver:
        check(driver)
        await driver.press("1")
        await driver.press_and_settle("enter")
        await driver.press("j")
        await driver.press_and_settle("enter")
        check(driver)
        for key in ("x", "e", "n"):
            await driver.press(key)
            check(driver)
            await driver.press("escape")
        await driver.press("j", "a")
        check(driver)
        await driver.press("escape", "2", "j")
        check(driver)
        await driver.press("exclamation_mark")
        check(driver)
        await driver.press("escape", "ctrl+p")
        await driver.type("Deploy")
        await driver.until(lambda: "Deploy: " in driver.screen_text())
        check(driver)
        await driver.press("escape")
        await driver.press_and_settle("5")
        check(driver)
        await driver.press("escape", "k")
        await driver.press_and_settle("enter")
        for key in "1234":
            await driver.press(key)
            check(driver)
        await driver.press("enter")
        await driver.until(lambda: len(workspace.deploys) == 1)
        run = workspace.deploys[0]
        run.start(Stage.BUILD)
        run.emit(log_line(run.id, Stage.BUILD, f"log {name}"))
        run.emit(problem_found(run.id, Stage.BUILD, Problem(name, name, name)))
        run.fail(Stage.BUILD)
        await driver.until(lambda: "log " in driver.screen_text())
        check(driver)
        await driver.press("escape")
        run.finish(Outcome.FAILED, exit_code=1, reason=name, image=name)
        await driver.idle()
        check(driver)
        workspace.server.refusal = ControlPlaneError(name, where=name, fix=name)
        await driver.press_and_settle("r")
        driver.app.say(name, title=name)
        await driver.settled()
        check(driver)
        await driver.press("4")
        check(driver)


PROFILE = Profile("memory", ADDRESS, Origin.COMMAND_LINE)


async def test_what_looks_like_markup_is_shown_as_it_is(tmp_path: Path) -> None:
    workspace = MemoryWorkspace(tmp_path)
    workspace.found = Discovery(str(tmp_path), (flow("[ERROR] x"), flow(CLICK, "b.py")))
    async with running(workspace, size=(120, 36)) as driver:
        assert "[ERROR] x" in driver.screen_text()
        assert CLICK in driver.screen_text()
        driver.app.say("[ERROR] said")
        await driver.settled()
        assert "[ERROR] said" in driver.screen_text()
