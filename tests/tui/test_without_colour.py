"""Without colour: jump mode shows what it labels, and the palette where its cursor is."""

from __future__ import annotations

import pytest

from tests.tui.driving import running
from tests.tui.memory import MemoryWorkspace


async def test_what_is_labelled_stays_in_view(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(workspace) as driver:
        await driver.press("apostrophe")
        await driver.see("flows/typo.py", "not deployed", "Projects")


async def test_the_cursor_of_the_palette_is_underlined(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(workspace) as driver:
        await driver.press_and_settle("ctrl+p")
        await driver.type("Show: Graph")
        await driver.see("of etl")
        await driver.until(
            lambda: any(
                segment.style is not None and segment.style.underline and "Graph" in segment.text
                for strip in driver.app.screen._compositor.render_strips()
                for segment in strip
            )
        )
