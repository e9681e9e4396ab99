"""The whole history as a list: filtered as one types, of all folders, ten thousand at once."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from flowtui.deploy.events import Outcome
from flowtui.deploy.history import History, Recorder
from flowtui.tui.screens.deploy import DeployScreen
from flowtui.tui.screens.deploys import DeploysScreen
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.view_models.deploy_lines import Row, day_in_words, local_day, rows_of
from flowtui.tui.widgets.deploy_list import DeployList
from flowtui.tui.work.past import _Chunks
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.test_history import beginning, finished, record

MANY = 10_000


@pytest.fixture(autouse=True)
def past(workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good deploy and a failed one here, one elsewhere; each says its flow's name in its log."""
    monkeypatch.setattr(Recorder, "_BATCH_SECONDS", 0.0)
    now = time.time()
    for deploy, flow, outcome, root in (
        ("one", "etl", Outcome.DONE, workspace.root),
        ("two", "report", Outcome.FAILED, workspace.root),
        ("far", "far away", Outcome.DONE, workspace.root / "elsewhere"),
    ):
        at = now - 90_000 if deploy == "one" else now - 100
        record(root, *beginning(deploy, flow, at), finished(deploy, flow, outcome, at))


async def opened(driver: Driver) -> str:
    await driver.press_and_settle("4")
    return driver.screen_text()


def line_with(text: str, screen: str) -> str:
    return next(line for line in screen.splitlines() if text in line)


async def test_deploys_stand_below_their_days(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        text = await opened(driver)
        assert text.index("Today") < text.index("report") < text.index("etl → My Project")
        assert "Deploys (2)" in text and "far away" not in text


@pytest.mark.slow
async def test_typing_filters_and_finds_what_a_log_says(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await opened(driver)
        await driver.press("slash")
        await driver.type("failed")
        text = await driver.see("Deploys (1)  filter: failed")
        assert "etl → My Project" not in text
        for _ in "failed":
            await driver.press("backspace")
        await driver.type("1/3 of e")
        text = await driver.see("Deploys (1)  filter: 1/3 of e", "etl → My Project")
        assert "report" not in text
        assert "Step 1/3 of etl" in line_with("Step 1/3", text)
        await driver.press("enter", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, DeployScreen))
        await driver.press("escape")
        await driver.see("filter: 1/3 of e")


@pytest.mark.slow
async def test_escape_shows_all_again_before_it_leaves(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await opened(driver)
        await driver.press("slash")
        await driver.type("nothing is like this")
        await driver.see("No deploy is like this")
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.focused, DeployList))
        await driver.press("escape")
        await driver.see("Deploys (2)")
        assert isinstance(driver.app.screen, DeploysScreen)
        await driver.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, MainScreen))


@pytest.mark.slow
async def test_all_folders_are_shown_on_request(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(120, 30)) as driver:
        await opened(driver)
        await driver.press("a")
        text = await driver.see("Deploys (3) of all folders", "far away")
        assert "elsewhere" in line_with("far away", text)
        await driver.press("a")
        await driver.see("Deploys (2)")


@pytest.mark.slow
async def test_an_empty_folder_says_where_the_others_are(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    async with running(MemoryWorkspace(tmp_path / "new")) as driver:
        text = await opened(driver)
        assert "Nothing was deployed from this folder yet" in text
        assert "a shows the deploys of all folders" in text
        await driver.press("a")
        await driver.see("far away")


@pytest.mark.slow
async def test_exact_times_on_demand(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        text = await opened(driver)
        assert "2026-" not in line_with("report", text)
        await driver.press("T")
        year = str(time.localtime().tm_year)
        await driver.until(lambda: f"{year}-" in line_with("report", driver.screen_text()))


@pytest.mark.slow
async def test_the_cursor_stays_on_its_deploy_when_others_come(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await opened(driver)
        await driver.press("j")
        table = driver.app.screen.query_one(DeployList)
        assert table.key == "one"
        await driver.press("a")
        await driver.see("Deploys (3)")
        assert table.key == "one"


@pytest.mark.slow
async def test_ten_thousand_are_listed_at_once_and_only_what_is_seen_is_made(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with History().open() as db, db:
        db.executemany(
            "INSERT INTO deploys (id, started, pid, process_started, root, target, flow, project,"
            " api_url, outcome) VALUES (?, ?, 1, '', ?, 'f.py:f', ?, 'Team', 'u', 'done')",
            [(f"m{n}", 1e6 + n * 60, str(workspace.root), f"many {n}") for n in range(MANY)],
        )
    drawn: Counter[str] = Counter()
    original = DeployList._drawn

    def counted(self: DeployList, line):  # type: ignore[no-untyped-def]
        drawn["lines"] += 1
        return original(self, line)

    monkeypatch.setattr(DeployList, "_drawn", counted)
    async with running(workspace) as driver:
        await opened(driver)
        assert f"Deploys ({MANY + 2:,})" in driver.screen_text()
        await driver.press("G")
        await driver.see("many 0 ")
        shown = drawn["lines"]
        await driver.press("k")
        assert drawn["lines"] - shown <= 2 * 24
        assert drawn["lines"] < MANY


def test_rows_and_days() -> None:
    now = time.mktime((2026, 11, 25, 12, 0, 0, 0, 0, -1))
    rows = rows_of((now, now - 86_400), {1: "found"}, local_day(now), local_day)
    assert rows == (
        Row(heading="Today"),
        Row(deploy=0),
        Row(heading="Yesterday"),
        Row(deploy=1),
        Row(deploy=1, found="found"),
    )
    today = local_day(now)
    assert day_in_words(local_day(now - 5 * 86_400), today) == "Fri 20 Nov"
    assert day_in_words(local_day(now - 400 * 86_400), today).endswith(" 2025")


def test_hits_are_handed_over_in_growing_chunks_and_none_waits_for_long() -> None:
    now = [0.0]
    given: list[tuple[int, bool, bool]] = []
    chunks = _Chunks(
        lambda hits, first, last: given.append((len(hits), first, last)), lambda: now[0]
    )
    for _ in range(2600):
        chunks.add(None)  # type: ignore[arg-type]
    chunks.give_if_waiting()
    assert given == [(500, True, False), (2000, False, False)]
    now[0] = 1.0
    chunks.give_if_waiting()
    chunks.give(last=True)
    assert given[2:] == [(100, False, False), (0, False, True)]
