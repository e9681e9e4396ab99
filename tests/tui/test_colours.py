"""Colours of a theme for Rich: in every theme a log line and a mark can be drawn."""

from __future__ import annotations

import pytest
from rich.style import Style

from flowtui.tui.looks.colours import colour_style
from tests.tui.driving import running
from tests.tui.memory import MemoryWorkspace

NAMES = ("accent", "success", "warning", "error", "secondary", "muted", "faint")


@pytest.mark.slow
async def test_every_theme_gives_a_style_for_every_name(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        for theme in driver.app.available_themes:
            driver.app.theme = theme
            await driver.settled()
            assert [name for name in NAMES if colour_style(driver.app, name) == Style()] == [], (
                theme
            )


async def test_what_is_no_colour_leaves_the_foreground(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        assert colour_style(driver.app, "no such name", bold=True) == Style(bold=True)
