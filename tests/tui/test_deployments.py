"""Deployments and work pools in the tree, by keys alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.models import Schedule
from flowtui.tui.screens.dialogs import ConfirmDialog, TypedConfirmDialog
from flowtui.tui.screens.managing import ChoiceDialog
from flowtui.tui.screens.pool_dialog import PoolDialog
from flowtui.tui.screens.run_form import RunForm
from flowtui.tui.widgets.project_tree import ProjectTree
from tests.tui.driving import Driver, running
from tests.tui.looks.test_deployments_look import go_to
from tests.tui.memory import MemoryWorkspace
from tests.tui.memory_rest import RestMemoryControlPlane, rest_workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    return rest_workspace(tmp_path)


def plane(driver: Driver) -> RestMemoryControlPlane:
    assert isinstance(driver.workspace.server, RestMemoryControlPlane)
    return driver.workspace.server


def tree(driver: Driver) -> ProjectTree:
    return driver.app.screen.query_one(ProjectTree)


async def at_deployment(driver: Driver, name: str = "etl/nightly", project: str = "Team") -> None:
    await driver.press("1")
    await go_to(driver, f"project:{project}")
    await driver.press_and_settle("enter")
    await go_to(driver, f"flow:{project}:{name}")


async def test_the_tree_has_projects_deployments_and_pools(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await at_deployment(driver)
        text = driver.screen_text()
        assert "1 Projects (2)" in text and "no project 1" in text
        assert "nightly ↻" in text and "hourly ‖" in text
        assert tree(driver).border_subtitle == "↻ scheduled"
        await go_to(driver, "pool:pool-images")
        assert tree(driver).border_subtitle == "ready, 1 online"
        await driver.press_and_settle("enter")
        text = driver.screen_text()
        assert "→ urgent" in text and "‖ default" in text and "○ old" in text


async def test_a_pool_without_a_worker_says_so(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("1")
        await go_to(driver, "pool:pool-k8s")
        await driver.press_and_settle("enter")
        assert tree(driver).border_subtitle == "no worker"
        assert "└ no worker" in driver.screen_text()


async def test_a_pool_is_made_of_the_type_that_is_chosen(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("1")
        await driver.press_and_settle("w", "enter")
        assert isinstance(driver.app.screen, PoolDialog)
        assert "Type a name first." in driver.screen_text()
        await driver.type("local")
        await driver.press("enter")
        assert "is there already" in driver.screen_text()
        await driver.type("ly")
        await driver.press("down")
        await driver.press_and_settle("enter")
        made = next(pool for pool in plane(driver).pool_list if pool.name == "locally")
        assert made.type == "docker"
        assert "locally" in driver.screen_text()


async def test_a_pool_is_paused_and_the_same_key_puts_it_back(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("1")
        await go_to(driver, "pool:pool-local")
        await driver.press_and_settle("P")
        assert tree(driver).border_subtitle == "paused"
        assert "its workers take no runs" in driver.said()
        await driver.press_and_settle("P")
        assert tree(driver).border_subtitle == "ready, 2 online"


async def test_what_becomes_of_pools_shows_when_it_is_looked_again(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        server = plane(driver)
        server.pool_list = [
            replace(pool, workers=()) if pool.name == "local" else pool for pool in server.pool_list
        ]
        await driver.press("1")
        await driver.press_and_settle("r")
        await go_to(driver, "pool:pool-local")
        assert tree(driver).border_subtitle == "no worker"


async def test_a_deployment_is_deleted_after_a_question(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await at_deployment(driver)
        await driver.press("X")
        assert isinstance(driver.app.screen, ConfirmDialog)
        assert "Delete the deployment “etl/nightly”?" in driver.screen_text()
        await driver.press_and_settle("down", "enter")
        assert plane(driver).deleted == ["d1"]
        assert "nightly ↻" not in driver.screen_text()


async def test_a_project_is_not_deleted_from_within(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await at_deployment(driver)
        await driver.press("x")
        assert "the cursor is on a deployment" in driver.said()
        await go_to(driver, "project:Team")
        await driver.press("x")
        assert isinstance(driver.app.screen, TypedConfirmDialog)
        assert "All deployments of 1 flow in it are deleted" in driver.screen_text()
        await driver.type("Team")
        await driver.press_and_settle("enter")
        assert {v.project for v in plane(driver).version_list} == {"Ops", ""}


async def test_what_is_in_no_project_has_none_to_rename(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("1")
        await go_to(driver, "project:")
        await driver.press("e")
        assert "these deployments are in no project" in driver.said()
        await driver.press("n")
        assert "a project is there as soon as something is in it" in driver.said()


@pytest.mark.parametrize(
    ("keys", "typed", "project"),
    [((), "Fresh", "Fresh"), ((), "Op", "Ops"), ((), "no proj", "")],
    ids=["a new one", "one that is there", "none"],
)
async def test_a_deployment_moves_to_any_project(
    keys: tuple[str, ...], typed: str, project: str, workspace: MemoryWorkspace
) -> None:
    async with running(workspace) as driver:
        await at_deployment(driver)
        await driver.press("m", *keys)
        assert isinstance(driver.app.screen, ChoiceDialog)
        await driver.type(typed)
        await driver.press_and_settle("enter")
        moved = {v.flow_name: v.project for v in plane(driver).version_list}
        assert moved["etl/nightly"] == project
        assert moved["etl/hourly"] == "Team"


async def test_the_schedules_of_one_deployment_are_switched(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await at_deployment(driver)
        await driver.press_and_settle("p")
        known = {v.flow_name: v.schedule for v in plane(driver).version_list}
        assert known["etl/nightly"] is Schedule.PAUSED
        assert "The schedule of “etl/nightly” is off" in driver.said()


async def test_of_several_deployments_one_has_to_be_chosen(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await at_deployment(driver)
        await go_to(driver, "deployed:Team:etl")
        await driver.press("R")
        assert "select one of its deployments first" in driver.said()
        await at_deployment(driver, "clean/default", "Ops")
        await go_to(driver, "deployed:Ops:clean")
        await driver.press_and_settle("R")
        assert isinstance(driver.app.screen, RunForm)


async def test_the_graph_of_a_deployment_says_why_there_is_none(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await driver.press("3", "right")
        await driver.see("Prefect 2 and 3 find out which tasks")


async def test_details_say_what_keeps_runs_waiting(workspace: MemoryWorkspace) -> None:
    server = workspace.server
    server.version_list = [replace(v, work_pool="k8s") for v in server.version_list]
    server.serialized = {
        name: {**(body or {}), "work_pool_name": "k8s"} for name, body in server.serialized.items()
    }
    async with running(workspace, size=(120, 40)) as driver:
        await driver.see("no worker works for this pool: its runs wait")
