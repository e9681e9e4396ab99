"""The tabs Versions and Runs of the details."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from flowtui.deploy.events import DeployFinished, DeployStarted, Outcome
from flowtui.errors import ControlPlaneError
from flowtui.models import Ability
from flowtui.run_models import FlowRun
from flowtui.tui import clock
from flowtui.tui.widgets.detail import DetailPane
from flowtui.tui.work import registered
from tests.tui.driving import Driver, running
from tests.tui.memory import CREATED, MemoryWorkspace

ETL = ("My Project", "etl")


@pytest.fixture
def with_past(workspace: MemoryWorkspace) -> MemoryWorkspace:
    """“etl” has an archived version 1, deployed from this folder; version 2 came from elsewhere."""
    server = workspace.server
    server.version_list = [
        replace(v, archived=(v.name, v.version) == ("etl", 1)) for v in server.version_list
    ]
    record = workspace.history.recorder(workspace.root, "3f2a9c1" + "0" * 57)
    deploy = {"deploy": "d1", "flow": "etl"}
    record(DeployStarted(**deploy, target="flows/etl.py:etl", project="My Project", api_url="x"))
    record(
        DeployFinished(
            **deploy,
            outcome=Outcome.DONE,
            seconds=1.0,
            exit_code=0,
            version=1,
            version_id="v1",
            digest="sha256:0123456789abcdef",
        )
    )
    assert record.close() is None
    return workspace


def run(name: str, state: str, **more: object) -> FlowRun:
    return FlowRun(f"id-{name}", name, "etl", "My Project", 2, "v2", state, **more)  # pyright: ignore


async def open_tab(driver: Driver, tab: str) -> DetailPane:
    pane = driver.app.screen.query_one(DetailPane)
    await driver.press("2", "g")
    pane.open_tab(tab)
    await driver.press("3")
    return pane


def lines_of(pane: DetailPane) -> list[str]:
    """The whole lines, also what is right of the edge."""
    return [line.plain for line in pane._page.lines]


@pytest.mark.slow
async def test_every_version_with_its_state_source_and_digest(with_past: MemoryWorkspace) -> None:
    async with running(with_past, size=(160, 45)) as driver:
        pane = await open_tab(driver, "versions")
        await driver.see("archived", "here 3f2a9c1")
        in_use, archived = lines_of(pane)
        for word in ("✓ v2", "elsewhere", "registry.example.com/etl:t2"):
            assert word in in_use
        for word in ("– v1", "archived", "sha256:0123456789ab", "registry.example.com/etl:t1"):
            assert word in archived
        assert CREATED.astimezone().strftime("%Y-%m-%d") in archived


@pytest.mark.slow
async def test_a_version_is_rolled_back_to_and_archived_from_its_tab(
    with_past: MemoryWorkspace,
) -> None:
    async with running(with_past) as driver:
        pane = await open_tab(driver, "versions")
        await driver.see("archived")
        assert pane.chosen is not None
        await driver.press("u")
        assert "this version is the one in use" in driver.said()
        await driver.press("j", "a")
        assert "this version is archived already" in driver.said()
        await driver.idle()
        assert "u! roll back" in driver.screen_text(), "the bar has room for what can be pressed"
        await driver.press("u")
        await driver.see("back to version 1?")
        await driver.press("down", "enter")
        await driver.until(lambda: len(with_past.deploys) == 1)
        assert [v.version for v in with_past.rolled_back] == [1]
        with_past.deploys[0].finish(Outcome.DONE, version=3)
        await driver.press("escape")
        await driver.press("k", "a", "down")
        await driver.press_and_settle("enter")
        assert all(v.archived for v in with_past.server.version_list if v.name == "etl")


@pytest.mark.slow
async def test_moving_on_drops_what_was_being_read(
    with_past: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(with_past) as driver:
        monkeypatch.setattr(registered, "_REST", 3600.0)
        await open_tab(driver, "versions")
        await driver.press("2", "j", "k", "j", "k")
        reading = [w for w in driver.app.workers if w.group == "detail-versions" and w.is_running]
        assert len(reading) == 1
        assert with_past.server.listings == []
        monkeypatch.setattr(registered, "_REST", 0.0)
        await driver.press("j", "k")
        await driver.until(lambda: ETL in driver.app.session.all_versions)


@pytest.mark.slow
async def test_runs_with_state_time_and_message(with_past: MemoryWorkspace) -> None:
    now = clock.now()
    with_past.server.runs = [
        run("planned", "Scheduled", scheduled=now + timedelta(hours=3, minutes=1)),
        run("late", "Running", scheduled=now, started=now - timedelta(minutes=2)),
        run(
            "bad",
            "TimedOut",
            message="[b]too slow[/b]\x1b[31m",
            started=now - timedelta(hours=2),
            ended=now - timedelta(hours=2) + timedelta(seconds=42),
        ),
        run("good", "Success", started=now - timedelta(hours=5), ended=now - timedelta(hours=4)),
        run("ended", "Cancelled", labels=("gpu", "eu")),
    ]
    async with running(with_past, size=(160, 45)) as driver:
        pane = await open_tab(driver, "runs")
        await driver.see("Scheduled")
        lines = dict(zip(_names, lines_of(pane), strict=True))
        for name, words in (
            ("planned", ("· Scheduled", "in 3h")),
            ("late", ("● Running", "2m")),
            ("bad", ("✗ TimedOut", "2h ago", "42s", "[b]too slow[/b]")),
            ("good", ("✓ Success", "1h00m")),
            ("ended", ("– Cancelled", "gpu, eu")),
        ):
            for word in (name, *words):
                assert word in lines[name], (name, word, lines[name])


_names = ("planned", "late", "bad", "good", "ended")


@pytest.mark.slow
async def test_without_runs_it_says_where_they_come_from(with_past: MemoryWorkspace) -> None:
    async with running(with_past) as driver:
        await open_tab(driver, "runs")
        await driver.see("No runs yet", "agent")


@pytest.mark.slow
async def test_a_control_plane_without_runs_says_so(with_past: MemoryWorkspace) -> None:
    with_past.server.abilities = frozenset(Ability) - {Ability.TELL_RUNS}
    async with running(with_past) as driver:
        await open_tab(driver, "runs")
        await driver.see("cannot tell which runs")
        assert driver.app.session.last_runs == {}


@pytest.mark.slow
async def test_runs_that_cannot_be_read_are_a_problem_with_a_fix(
    with_past: MemoryWorkspace,
) -> None:
    async with running(with_past) as driver:
        with_past.server.refusal = ControlPlaneError("gone away", where="x", fix="try again later")
        await open_tab(driver, "runs")
        await driver.see("gone away", "try again later")


@pytest.mark.slow
async def test_the_last_run_of_each_flow_is_read_once_for_all(
    with_past: MemoryWorkspace,
) -> None:
    now = clock.now()
    with_past.server.runs = [
        run("newest", "Failed", started=now - timedelta(minutes=5)),
        run("older", "Success", started=now - timedelta(hours=5)),
    ]
    async with running(with_past) as driver:
        await driver.until(lambda: bool(driver.app.session.last_runs))
        assert driver.app.session.last_runs[ETL].name == "newest"
        with_past.server.runs.insert(0, run("now", "Running", started=now))
        with_past.change(with_past.found, "flows/etl.py")
        await driver.idle()
        assert driver.app.session.last_runs[ETL].name == "newest", "not asked at each save"
        await driver.press("2", "r")
        await driver.until(lambda: driver.app.session.last_runs[ETL].name == "now")
