"""How the app was left comes back, and nothing of another flowtui's is lost."""

from __future__ import annotations

from flowtui import project_state
from flowtui.project_state import ProjectState
from flowtui.tui.widgets.detail import DetailPane
from tests.tui.driving import running
from tests.tui.memory import MemoryWorkspace


async def test_the_tab_is_remembered_for_the_next_start(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("right_square_bracket")
        shown = driver.app.screen.query_one(DetailPane).tab.id
        assert shown != "overview"
        await driver.press_and_settle("q")
    assert project_state.load(workspace.root).screen["tab"] == shown
    async with running(workspace) as driver:
        assert driver.app.screen.query_one(DetailPane).tab.id == shown


async def test_what_another_flowtui_wrote_meanwhile_stays(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        remembering = driver.app.remembering
        remembering.put("filter", "etl")
        remembering.opened("b.py:b")
        other = ProjectState(hot=("a.py:a",), screen={"theme": "nord"}, recent=("a.py:a",))
        project_state.save(workspace.root, other)
        await remembering.write()
    kept = project_state.load(workspace.root)
    assert kept.hot == ("a.py:a",)
    assert kept.screen == {"theme": "nord", "filter": "etl"}
    assert kept.recent == ("b.py:b", "a.py:a")


async def test_hot_flows_are_written_as_they_are_put(workspace: MemoryWorkspace) -> None:
    project_state.save(workspace.root, ProjectState(hot=("a.py:a", "b.py:b")))
    async with running(workspace) as driver:
        assert driver.app.remembering.hot == ("a.py:a", "b.py:b")
        driver.app.remembering.put_hot(("b.py:b",))
        await driver.app.remembering.write()
    assert project_state.load(workspace.root).hot == ("b.py:b",)


async def test_a_folder_that_cannot_be_written_is_said_once(workspace: MemoryWorkspace) -> None:
    project_state.state_file(workspace.root).parent.parent.mkdir(parents=True, exist_ok=True)
    project_state.state_file(workspace.root).parent.write_text("a file where a folder should be")
    async with running(workspace) as driver:
        for value in ("a", "b"):
            driver.app.remembering.put("filter", value)
            await driver.app.remembering.write()
            await driver.settled()
        assert driver.said().count("cannot be remembered") == 1
