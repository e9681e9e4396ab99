"""The detail pane: one tab at a time, at once from what is known, nothing read for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.deploy.events import DeployFinished, DeployStarted, Outcome
from flowtui.models import FlowState
from flowtui.tui.looks.highlighting import Ink, highlighted, read_source
from flowtui.tui.widgets.detail import DetailPane
from flowtui.tui.widgets.detail.tab import tab_at, tab_line
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace

TITLES = ("Info", "Graph", "Changes", "Versions", "Runs", "Problems", "Source")


def pane(driver: Driver) -> DetailPane:
    return driver.app.screen.query_one(DetailPane)


async def open_tab(driver: Driver, title: str) -> None:
    for _ in pane(driver).tabs:
        if pane(driver).tab.title == title:
            return
        await driver.press("right_square_bracket")
    raise AssertionError(f"there is no tab {title}")


@pytest.mark.parametrize("width", [20, 30, 40, 52, 80])
def test_the_shown_tab_is_always_named_and_nothing_is_too_wide(width: int) -> None:
    for number, title in enumerate(TITLES):
        line = tab_line(TITLES, number, width)
        assert f"[{title}]" in line.plain
        assert line.cell_length <= width


def test_moving_along_the_tabs_moves_no_title() -> None:
    places = {tuple(tab_line(TITLES, n, 80).plain.find(t) for t in TITLES) for n in range(7)}
    assert len(places) == 1
    line = tab_line(TITLES, 2, 80).plain
    assert tab_at(TITLES, line, line.find("Runs") + 2) == 4
    assert tab_at(TITLES, line, 79) is None


async def test_brackets_turn_the_tabs_from_anywhere_and_arrows_inside(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        first = pane(driver).tab.title
        await driver.press("1", "right_square_bracket", "left_square_bracket")
        assert pane(driver).tab.title == first
        await driver.press("left_square_bracket", "2", "right_square_bracket")
        assert pane(driver).tab.title == first
        await driver.press("3", "l", "right", "h", "left")
        assert pane(driver).tab.title == first
        assert pane(driver).has_focus


async def test_every_tab_says_something_of_every_row(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        for _ in pane(driver).tabs:
            for _ in range(4):
                assert any(line.plain.strip() for line in pane(driver)._page.lines)
                await driver.press("j")
            await driver.press("g", "right_square_bracket")


async def test_the_registered_flow_is_asked_for_once_the_cursor_rests_and_never_twice(
    workspace: MemoryWorkspace,
) -> None:
    workspace.server.serialized["v2"] = {"parameters": [{"name": "country", "required": True}]}
    async with running(workspace) as driver:
        await driver.see("country (required)")
        await driver.press("j", "k")
        await driver.see("country (required)")
        assert workspace.server.asked_for.count("v2") == 1


async def test_what_the_cursor_left_is_not_read_any_more(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.until(lambda: workspace.server.asked_for == ["v2"])
        await driver.press("j", "G")
        assert not [w for w in driver.app.workers if w.group == "describe" and not w.is_finished]


async def test_problems_of_the_flow_come_with_what_to_do(workspace: MemoryWorkspace) -> None:
    workspace.states["hello"] = (FlowState.BROKEN, "2 flows here are named “hello”: rename one")
    async with running(workspace) as driver:
        await open_tab(driver, "Problems")
        assert "Nothing is known to be wrong with etl" in driver.screen_text()
        await driver.press("j", "j")
        assert "invalid syntax" in driver.screen_text()
        await driver.press("j")
        assert "2 flows here are named “hello”" in driver.screen_text()
        assert "correct the file" in driver.screen_text()


async def test_versions_have_a_cursor_that_the_actions_see(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await open_tab(driver, "Versions")
        await driver.press("3")
        version = pane(driver).facts().version
        assert version is not None
        assert (version.name, version.version) == ("etl", 2)


FLOW = {
    "tasks": [{"name": "extract", "slug": "e"}, {"name": "load", "slug": "l"}],
    "edges": [{"upstream_task": {"slug": "e"}, "downstream_task": {"slug": "l"}}],
}


async def test_the_graph_is_drawn_from_what_is_registered_else_from_the_plan(
    workspace: MemoryWorkspace,
) -> None:
    workspace.server.serialized["v2"] = FLOW
    async with running(workspace, size=(80, 45)) as driver:
        await open_tab(driver, "Graph")
        text = await driver.see("[extract]", "[load]", "▼")
        assert "2 tasks  as of version 2" in text
        await driver.press("G")
        assert "Enter plans a deploy: its graph is drawn" in driver.screen_text()
        await driver.press("enter")
        await driver.see("nothing is done until you press Enter")
        await driver.press("escape")
        assert "as planned last" in await driver.see("[task #1]", "[task #2]")
        await driver.press("g", "j")
        await driver.see("The control plane does not give it back")
        await driver.press("j")
        assert "see Problems" in driver.screen_text()


@pytest.mark.slow
async def test_a_large_graph_is_drawn_beside_the_screen_and_scrolls_both_ways(
    workspace: MemoryWorkspace,
) -> None:
    tasks = [{"name": f"task {n}", "slug": str(n)} for n in range(300)]
    edges = [
        {"upstream_task": {"slug": str(n // 6)}, "downstream_task": {"slug": str(n)}}
        for n in range(1, 300)
    ]
    workspace.server.serialized["v2"] = {"tasks": tasks, "edges": edges}
    async with running(workspace) as driver:
        await open_tab(driver, "Graph")
        await driver.see("300 tasks")
        await driver.press("3", "j", "j", "shift+right", "greater_than_sign")
        assert pane(driver).scroll_offset.x > 0
        assert pane(driver).scroll_offset.y == 2
        await driver.press("2", "j")
        assert pane(driver).scroll_offset == (0, 0)


def source(workspace: MemoryWorkspace, text: str) -> None:
    file = workspace.root / "flows" / "etl.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


async def test_the_source_comes_up_at_the_line_of_the_flow_and_follows_the_file(
    workspace: MemoryWorkspace,
) -> None:
    source(workspace, "".join(f"line_{n} = {n}\n" for n in range(1, 100)))
    async with running(workspace) as driver:
        await open_tab(driver, "Source")
        text = await driver.see("line_12 = 12")
        assert "▸ 12  line_12" in text
        assert "line_1 =" not in text
        source(workspace, "".join(f"other_{n} = {n}\n" for n in range(1, 100)))
        workspace.change(workspace.found, "flows/etl.py")
        await driver.see("other_12 = 12")
        await driver.press("j")
        await driver.see("cannot be read: No such file")


async def test_source_is_outside_text(workspace: MemoryWorkspace) -> None:
    source(workspace, "x = '\x1b]52;c;aGk=\x07[bold]'  # \u202e\tend\n" * 20)
    async with running(workspace) as driver:
        await open_tab(driver, "Source")
        text = await driver.see("[bold]")
        for hidden in ("\x1b", "aGk", "\u202e", "\t"):
            assert hidden not in text


@pytest.mark.parametrize(
    "text", ["", "\n\n", "x = 1", 'def f(:\n  """\n', "\ta\r\n\x0c\nb", "\nx\n\n"]
)
def test_every_text_keeps_its_lines(text: str) -> None:
    expected = text.removesuffix("\n").split("\n") if text else []
    assert len(highlighted(text)) == len(expected)


