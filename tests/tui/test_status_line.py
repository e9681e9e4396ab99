"""The top line says what answers and what does not, the most urgent longest; idle it is still."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from flowtui.config import ProjectConfig
from flowtui.deploy.docker.reachability import EngineStatus, RegistryStatus
from flowtui.deploy.events import Outcome
from flowtui.errors import UsageError
from flowtui.models import DeployTable, Problem, StorageKind, StorageOptions
from flowtui.tui.widgets.status_line import Piece, StatusLine, fitted
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace

WIDE = (160, 45)


def top(driver: Driver) -> str:
    return driver.screen_text().splitlines()[0]


def storage(workspace: MemoryWorkspace, **options: object) -> None:
    table = DeployTable(storage=StorageOptions(**options))  # type: ignore[arg-type]
    workspace.config = ProjectConfig(root=workspace.root, table=table)


async def test_engine_registry_and_watching_are_on_it(workspace: MemoryWorkspace) -> None:
    storage(workspace, registry_url="registry.example.com")
    async with running(workspace, size=WIDE) as driver:
        await driver.see("✓ engine", "✓ registry", "● watching", "connected since")
        assert workspace.looks_at_engine == 1


async def test_an_engine_that_is_down_is_a_problem_only_where_it_is_needed(
    workspace: MemoryWorkspace,
) -> None:
    down = Problem("the engine does not answer", "unix:///x", "start Docker")
    workspace.engine = EngineStatus("unix:///x", problem=down)
    async with running(workspace, size=WIDE) as driver:
        await driver.see("✗ engine")
        assert "1 problem" in top(driver)
    storage(workspace, registry_url="registry.example.com")
    workspace.registry = RegistryStatus("registry.example.com", problem=Problem("no answer"))
    async with running(workspace, size=WIDE) as driver:
        await driver.see("✗ engine", "✗ registry", "3 problems")
        await driver.press("exclamation_mark")
        assert "start Docker" in driver.screen_text()


@pytest.mark.slow
async def test_local_storage_needs_no_engine(workspace: MemoryWorkspace) -> None:
    storage(workspace, type=StorageKind.LOCAL)
    async with running(workspace, size=WIDE) as driver:
        assert "engine" not in top(driver)
        assert workspace.looks_at_engine == 0


@pytest.mark.slow
async def test_after_a_deploy_the_engine_is_looked_at_again(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=WIDE) as driver:
        await driver.press_and_settle("enter")
        await driver.press("enter")
        await driver.until(lambda: len(workspace.deploys) == 1)
        assert "1 deploying" in top(driver)
        workspace.deploys[0].finish(Outcome.FAILED)
        await driver.until(lambda: workspace.looks_at_engine == 2)


@pytest.mark.slow
async def test_how_the_folder_is_watched(workspace: MemoryWorkspace) -> None:
    workspace.watch_note = Problem("watching by polling: nfs does not report changes")
    async with running(workspace, size=WIDE) as driver:
        await driver.see("◆ polling")
    workspace.watch_error = UsageError("the folder is gone", fix="bring it back")
    async with running(workspace, size=WIDE) as driver:
        await driver.see("✗ not watching")
        assert "2 problems" in top(driver)


@pytest.mark.slow
async def test_read_only_is_written_on_it_at_every_size(workspace: MemoryWorkspace) -> None:
    for size in ((60, 20), WIDE):
        async with running(workspace, size=size) as driver:
            driver.app.read_only = True
            await driver.press_and_settle("r")
            assert "read-only" in top(driver)
            assert "connected" in top(driver)


@pytest.mark.slow
async def test_nothing_new_is_nothing_drawn(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(workspace, size=WIDE) as driver:
        await driver.see("✓ engine")
        drawn: list[object] = []
        line = driver.app.screen.query_one(StatusLine)
        monkeypatch.setattr(line, "update", drawn.append)
        driver.app.reaching.look()
        await driver.until(lambda: workspace.looks_at_engine == 2)
        await driver.idle()
        assert not drawn


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 30)), max_size=8),
    st.integers(10, 120),
)
def test_the_least_weight_goes_first_and_the_line_is_full(
    pieces: list[tuple[int, int]], width: int
) -> None:
    made = [Piece(weight, Content(f"{weight:02}" + "x" * length)) for weight, length in pieces]
    line = fitted(list(made[::2]), list(made[1::2]), width)
    kept = [piece for piece in made if piece.text.plain in line.plain]
    assert line.cell_length <= max(width, 2)
    gone = [piece for piece in made if piece not in kept]
    assert all(lost.weight <= stays.weight for lost in gone for stays in kept)
