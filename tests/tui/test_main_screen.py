"""The screen to live in, by keys alone at 80x24."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from flowtui.errors import ControlPlaneError
from flowtui.models import Discovery, FlowState
from flowtui.tui.screens.connection import ConnectionScreen
from flowtui.tui.screens.help import HelpScreen
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.screens.managing import ProjectDialog
from flowtui.tui.session import Link
from flowtui.tui.widgets.detail import DetailPane
from flowtui.tui.widgets.flows import FlowTable, columns_for
from flowtui.tui.widgets.project_tree import ProjectTree
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace, broken, flow


def table(driver: Driver) -> FlowTable:
    return driver.app.screen.query_one(FlowTable)


def selected(driver: Driver) -> str:
    row = table(driver).row
    return row.name if row is not None else ""


async def test_state_name_file_and_version_of_every_flow_are_on_the_screen(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        lines = driver.screen_text().splitlines()
    for words in (
        ("✓ up to date", "etl", "etl.py:12", "v2"),
        ("◆ changed", "report", "report.py:4", "v1"),
        ("✗ broken", "typo.py", "typo.py:7"),
        ("○ not deployed", "hello", "hello.py:9"),
    ):
        assert any(all(word in line for word in words) for line in lines), words
    assert "connected" in lines[0]
    assert "127.0.0.1:4999" in lines[0]
    assert "3 flows 1 broken 1 problem" in lines[0]


async def test_nothing_is_wider_or_taller_than_the_terminal(workspace: MemoryWorkspace) -> None:
    for size in ((60, 20), (80, 24), (160, 45)):
        async with running(workspace, size=size) as driver:
            lines = driver.screen_text().splitlines()
            assert len(lines) == size[1]
            flows = table(driver)
            assert flows.virtual_size.width <= flows.size.width, size


def test_columns_fill_the_width_and_never_more() -> None:
    for width in range(40, 200):
        columns = columns_for(width)
        used = sum(column.width + 2 for column in columns)
        assert used <= width
        assert all(column.width > 0 for column in columns)


async def test_vim_and_arrow_keys_move_the_cursor_and_the_details_follow(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        assert selected(driver) == "etl"
        await driver.press("j")
        assert selected(driver) == "report"
        assert "sources differ from version 1" in driver.screen_text()
        await driver.press("down")
        assert "invalid syntax" in driver.screen_text()
        assert "flows/typo.py:7:3" in driver.screen_text()
        await driver.press("G")
        assert selected(driver) == "hello"
        await driver.press("k", "g")
        assert selected(driver) == "etl"


async def test_number_keys_jump_between_the_panes(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        for key, kind in (("1", ProjectTree), ("3", DetailPane), ("2", FlowTable)):
            await driver.press(key)
            assert isinstance(driver.app.screen.focused, kind)


async def test_rows_follow_the_files_and_keep_cursor_filter_and_scroll(
    workspace: MemoryWorkspace,
) -> None:
    many = tuple(flow(f"flow {number:03}", f"f{number:03}.py", 1) for number in range(60))
    workspace.found = Discovery(str(workspace.root), many)
    async with running(workspace) as driver:
        await driver.press(*["j"] * 40)
        assert selected(driver) == "flow 040"
        scroll = table(driver).scroll_offset.y
        assert scroll > 0
        new = flow("aaa first", "a.py", 1)
        workspace.change(Discovery(str(workspace.root), (new, *many)), "a.py")
        await driver.until(lambda: table(driver).row_count == 61)
        await driver.idle()
        assert selected(driver) == "flow 040"
        assert abs(table(driver).scroll_offset.y - scroll) <= 1
        gone = tuple(each for each in many if each.name != "flow 040")
        workspace.change(Discovery(str(workspace.root), gone, (broken("a.py"),)), "f040.py", "a.py")
        await driver.until(lambda: table(driver).row_count == 60)
        await driver.idle()
        assert "1 broken" in driver.screen_text()
        assert selected(driver) in ("flow 039", "flow 041")


async def test_filter_narrows_as_it_is_typed_and_escape_shows_all(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await driver.press("slash")
        await driver.type("report")
        assert table(driver).row_count == 1
        assert "filter: report (1)" in driver.screen_text()
        await driver.press("enter")
        assert isinstance(driver.app.screen.focused, FlowTable)
        assert selected(driver) == "report"
        await driver.press("escape")
        assert table(driver).row_count == 4
        await driver.press("slash")
        await driver.type("broken")
        assert selected(driver) == "flows/typo.py"
        await driver.press("escape")
        assert table(driver).row_count == 4
        assert driver.app.screen.query_one("#filter", Input).value == ""
        assert not driver.app._notifications


async def test_a_filter_that_nothing_matches_is_no_dead_end(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("slash")
        await driver.type("zzz")
        await driver.press("enter")
        assert table(driver).row_count == 0
        await driver.press("d")
        assert isinstance(driver.app.screen, MainScreen)
        await driver.press("escape")
        assert table(driver).row_count == 4


async def test_an_empty_folder_says_what_to_do(workspace: MemoryWorkspace) -> None:
    workspace.found = Discovery(str(workspace.root), (), (), 5)
    async with running(workspace, size=(160, 45)) as driver:
        text = driver.screen_text()
    assert "No flows in" in text
    assert "5 Python files were looked at" in text


async def test_a_server_that_is_down_is_shown_with_what_to_do(workspace: MemoryWorkspace) -> None:
    workspace.server_is_up = False
    async with running(workspace) as driver:
        text = driver.screen_text()
        assert "not connected" in text.splitlines()[0]
        assert "? unknown" in text
        assert "nothing answers at this address" in text
        assert "start it, or check the address" in text
        workspace.server_is_up = True
        await driver.press_and_settle("r")
        assert driver.app.session.connection.link is Link.CONNECTED
        assert "✓ up to date" in driver.screen_text()


async def test_a_server_lost_on_the_way_is_a_problem_and_no_crash(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        workspace.server.refusal = ControlPlaneError("the server went away", fix="start it again")
        await driver.press_and_settle("r")
        await driver.press("exclamation_mark")
        text = driver.screen_text()
        assert "the server went away" in text
        assert "start it again" in text
        await driver.press("escape")
        assert isinstance(driver.app.screen, MainScreen)


async def test_a_key_that_cannot_be_used_is_grey_and_says_why(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("j", "j")
        await driver.press("enter")
        assert isinstance(driver.app.screen, MainScreen)
        assert "this file is broken" in _said(driver)
        await driver.press_and_settle("4")
        assert "Nothing was deployed from this folder yet" in driver.screen_text()
        await driver.press("enter")
        assert "nothing was deployed from this folder yet" in _said(driver)
        await driver.press("escape")
        assert "4 deploys" in driver.screen_text().splitlines()[-1]


@pytest.mark.slow
async def test_help_lists_the_pane_in_front_first(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(100, 45)) as driver:
        await driver.press("1", "question_mark")
        assert isinstance(driver.app.screen, HelpScreen)
        text = driver.screen_text()
        assert text.index("Delete the project") < text.index("Main screen")
        await driver.press("escape", "2", "question_mark")
        assert "Show what a deploy would do" in driver.screen_text()
        await driver.press("q")
        assert isinstance(driver.app.screen, MainScreen)


async def test_the_palette_finds_actions_flows_and_projects(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("ctrl+p")
        await driver.type("connection")
        await driver.until(lambda: "connection  5" in driver.screen_text())
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, ConnectionScreen))
        await driver.press("escape", "ctrl+p")
        await driver.type("Project: My")
        await driver.until(lambda: "Project: My Project" in driver.screen_text())
        await driver.press("enter")
        tree = driver.app.screen_stack[0].query_one(ProjectTree)
        await driver.until(lambda: tree.has_focus and tree.project is not None)
        assert tree.project is not None
        assert tree.project.name == "My Project"


async def test_states_are_told_in_ascii_where_the_locale_has_no_glyphs(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWTUI_ASCII", "1")
    async with running(workspace) as driver:
        text = driver.screen_text()
        assert "+ up to date" in text
        assert "! changed" in text
        assert driver.app.glyphs.ascii


async def test_the_theme_switches_and_colours_follow(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        dark = driver.app.export_screenshot()
        await driver.press("t")
        assert driver.app.theme == "flowtui-light"
        assert driver.app.export_screenshot() != dark
        await driver.press("t")
        assert driver.app.theme == "flowtui-dark"


async def test_two_flows_of_one_name_in_one_file_are_two_rows(workspace: MemoryWorkspace) -> None:
    twice = (flow("same", "a.py", 1), flow("same", "a.py", 20))
    workspace.found = Discovery(str(workspace.root), twice)
    workspace.states = {"same": (FlowState.BROKEN, "2 flows here are named “same”")}
    async with running(workspace) as driver:
        assert table(driver).row_count == 2
        await driver.press("j", "enter")
        assert isinstance(driver.app.screen, MainScreen)


def _said(driver: Driver) -> str:
    return "\n".join(notification.message for notification in driver.app._notifications)


async def test_a_key_right_after_a_jump_is_heard_by_the_pane_jumped_to(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        for key in ("1", "n"):
            driver.app.simulate_key(key)
        await driver.until(lambda: isinstance(driver.app.screen, ProjectDialog))


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light", "textual-dark", "nord"])
async def test_every_theme_has_the_colours_that_are_named(
    workspace: MemoryWorkspace, theme: str
) -> None:
    async with running(workspace) as driver:
        driver.app.theme = theme
        await driver.press("j", "question_mark", "escape")
        assert "◆ changed" in driver.screen_text()


async def test_without_colour_states_are_still_told(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(workspace) as driver:
        assert driver.app.native_ansi_color
        assert "◆ changed" in driver.screen_text()
        assert "✗ broken" in driver.screen_text()