def test_pieces_tell_code_from_comments_and_strings() -> None:
    (line,) = highlighted("def f(): return 'x' + 1  # why")
    inks = {piece.text.strip(): piece.ink for piece in line}
    assert (inks["def"], inks["f"], inks["'x'"], inks["# why"]) == (
        Ink.KEYWORD,
        Ink.NAME,
        Ink.STRING,
        Ink.COMMENT,
    )


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("x = 1\n")
    first = read_source(file)
    assert read_source(file, first) is first
    file.write_text("x = 22\n")
    assert read_source(file, first) is not first
    assert read_source(tmp_path).problem


async def test_what_a_deploy_would_change_is_compared_without_building(
    workspace: MemoryWorkspace,
) -> None:
    source(workspace, "x = 1\n")
    workspace.server.serialized["v2"] = {**FLOW, "parameters": [{"name": "old", "default": 1}]}
    recorder = workspace.history.recorder(workspace.root, "", {"flows/etl.py": b"x = 0\n"})
    for event in (
        DeployStarted(deploy="d", flow="etl", target="t", project="My Project", api_url="u"),
        DeployFinished(
            deploy="d",
            flow="etl",
            outcome=Outcome.DONE,
            seconds=1,
            exit_code=0,
            version_id="v2",
        ),
    ):
        recorder(event)
    assert recorder.close() is None
    async with running(workspace, size=(160, 45)) as driver:
        await open_tab(driver, "Changes")
        text = await driver.see("~ flows/etl.py", "- x = 0", "+ x = 1")
        assert "not compared" in text
        await driver.press("enter")
        await driver.see("nothing is done until you press Enter")
        await driver.press("escape")
        text = await driver.see("- old", "+ country")
        assert "the same: schedule" in text
        source(workspace, "x = 0\n")
        workspace.change(workspace.found, "flows/etl.py")
        await driver.until(lambda: "- x = 0" not in driver.screen_text())
        assert "the same: sources" in driver.screen_text()
        await driver.press("G")
        assert "No version is registered" in driver.screen_text()
