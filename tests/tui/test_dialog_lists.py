"""Lists in questions are moved in as every other list."""

from __future__ import annotations

from textual.widgets import OptionList

from flowtui.config import user_file
from flowtui.tui.screens.dialogs import Choice, ChoiceDialog
from tests.tui.driving import running
from tests.tui.memory import MemoryWorkspace


async def test_letters_ends_and_counts(workspace: MemoryWorkspace) -> None:
    choices = tuple(Choice(str(n), f"Choice {n}", "") for n in range(9))
    answers: list[str | None] = []
    async with running(workspace) as driver:
        driver.app.push_screen(ChoiceDialog("Which?", "", choices), answers.append)
        await driver.pilot.pause()
        options = driver.app.screen.query_one(OptionList)
        places: list[int | None] = []
        for key in ("j", "k", "k", "G", "j", "g"):
            await driver.press(key)
            places.append(options.highlighted)
        assert places == [1, 0, 0, 8, 8, 0]
        await driver.press("4", "j", "2", "k", "3", "j")
        assert options.highlighted == 5
        await driver.press("3", "G", "enter")
        assert answers == ["2"]


async def test_hints_name_the_key_in_force(workspace: MemoryWorkspace) -> None:
    file = user_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('[keys]\n"flows.clear_filter" = "f9"\n')
    async with running(workspace) as driver:
        await driver.press("slash")
        await driver.type("no such flow")
        await driver.press_and_settle("enter")
        await driver.see("F9 shows all")
