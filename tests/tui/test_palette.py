"""What the command palette finds beside actions: runs, versions, tabs, settings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from textual.command import Hit
from textual.style import Style

from flowtui.models import Discovery
from flowtui.run_models import FlowRun, WorkPool
from flowtui.tui.palette import (
    MOST_HITS,
    MOST_LOOKED_AT,
    EntryProvider,
    FlowProvider,
    RunProvider,
    SettingProvider,
    TabProvider,
    VersionProvider,
)
from flowtui.tui.screens.settings import Row, SettingsScreen
from flowtui.tui.widgets.detail import DetailPane
from flowtui.tui.widgets.flows import FlowTable
from flowtui.tui.widgets.project_tree import ProjectTree
from tests.tui.driving import Driver, running
from tests.tui.memory import CREATED, MemoryWorkspace, flow
from tests.tui.memory_rest import rest_workspace
from tests.tui.test_versions_and_runs import run

ETL = ("My Project", "etl")


def runs(count: int) -> list[FlowRun]:
    return [
        run(f"swift-{n}", "Success", started=CREATED - timedelta(hours=n)) for n in range(count)
    ]


async def hits(driver: Driver, kind: type[EntryProvider], query: str) -> list[Hit]:
    provider = kind(driver.app.screen, Style())
    return [hit async for hit in provider.search(query) if isinstance(hit, Hit)]


async def choose(driver: Driver, words: str) -> None:
    await driver.press("ctrl+p")
    await driver.type(words)
    # Once in the field, and once more where it was found.
    last = words.split()[-1]
    await driver.until(lambda: driver.screen_text().count(last) > 1)
    await driver.idle()
    await driver.press_and_settle("enter")


async def test_a_run_opens_the_runs_of_its_flow_with_the_cursor_on_it(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        driver.app.session.runs[ETL] = tuple(runs(5))
        workspace.server.runs = runs(5)
        table = driver.app.screen.query_one(FlowTable)
        table.set_filter("hello")
        (found,) = await hits(driver, RunProvider, "swift-3")
        found.command()
        await driver.idle()
        pane = driver.app.screen.query_one(DetailPane)
        assert table.row is not None
        assert table.row.name == "etl"
        assert pane.tab.id == "runs"
        assert isinstance(pane.chosen, FlowRun)
        assert pane.chosen.name == "swift-3"
        assert pane.has_focus


@pytest.mark.slow
async def test_the_last_run_is_found_before_the_runs_were_read(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        workspace.server.runs = runs(4)
        driver.app.session.runs.pop(ETL, None)
        driver.app.session.last_runs[ETL] = workspace.server.runs[2]
        (found,) = await hits(driver, RunProvider, "swift")
        found.command()
        pane = driver.app.screen.query_one(DetailPane)
        await driver.until(lambda: isinstance(pane.chosen, FlowRun))
        assert isinstance(pane.chosen, FlowRun)
        assert pane.chosen.name == "swift-2"


async def test_versions_and_tabs_of_the_flow_under_the_cursor(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press("2", "g")
        etl = workspace.server.version_list[:2][::-1]
        driver.app.session.all_versions[ETL] = tuple(etl)
        (found,) = await hits(driver, VersionProvider, "etl v1")
        found.command()
        await driver.idle()
        pane = driver.app.screen.query_one(DetailPane)
        assert pane.tab.id == "versions"
        assert pane.chosen == etl[1]
        await choose(driver, "Show: Graph")
        assert pane.tab.id == "graph"
        assert len(await hits(driver, TabProvider, "Show")) == len(pane.tabs)


async def test_a_setting_opens_the_settings_there(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await choose(driver, "Setting: ui.mouse")
        screen = driver.app.screen
        assert isinstance(screen, SettingsScreen)
        assert isinstance(screen.value, Row)
        assert screen.value.place.key == "ui.mouse"
        assert await hits(driver, SettingProvider, "ui.mouse")


@pytest.mark.slow
async def test_a_key_press_makes_a_bounded_number_of_entries(workspace: MemoryWorkspace) -> None:
    """Counts, not times: with a thousand flows that have a hundred runs each."""
    many = [f"flow_{n:04}" for n in range(1000)]
    for name in many:
        workspace.server.add_version(name, "My Project")
    workspace.found = Discovery(
        str(workspace.root), tuple(flow(name, f"flows/{name}.py") for name in many), (), 1000
    )
    async with running(workspace) as driver:
        session = driver.app.session
        for name in many:
            session.runs["My Project", name] = tuple(runs(100))
        for kind in (FlowProvider, RunProvider):
            provider = kind(driver.app.screen, Style())
            assert sum(1 for _ in provider.entries()) <= MOST_LOOKED_AT
            assert len(await hits(driver, kind, "flow")) == MOST_HITS


async def test_hostile_names_are_plain_text(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        evil = run("[red]x[/]\x1b]0;owned\x07\u202e[@click=app.quit]y", "Suc\x1b[31mcess")
        driver.app.session.runs[ETL] = (evil,)
        (found,) = await hits(driver, RunProvider, "of etl")
        assert "[red]" in str(found.match_display)
        assert not {"\x1b", "\x07", "\u202e"} & set(f"{found.match_display}{found.help}")
        assert "\x1b" not in (found.text or "")


async def test_a_work_pool_is_found_in_the_tree(tmp_path: Path) -> None:
    async with running(rest_workspace(tmp_path)) as driver:
        await driver.until(lambda: bool(driver.app.session.work_pools))
        pool = (driver.app.session.work_pools or ())[-1]
        await choose(driver, f"work pool: {pool.name}")
        tree = driver.app.screen.query_one(ProjectTree)
        assert tree.has_focus
        assert isinstance(tree.selected, WorkPool)
        assert tree.selected.name == pool.name
