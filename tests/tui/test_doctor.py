"""The doctor's screen, by keys alone, on looks that the test answers."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from flowtui import paths
from flowtui.doctor.checks import Check, Examination, Group, State
from flowtui.doctor.subject import Subject
from flowtui.tui.screens.doctor import CheckScreen, DoctorList, DoctorScreen
from flowtui.tui.screens.main import MainScreen
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace

HOSTILE = "[@click=app.quit]x[/] [/a] \x1b]52;c;evil\x07 done"


class Looks:
    """Two looks, one of which waits until the test lets it end."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.loads: list[bool] = []
        self.second: tuple[Check, ...] = (
            Check("engine", State.BAD, "no engine", "start the engine"),
        )

    def __call__(self, subject: Subject, *, load: bool = False) -> tuple[Examination, ...]:
        self.loads.append(load)
        return (
            Examination(Group.FLOWTUI, "version", self._first),
            Examination(Group.DOCKER, "engine", self._second),
        )

    async def _first(self) -> Sequence[Check]:
        return (Check("version", State.OK, f"1.0 {HOSTILE}"),)

    async def _second(self) -> Sequence[Check]:
        await self.gate.wait()
        return self.second


async def opened(driver: Driver) -> Looks:
    looks = Looks()
    driver.app.doctoring.examinations = looks
    await driver.press("6")
    await driver.until(lambda: isinstance(driver.app.screen, DoctorScreen))
    return looks


async def test_lines_come_as_they_are_found(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        looks = await opened(driver)
        text = await driver.see("✓ version", "· engine           looking", "looking, 2 of 3")
        assert "no engine" not in text
        await driver.press("y")
        assert "the doctor is still looking" in driver.said()
        looks.gate.set()
        await driver.see("✗ engine", "next: start the engine", "Doctor: 1 bad")


async def test_outside_text_is_shown_as_text(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(120, 30)) as driver:
        looks = await opened(driver)
        looks.gate.set()
        await driver.see("[@click=app.quit]x[/] [/a]", "done")


async def test_keys_open_a_line_look_again_and_leave(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        looks = await opened(driver)
        looks.gate.set()
        await driver.idle()
        await driver.press("n", "enter")
        assert isinstance(driver.app.screen, CheckScreen)
        assert "start the engine" in driver.screen_text()
        await driver.press("escape")
        looks.second = (Check("engine", State.OK, "there"),)
        await driver.press_and_settle("r")
        assert "everything is well" in driver.screen_text()
        await driver.press("n")
        assert "nothing is wrong so far" in driver.said()
        await driver.press_and_settle("l")
        assert looks.loads == [False, False, True]
        await driver.press("escape")
        assert isinstance(driver.app.screen, MainScreen)


async def test_the_cursor_stays_on_its_line_while_others_come(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        looks = await opened(driver)
        await driver.see("looking, 2 of 3")
        await driver.press("G", "k")
        lines = driver.app.screen.query_one(DoctorList)
        before = lines.highlighted_option
        looks.gate.set()
        await driver.idle()
        after = lines.highlighted_option
        assert before is not None and after is not None and before.id == after.id
        assert before is not after


async def test_the_report_is_saved_for_this_user_alone(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        looks = await opened(driver)
        looks.gate.set()
        await driver.idle()
        await driver.press_and_settle("s")
        (file,) = saved()
        assert "- BAD     engine: no engine" in file.read_text()
        assert "\x1b" not in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert str(file) in driver.said()


def saved() -> list[Path]:
    return list((paths.data_dir() / "reports").iterdir())


async def test_leaving_ends_what_is_still_looked_at(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await opened(driver)
        await driver.see("looking, 2 of 3")
        await driver.press("escape")
        await driver.idle()
        assert isinstance(driver.app.screen, MainScreen)


async def test_without_colour_the_cursor_is_still_seen(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(workspace) as driver:
        looks = await opened(driver)
        looks.gate.set()
        await driver.idle()
        lines = driver.app.screen.query_one(DoctorList)
        underlined = [
            any(segment.style is not None and segment.style.underline for segment in strip)
            for strip in (lines.render_line(y) for y in range(6))
        ]
        assert underlined == [False, True, False, False, False, False]
