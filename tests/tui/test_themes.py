"""Every theme can be used; the one chosen is remembered for the folder."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from flowtui.tui.looks.themes import DARK, LIGHT, named_for
from tests.tui.driving import running
from tests.tui.memory import MemoryWorkspace

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", BUILTIN_THEMES)
def test_what_a_theme_does_not_name_is_made_of_its_own_colours(name: str) -> None:
    theme = BUILTIN_THEMES[name]
    made = named_for(theme, theme.to_color_system().generate())
    assert made.keys() == {"muted", "faint", "selected"}
    if not theme.ansi:
        ground = Color.parse(theme.to_color_system().generate()["surface"])
        assert ground.get_contrast_text() is not None
        muted, faint = Color.parse(made["muted"]), Color.parse(made["faint"])
        assert abs(muted.brightness - ground.brightness) > abs(faint.brightness - ground.brightness)


async def test_every_theme_paints_the_screen(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        for name in driver.app.available_themes:
            driver.app.theme = name
            await driver.settled()
            await driver.see("Flows")


async def test_t_goes_between_dark_and_light_and_is_remembered(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        assert driver.app.theme == DARK.name
        await driver.press("t")
        assert driver.app.theme == LIGHT.name
        await driver.app.remembering.write()
    async with running(workspace) as driver:
        await driver.until(lambda: driver.app.theme == LIGHT.name)


async def test_the_environment_is_stronger(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(workspace) as driver:
        await driver.press("t")
        await driver.app.remembering.write()
    monkeypatch.setenv("FLOWTUI_THEME", "nord")
    async with running(workspace) as driver:
        await driver.idle()
        assert driver.app.theme == "nord"


async def test_the_palette_chooses_a_theme(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(100, 40)) as driver:
        await driver.press("ctrl+p")
        await driver.type("theme: dracula")
        await driver.see("Theme: dracula")
        await driver.press("down", "enter")
        await driver.until(lambda: driver.app.theme == "dracula")
