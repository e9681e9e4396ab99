"""Help, problems, settings: lists in front of the screen, by keys alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flowtui.config import user_file
from flowtui.models import Discovery
from flowtui.tui.messages import Part
from flowtui.tui.screens.help import HelpScreen
from flowtui.tui.screens.sheet import SheetList
from flowtui.tui.widgets.flows import FlowTable
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace, flow


@pytest.fixture
def written() -> Callable[[str], object]:
    """Writes the user's file."""
    user_file().parent.mkdir(parents=True, exist_ok=True)
    return user_file().write_text


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, int | None]]:
    """What the editor was asked to open; a test has no terminal to give it."""
    asked: list[tuple[Path, int | None]] = []
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.setattr(
        "flowtui.tui.work.editing.Editing.edit", lambda _, place: asked.append(place.found())
    )
    return asked


def _on_sheet(driver: Driver) -> str:
    line = driver.app.screen.query_one(SheetList).line
    return line.content.plain if line is not None else ""


# ------------------------------------------------------------------------------------------- help


@pytest.mark.slow
async def test_help_filters_says_reasons_and_does_the_line(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(100, 40)) as driver:
        await driver.press("question_mark", "slash")
        await driver.type("start server")
        screen = await driver.see(
            "Start a server here",
            "(a server answers",
        )
        assert "Look at the folder" not in screen
        await driver.press("enter", "enter")
        assert isinstance(driver.app.screen, HelpScreen)
        assert "a server answers" in driver.said()
        await driver.press("escape")
        await driver.see("Look at the folder")
        await driver.press("slash")
        await driver.type("profiles, log in")
        await driver.press("enter", "enter")
        await driver.idle()
        assert driver.app.screen.query("#profiles")


async def test_help_tells_the_command_line_and_the_name_for_the_file(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.root)
    async with running(workspace, size=(100, 40)) as driver:
        await driver.press("question_mark")
        await driver.see("keys.flows.deploy")
        await driver.see("flows/etl.py:etl")


@pytest.mark.slow
async def test_help_with_nothing_found_says_so(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("question_mark", "slash")
        await driver.type("zzzz")
        await driver.see("No line has this text.")
        await driver.press("escape", "escape")
        assert len(driver.app.screen_stack) == 1


# ----------------------------------------------------------------------------------------- counts


@pytest.mark.slow
async def test_counts_move_in_sheets_and_escape_drops_them(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(100, 40)) as driver:
        await driver.press("question_mark")
        first = _on_sheet(driver)
        await driver.press("3")
        await driver.see("3…")
        await driver.press("j")
        await driver.until(lambda: "3…" not in driver.screen_text())
        third = _on_sheet(driver)
        await driver.press("g", "j", "j", "j")
        assert _on_sheet(driver) == third != first
        await driver.press("2", "G", "2", "escape")
        assert isinstance(driver.app.screen, HelpScreen)
        await driver.press("9", "9", "9", "9", "9", "9", "k")
        assert _on_sheet(driver) == first


@pytest.mark.slow
async def test_a_count_stands_in_the_sheet_and_not_in_the_bar_behind(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace, size=(100, 40)) as driver:
        await driver.press("question_mark", "3")
        driver.app.session_changed.publish(Part.CONNECTION)
        await driver.settled()
        assert driver.screen_text().count("3…") == 1
        await driver.press("j")
        assert "3…" not in driver.screen_text()


@pytest.mark.slow
async def test_on_the_main_screen_digits_go_to_panes(workspace: MemoryWorkspace) -> None:
    workspace.found = Discovery(str(workspace.root), tuple(flow(f"f{n}") for n in range(30)), (), 1)
    async with running(workspace) as driver:
        table = driver.app.screen.query_one(FlowTable)
        before = table.row
        await driver.press("9", "j", "k")
        assert table.row == before
        await driver.press("1")
        assert _focused(driver) == "projects"


# ------------------------------------------------------------------------------ problems, settings


@pytest.mark.slow
async def test_a_problem_opens_in_the_editor_at_its_line(
    workspace: MemoryWorkspace, editor: list[tuple[Path, int | None]]
) -> None:
    file = workspace.root / "flows" / "typo.py"
    file.parent.mkdir()
    file.touch()
    async with running(workspace) as driver:
        await driver.press("exclamation_mark", "e")
        await driver.idle()
        assert editor == [(file, 7)]


@pytest.mark.slow
async def test_a_flow_opens_in_the_editor_at_its_line(
    workspace: MemoryWorkspace, editor: list[tuple[Path, int | None]]
) -> None:
    file = workspace.root / "flows" / "etl.py"
    file.parent.mkdir()
    file.touch()
    async with running(workspace) as driver:
        await driver.press("e")
        assert editor == [(file, 12)]


@pytest.mark.slow
async def test_without_an_editor_it_says_why(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor -x")
    async with running(workspace) as driver:
        await driver.press("e")
        assert "there is no editor “no-such-editor”" in driver.said()


@pytest.mark.slow
async def test_settings_show_origins_and_open_the_line(
    workspace: MemoryWorkspace,
    written: Callable[[str], object],
    editor: list[tuple[Path, int | None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLOWTUI_MOUSE", "off")
    written('[ui]\n# mine\nlog_rate = 4\n[keys]\nflows.filter = "f5"\n')
    async with running(workspace, size=(110, 60)) as driver:
        await driver.press("comma")
        await driver.idle()
        await driver.press("slash")
        await driver.type("ui.")
        await driver.see(
            "user configuration",
            "environment",
        )
        await driver.press("enter")
        while "log_rate" not in _on_sheet(driver):
            await driver.press("j")
        await driver.see("Paints a second")
        await driver.press("e", "escape", "slash")
        await driver.type("keys.flows.filter")
        await driver.press("enter", "e")
        assert editor == [(user_file(), 3), (user_file(), 5)]


@pytest.mark.slow
async def test_keys_count_as_soon_as_the_file_is_read_again(
    workspace: MemoryWorkspace, written: Callable[[str], object]
) -> None:
    async with running(workspace, size=(120, 30)) as driver:
        await driver.see("/ filter")
        written('[keys]\nflows.filter = "f5"\n[ui]\nmouse = 3\n')
        driver.app.configuring.read()
        await driver.idle()
        await driver.see("F5 filter")
        await driver.press("f5")
        assert driver.app.screen.query_one("#filter").has_class("-open")
        assert "ui.mouse" in driver.app.session.settings_problems[0].what


# ------------------------------------------------------------------------------------------- jump


@pytest.mark.slow
async def test_a_letter_goes_to_a_pane_or_a_tab(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(120, 36)) as driver:
        await driver.press("apostrophe", "a")
        assert _focused(driver) == "projects"
        await driver.press("apostrophe", "s")
        assert _focused(driver) == "flows"
        await driver.press("apostrophe")
        labels = [label.content for label in driver.app.screen.query(".jump-label")]
        assert len(labels) > 4
        await driver.press("escape")
        assert _focused(driver) == "flows"
        await driver.press("apostrophe", "g")
        assert _focused(driver) == "details"


@pytest.mark.slow
async def test_a_key_that_is_no_label_changes_nothing(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("apostrophe", "f12")
        assert len(driver.app.screen_stack) == 1
        assert _focused(driver) == "flows"


def _focused(driver: Driver) -> str | None:
    focused = driver.app.focused
    return focused.id if focused is not None else None
