"""Descriptions, moves, schedules, versions and roll backs in the project tree, by keys alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Input

from flowtui.deploy.events import Outcome, Stage
from flowtui.errors import ControlPlaneError
from flowtui.models import Ability, Schedule
from flowtui.tui.screens.deploy import DeployScreen
from flowtui.tui.screens.dialogs import ConfirmDialog
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.screens.managing import ChoiceDialog
from flowtui.tui.widgets.project_tree import ProjectTree
from tests.tui.driving import Driver, running
from tests.tui.memory import GRAPHQL_ABILITIES, MemoryWorkspace
from tests.tui.test_projects import at_project


@pytest.fixture
def scheduled(workspace: MemoryWorkspace) -> MemoryWorkspace:
    """“etl” is scheduled, its first version archived, as a server does it."""
    server = workspace.server
    server.version_list = [
        replace(v, archived=(v.name, v.version) == ("etl", 1), schedule=Schedule.ACTIVE)
        if v.name == "etl"
        else v
        for v in server.version_list
    ]
    return workspace


async def at_flow(driver: Driver, name: str, project: str = "My Project") -> ProjectTree:
    """The cursor on a flow of an opened project."""
    tree = await at_project(driver, project)
    if tree.cursor_node is not None and not tree.cursor_node.is_expanded:
        await driver.press_and_settle("enter")
    while tree.flow is None or tree.flow.name != name:
        line = tree.cursor_line
        await driver.press("j")
        assert tree.cursor_line > line, f"{name} is not in the tree"
    return tree


def foot(tree: ProjectTree) -> str:
    return str(tree.border_subtitle or "")


def schedules(workspace: MemoryWorkspace) -> dict[str, Schedule]:
    return {v.name: v.schedule for v in workspace.server.version_list if not v.archived}


# -------------------------------------------------------------------------------------- projects


async def test_a_project_is_created_with_a_description(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("1", "n")
        await driver.type("Warehouse")
        await driver.press("tab")
        await driver.type("all that we keep")
        await driver.press_and_settle("enter")
        (made,) = [p for p in workspace.server.project_list if p.name == "Warehouse"]
        assert made.description == "all that we keep"
        assert "x deletes it again" in driver.said()
        tree = await at_project(driver, "Warehouse")
        assert foot(tree) == "all that we keep"


@pytest.mark.slow
async def test_a_description_is_changed_and_taken_away(workspace: MemoryWorkspace) -> None:
    workspace.server.project_list[0] = replace(
        workspace.server.project_list[0], description="was this"
    )
    async with running(workspace) as driver:
        tree = await at_project(driver, "Empty")
        assert foot(tree) == "was this"
        await driver.press("i")
        field = driver.app.screen.query_one(Input)
        assert field.value == "was this"
        await driver.press("end")
        await driver.type(" once")
        await driver.press_and_settle("enter")
        assert foot(tree) == "was this once"
        assert "It was “was this”; i changes it back." in driver.said()
        await driver.press("i")
        driver.app.screen.query_one(Input).value = ""
        await driver.press_and_settle("enter")
        assert workspace.server.project_list[0].description == ""
        assert foot(tree) == ""


@pytest.mark.slow
async def test_rename_keeps_an_opened_project_open(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        tree = await at_flow(driver, "report")
        await driver.press("e")
        await driver.press("end")
        await driver.type(" 2")
        await driver.press_and_settle("enter")
        assert "renames it back" in driver.said()
        assert "report v1" not in driver.screen_text().split("Empty")[0]
        assert tree.project is not None
        assert tree.project.name == "My Project 2"
        assert tree.flow is None or tree.flow.name == "report"


@pytest.mark.slow
async def test_what_a_control_plane_cannot_do_is_said_and_nothing_is_asked(
    workspace: MemoryWorkspace,
) -> None:
    workspace.server.abilities = frozenset()
    async with running(workspace) as driver:
        await at_project(driver, "My Project")
        for key, words in (
            ("n", "create projects"),
            ("e", "rename projects"),
            ("i", "describe projects"),
            ("x", "delete projects"),
            ("m", "move flows to another project"),
            ("p", "switch schedules on and off"),
            ("a", "archive versions"),
            ("u", "return what is registered"),
        ):
            await driver.press(key)
            assert isinstance(driver.app.screen, MainScreen), key
            assert f"this control plane cannot {words}" in driver.said()


@pytest.mark.slow
async def test_read_only_takes_every_change_away(scheduled: MemoryWorkspace) -> None:
    async with running(scheduled) as driver:
        await at_flow(driver, "etl")
        driver.app.read_only = True
        for key in ("n", "e", "i", "x", "m", "p", "a", "u"):
            driver.app.clear_notifications()
            await driver.press(key)
            assert isinstance(driver.app.screen, MainScreen), key
            assert "started with --read-only" in driver.said(), key


# ------------------------------------------------------------------------------------- schedules


@pytest.mark.slow
async def test_a_schedule_is_switched_at_once_and_put_back_by_the_same_key(
    scheduled: MemoryWorkspace,
) -> None:
    async with running(scheduled) as driver:
        tree = await at_flow(driver, "etl")
        assert "etl ↻ v2" in driver.screen_text()
        assert foot(tree) == "↻ scheduled"
        await driver.press_and_settle("p")
        assert schedules(scheduled)["etl"] is Schedule.PAUSED
        assert "etl ‖ v2" in driver.screen_text()
        assert foot(tree) == "‖ schedule off"
        assert "p puts it back" in driver.said()
        await driver.press_and_settle("p")
        assert schedules(scheduled)["etl"] is Schedule.ACTIVE
        assert "etl ↻ v2" in driver.screen_text()


@pytest.mark.slow
async def test_without_a_schedule_there_is_nothing_to_switch(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await at_flow(driver, "report")
        await driver.press("p")
        assert "this flow has no schedule" in driver.said()


# ------------------------------------------------------------------------------------------ move


@pytest.mark.slow
async def test_a_flow_is_moved_to_the_project_that_was_found_by_typing(
    workspace: MemoryWorkspace,
) -> None:
    for number in range(30):
        workspace.server.add_project(f"team {number}")
    async with running(workspace) as driver:
        await at_flow(driver, "etl")
        await driver.press("m")
        assert isinstance(driver.app.screen, ChoiceDialog)
        assert "My Project" not in "".join(driver.screen_text().split("Move “etl” to")[1:])
        await driver.type("TEAM 17")
        await driver.press_and_settle("enter")
        moved = {v.project for v in workspace.server.version_list if v.name == "etl"}
        assert moved == {"team 17"}
        assert "“etl” is in “team 17” now. m moves it back." in driver.said()
        assert "etl" not in [v.name for v in driver.app.session.versions["My Project"]]


@pytest.mark.slow
async def test_arrows_choose_while_the_field_hears_letters(workspace: MemoryWorkspace) -> None:
    for name in ("b one", "b two", "b three"):
        workspace.server.add_project(name)
    async with running(workspace) as driver:
        await at_flow(driver, "etl")
        await driver.press("m")
        await driver.type("b t")
        await driver.press("down")
        await driver.press_and_settle("enter")
        assert {v.project for v in workspace.server.version_list if v.name == "etl"} == {"b two"}


@pytest.mark.slow
async def test_where_history_stays_behind_moving_asks_with_the_cursor_on_no(
    workspace: MemoryWorkspace,
) -> None:
    workspace.server.abilities = GRAPHQL_ABILITIES - {Ability.MOVE_VERSIONS}
    async with running(workspace) as driver:
        await at_flow(driver, "etl")
        for answer, project in ((["enter"], "My Project"), (["down", "enter"], "Empty")):
            await driver.press("m", "enter")
            assert isinstance(driver.app.screen, ConfirmDialog)
            text = " ".join(driver.screen_text().replace("│", " ").split())
            assert "all runs stay behind" in text
            await driver.press_and_settle(*answer)
            moved = {v.project for v in workspace.server.version_list if v.name == "etl"}
            assert moved == {project}
        assert "moves it back" not in driver.said()


@pytest.mark.slow
async def test_a_choice_that_nothing_matches_is_not_taken(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await at_flow(driver, "etl")
        await driver.press("m")
        await driver.type("nowhere")
        assert "none has this in its name" in driver.screen_text()
        await driver.press("enter")
        assert isinstance(driver.app.screen, ChoiceDialog)


@pytest.mark.slow
async def test_with_one_project_only_there_is_nowhere_to_move_to(
    workspace: MemoryWorkspace,
) -> None:
    workspace.server.project_list.pop(0)
    async with running(workspace) as driver:
        await at_flow(driver, "etl")
        await driver.press("m")
        assert "there is no other project" in driver.said()


# -------------------------------------------------------------------------------------- versions


@pytest.mark.slow
async def test_a_flow_opens_to_all_its_versions_archived_ones_too(
    scheduled: MemoryWorkspace,
) -> None:
    async with running(scheduled) as driver:
        tree = await at_flow(driver, "etl")
        await driver.press_and_settle("enter")
        await driver.press("j")
        assert tree.version is not None
        assert (tree.version.version, foot(tree)) == (2, "in use")
        await driver.press("j")
        assert (tree.version.version, foot(tree)) == (1, "archived")
        assert "✓ v2" in driver.screen_text()
        assert "– v1" in driver.screen_text()


@pytest.mark.slow
async def test_archive_asks_with_the_cursor_on_no(scheduled: MemoryWorkspace) -> None:
    async with running(scheduled) as driver:
        tree = await at_flow(driver, "etl")
        await driver.press_and_settle("enter")
        await driver.press("j")

        def archived() -> list[tuple[str, int]]:
            return [(v.name, v.version) for v in scheduled.server.version_list if v.archived]

        await driver.press("a")
        await driver.press_and_settle("enter")
        assert archived() == [("etl", 1)]
        await driver.press("a", "down")
        await driver.press_and_settle("enter")
        assert archived() == [("etl", 1), ("etl", 2)]
        assert tree.flow is None or tree.flow.name != "etl"
        await at_flow(driver, "report")
        await driver.press("a")
        assert "Archive “report”?" in driver.screen_text()
        await driver.press("down")
        await driver.press_and_settle("enter")
        assert ("report", 1) in archived()
        assert "Archived version 1 of “report”." in driver.said()


@pytest.mark.slow
async def test_what_is_archived_is_not_archived_again(scheduled: MemoryWorkspace) -> None:
    async with running(scheduled) as driver:
        await at_flow(driver, "etl")
        await driver.press_and_settle("enter")
        await driver.press("j", "j", "a")
        assert "this version is archived already" in driver.said()
        await driver.press("k", "u")
        assert "this version is the one in use" in driver.said()
        await driver.press("k", "u")
        assert "select the version to roll back to first" in driver.said()


@pytest.mark.slow
async def test_a_roll_back_asks_and_is_a_deploy_that_is_shown(scheduled: MemoryWorkspace) -> None:
    async with running(scheduled) as driver:
        await at_flow(driver, "etl")
        await driver.press_and_settle("enter")
        await driver.press("j", "j", "u")
        await driver.see("Roll “etl” back to version 1?")
        text = " ".join(driver.screen_text().replace("│", " ").split())
        assert "Rolling back to version 2 undoes it." in text
        await driver.press("enter")
        assert scheduled.rolled_back == []
        await driver.press("u")
        await driver.see("Roll “etl” back to version 1?")
        await driver.press("down", "enter")
        await driver.until(lambda: len(scheduled.deploys) == 1)
        assert isinstance(driver.app.screen, DeployScreen)
        assert [v.version for v in scheduled.rolled_back] == [1]
        (deploy,) = scheduled.deploys
        assert deploy.flow.path == "flows/etl.py"
        deploy.start(Stage.SERIALIZE)
        await driver.see("running")
        await driver.press("escape")
        scheduled.server.add_version("etl", "My Project")
        deploy.finish(Outcome.DONE, version=3)
        await driver.idle()
        assert "version 3 is registered" in driver.said()
        assert "✓ v3" in driver.screen_text()


@pytest.mark.slow
async def test_a_roll_back_of_a_flow_that_is_not_in_this_folder(
    workspace: MemoryWorkspace,
) -> None:
    server = workspace.server
    server.add_version("foreign", "My Project")
    server.add_version("foreign", "My Project")
    async with running(workspace) as driver:
        await at_flow(driver, "foreign")
        await driver.press_and_settle("enter")
        await driver.press("j", "j", "u")
        await driver.see("Roll “foreign” back to version 1?")
        await driver.press("down", "enter")
        await driver.until(lambda: len(workspace.deploys) == 1)
        assert "foreign" in driver.screen_text()
        workspace.deploys[0].finish(Outcome.FAILED, exit_code=5, reason="its image is gone")
        await driver.idle()
        assert "its image is gone" in driver.screen_text()
        await driver.press("r")
        await driver.see("Roll “foreign” back to version 1?")
        await driver.press("down", "enter")
        await driver.until(lambda: len(workspace.deploys) == 2)
        assert [version.version for version in workspace.rolled_back] == [1, 1]


@pytest.mark.slow
async def test_a_refusal_is_shown_and_nothing_changes(scheduled: MemoryWorkspace) -> None:
    async with running(scheduled) as driver:
        tree = await at_flow(driver, "etl")
        scheduled.server.refusal = ControlPlaneError("no", where="there", fix="try later")
        await driver.press_and_settle("p")
        assert "next: try later" in driver.said()
        assert schedules(scheduled)["etl"] is Schedule.ACTIVE
        assert tree.flow is not None


# ------------------------------------------------------------------------------------ large ones


@pytest.mark.slow
async def test_a_thousand_flows_come_in_slices_and_keep_the_cursor(
    workspace: MemoryWorkspace,
) -> None:
    for number in range(300):
        workspace.server.add_project(f"team {number:03}")
    for number in range(1000):
        workspace.server.add_version(f"flow {number:04}", "team 000")
    async with running(workspace) as driver:
        tree = await at_project(driver, "team 000")
        await driver.press_and_settle("enter")
        node = tree.cursor_node
        assert node is not None
        await driver.until(lambda: len(node.children) == 1000)
        assert tree.cursor_node is node
        await driver.press("G")
        assert tree.project is not None
        assert tree.project.name == "team 299"
        place = tree.scroll_offset
        workspace.server.add_project("a new one above")
        await driver.press_and_settle("r")
        assert tree.project.name == "team 299"
        assert tree.scroll_offset.y - place.y in (0, 1)


@pytest.mark.slow
async def test_nothing_is_built_anew_when_nothing_changed(scheduled: MemoryWorkspace) -> None:
    async with running(scheduled) as driver:
        tree = await at_flow(driver, "etl")
        await driver.press_and_settle("enter")
        await driver.press("j")

        def nodes() -> list[int]:
            return [id(tree.get_node_at_line(line)) for line in range(tree.last_line + 1)]

        before, labels = nodes(), [tree._updates]
        await driver.press_and_settle("r")
        assert nodes() == before
        assert tree._updates == labels[0], "no line was drawn again"
        assert tree.version is not None


@pytest.mark.slow
async def test_only_what_is_open_is_read_again(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await at_project(driver, "My Project")
        await driver.press_and_settle("enter")
        await driver.press_and_settle("enter")
        workspace.server.listings.clear()
        await driver.press_and_settle("r")
        assert workspace.server.listings == []
