"""How deployments and work pools look: pictures that a person has seen and accepted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from flowtui.tui.widgets.project_tree import ProjectTree
from tests.tui.driving import Driver
from tests.tui.looks.test_looks import (
    DARK_ONLY,
    NO_COLOUR,
    NOW,
    SMALL,
    Scene,
    looks_as_accepted,
)
from tests.tui.memory import MemoryWorkspace
from tests.tui.memory_rest import rest_workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    return rest_workspace(tmp_path)


async def tree(driver: Driver) -> None:
    """A project with its deployments, and a pool with its queues and workers, opened."""
    await described(driver)
    await driver.press("1")
    await go_to(driver, "project:Team")
    await driver.press_and_settle("enter")
    await go_to(driver, "pool:pool-images")
    await driver.press_and_settle("enter")
    await driver.see("→ urgent", "○ old")


async def details(driver: Driver) -> None:
    """Of a deployment that its schedule will run next."""
    server = driver.workspace.server
    nightly = server.version_list[0]
    for days in (1, 2):
        moment = (NOW + timedelta(days=days)).replace(hour=2, minute=0)
        server.add_run(nightly, start=moment, auto_scheduled=True)
    await driver.press("2", "j", "3", "z")
    await driver.see("Loads the sales of the day.", "next runs")


async def pool_dialog(driver: Driver) -> None:
    await described(driver)
    await driver.press("1")
    await driver.press_and_settle("w")
    await driver.type("nights")
    await driver.press("down")


async def described(driver: Driver) -> None:
    """The details show what is registered of the flow under the cursor."""
    await driver.until(lambda: bool(driver.app.session.registered))


async def go_to(driver: Driver, place: str) -> None:
    """The cursor on a line of the tree."""
    widget = driver.app.screen.query_one(ProjectTree)
    await driver.press("g")
    while widget.place != place:
        line = widget.cursor_line
        await driver.press("j")
        assert widget.cursor_line > line, f"{place} is not in the tree"


SCENES: dict[Scene, tuple[tuple[tuple[int, int], str], ...]] = {
    tree: (*DARK_ONLY, (SMALL, NO_COLOUR)),
    details: DARK_ONLY,
    pool_dialog: ((SMALL, "flowtui-dark"),),
}
CASES = [
    pytest.param(scene, size, mode, id=f"{scene.__name__}-{size[0]}x{size[1]}-{mode}")
    for scene, looks in SCENES.items()
    for size, mode in looks
]


@pytest.mark.parametrize(("scene", "size", "mode"), CASES)
async def test_looks_as_it_was_accepted(
    scene: Scene,
    size: tuple[int, int],
    mode: str,
    workspace: MemoryWorkspace,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await looks_as_accepted(scene, size, mode, workspace, snapshot, monkeypatch)
