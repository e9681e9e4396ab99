"""Going back to an earlier version of a deployment: what changes is shown before it is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.deploy.change import Aspect, Change, Changes, Sign
from flowtui.deploy.rolling_back import WayBack
from flowtui.tui.screens.difference import DifferenceScreen
from flowtui.tui.screens.roll_back import RollBackDialog
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.memory_rest import rest_workspace

pytestmark = pytest.mark.slow

_CHANGES = Changes(
    (
        Change(Aspect.PARAMETERS, Sign.CHANGED, "limit", "200", "100"),
        Change(Aspect.SCHEDULE, Sign.CHANGED, "nightly", "0 5 * * *", "0 2 * * *", kept=True),
    )
)


async def ask(driver: Driver, *, kept: bool) -> None:
    """The dialog, as it comes up once it is known what would change."""
    version = driver.workspace.server.version_list[0]
    earlier = replace(version, id=f"{version.id}@deploy1", label="aaaa", archived=True)
    changes = _CHANGES if kept else Changes(_CHANGES.found[:1])

    async def way_back(*_: object, **__: object) -> WayBack:
        return WayBack(earlier, version, changes)

    driver.workspace.way_back = way_back  # type: ignore[method-assign]
    driver.app.deploying.look_back(earlier)
    await driver.until(lambda: isinstance(driver.app.screen, RollBackDialog))


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    return rest_workspace(tmp_path)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 45)], ids=lambda size: str(size[0]))
async def test_it_shows_what_changes_and_what_stays(
    workspace: MemoryWorkspace, size: tuple[int, int]
) -> None:
    async with running(workspace, size=size) as driver:
        await ask(driver, kept=True)
        await driver.see("back to version aaaa?", "~ limit  200 → 100")
        await driver.press("v")
        await driver.until(lambda: isinstance(driver.app.screen, DifferenceScreen))
        await driver.see("= nightly")
        await driver.press("escape")
        await driver.press("enter")
        await driver.until(lambda: len(driver.app.screen_stack) == 1)
        assert workspace.rolled_back == []


@pytest.mark.parametrize(("down", "exactly"), [(1, False), (2, True)])
async def test_what_was_changed_elsewhere_stays_unless_it_is_to_be_exactly_so(
    workspace: MemoryWorkspace, down: int, exactly: bool
) -> None:
    async with running(workspace) as driver:
        await ask(driver, kept=True)
        await driver.press(*["down"] * down, "enter")
        await driver.until(lambda: len(workspace.rolled_back) == 1)
        assert workspace.rolled_back_exactly is exactly


async def test_nothing_kept_nothing_to_choose(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await ask(driver, kept=False)
        assert "exactly" not in driver.screen_text()
