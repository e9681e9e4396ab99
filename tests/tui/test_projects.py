"""The project tree, by keys alone."""

from __future__ import annotations

from textual.widgets import Input

from flowtui.errors import ControlPlaneError
from flowtui.tui.screens.dialogs import ConfirmDialog, NameDialog, TypedConfirmDialog
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.screens.managing import ProjectDialog
from flowtui.tui.widgets.project_tree import ProjectTree
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace


def names(workspace: MemoryWorkspace) -> list[str]:
    return sorted(project.name for project in workspace.server.project_list)


def said(driver: Driver) -> str:
    return "\n".join(notification.message for notification in driver.app._notifications)


async def at_project(driver: Driver, name: str) -> ProjectTree:
    tree = driver.app.screen.query_one(ProjectTree)
    await driver.press("1", "g")
    while tree.project is None or tree.project.name != name:
        line = tree.cursor_line
        await driver.press("j")
        assert tree.cursor_line > line, f"{name} is not in the tree"
    return tree


async def test_projects_with_flow_counts_and_beneath_them_flows_and_versions(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        text = driver.screen_text()
        assert "1 Projects (2)" in text
        assert "Empty 0" in text
        assert "My Project 2" in text
        await at_project(driver, "My Project")
        await driver.press_and_settle("enter")
        text = driver.screen_text()
        assert "etl v2" in text
        assert "report v1" in text
        await driver.press("j")
        await driver.press_and_settle("enter")
        lines = [line.split("│")[1].strip() for line in driver.screen_text().splitlines()[2:8]]
        assert sum(1 for line in lines if " v1  " in f" {line}  " or "v1  " in line) >= 1


async def test_create(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("1", "n")
        assert isinstance(driver.app.screen, ProjectDialog)
        await driver.type("Warehouse")
        await driver.press_and_settle("enter")
        assert names(workspace) == ["Empty", "My Project", "Warehouse"]
        assert "Warehouse 0" in driver.screen_text()
        assert "Project “Warehouse” created." in said(driver)


async def test_a_name_that_is_empty_or_taken_is_refused_in_the_dialog(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await driver.press("1", "n", "enter")
        assert "Type a name first." in driver.screen_text()
        await driver.type("Empty")
        await driver.press("enter")
        assert "is there already" in driver.screen_text()
        await driver.press("escape")
        assert names(workspace) == ["Empty", "My Project"]


async def test_rename_starts_from_the_name_and_keeps_the_cursor(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        tree = await at_project(driver, "My Project")
        await driver.press("e")
        assert driver.app.screen.query_one(Input).value == "My Project"
        await driver.press("end")
        await driver.type(" 2")
        await driver.press_and_settle("enter")
        assert names(workspace) == ["Empty", "My Project 2"]
        assert tree.project is not None
        assert tree.project.name == "My Project 2"


async def test_an_empty_project_is_deleted_after_a_yes_and_enter_alone_keeps_it(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await at_project(driver, "Empty")
        await driver.press("x")
        assert isinstance(driver.app.screen, ConfirmDialog)
        await driver.press_and_settle("enter")
        assert names(workspace) == ["Empty", "My Project"]
        await driver.press("x", "down")
        await driver.press_and_settle("enter")
        assert names(workspace) == ["My Project"]
        assert "Empty" not in driver.screen_text().split("Project “")[0]


async def test_a_project_with_flows_is_deleted_only_when_its_name_is_typed(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await at_project(driver, "My Project")
        await driver.press("x")
        assert isinstance(driver.app.screen, TypedConfirmDialog)
        assert "2 flows" in driver.screen_text()
        await driver.type("my project")
        await driver.press_and_settle("enter")
        assert "nothing was deleted" in driver.screen_text()
        assert names(workspace) == ["Empty", "My Project"]
        driver.app.screen.query_one(Input).value = ""
        await driver.type("My Project")
        await driver.press_and_settle("enter")
        assert names(workspace) == ["Empty"]


async def test_what_the_control_plane_refuses_is_shown_and_nothing_breaks(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await at_project(driver, "Empty")
        workspace.server.refusal = ControlPlaneError(
            "this API has no call to rename a project", where="v0.6", fix="rename it in the UI"
        )
        await driver.press("e")
        await driver.type("x")
        await driver.press_and_settle("enter")
        assert isinstance(driver.app.screen, MainScreen)
        assert "this API has no call to rename a project" in said(driver)
        assert "next: rename it in the UI" in said(driver)
        assert names(workspace) == ["Empty", "My Project"]


async def test_without_a_connection_the_tree_says_so_and_offers_what_helps(
    workspace: MemoryWorkspace,
) -> None:
    workspace.server_is_up = False
    async with running(workspace) as driver:
        assert "Not connected" in driver.screen_text()
        await driver.press("1", "n")
        assert isinstance(driver.app.screen, MainScreen)
        assert "not connected to a control plane" in said(driver)


async def test_no_projects_yet(workspace: MemoryWorkspace) -> None:
    workspace.server.project_list.clear()
    async with running(workspace) as driver:
        assert "No projects yet" in driver.screen_text()
        assert "n  create the first" in driver.screen_text()


async def test_a_key_finds_the_first_project_without_a_move_before(
    workspace: MemoryWorkspace,
) -> None:
    workspace.server.project_list.clear()
    async with running(workspace) as driver:
        await driver.press("1", "n")
        await driver.type("Warehouse")
        await driver.press_and_settle("enter")
        await driver.press("e")
        assert isinstance(driver.app.screen, NameDialog)
