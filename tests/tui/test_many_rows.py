"""A thousand rows: what happens is counted, not timed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowtui.deploy.events import Outcome, Stage, problem_found
from flowtui.models import Discovery, FlowState, Problem
from flowtui.tui.widgets.flows import FlowTable, table
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace, flow

pytestmark = pytest.mark.slow

ROWS = 1000


@pytest.fixture
def many(tmp_path: Path) -> MemoryWorkspace:
    made = MemoryWorkspace(tmp_path)
    flows = tuple(flow(f"flow {n:04}", f"flows/f{n:04}.py") for n in range(ROWS))
    made.found = Discovery(str(tmp_path), flows, (), ROWS)
    return made


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the line of a row is made, a line is drawn, and the rows are put in order."""
    counts: Counter[str] = Counter()

    def counting(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def counted(*args: object, **more: object) -> object:
            counts[name] += 1
            return original(*args, **more)

        monkeypatch.setattr(owner, name, counted)

    counting(table, "line")
    counting(table, "arranged")
    counting(FlowTable, "refresh_line")
    return counts


def selected(driver: Driver) -> str:
    row = driver.app.screen.query_one(FlowTable).row
    return row.name if row is not None else ""


async def deploying(driver: Driver) -> None:
    await driver.press("enter")
    await driver.see("nothing is done until you press Enter")
    await driver.press("enter")
    await driver.until(lambda: len(driver.workspace.deploys) == 1)
    await driver.press("escape")


async def test_an_event_of_a_deploy_touches_its_own_row_alone(
    many: MemoryWorkspace, work: Counter[str]
) -> None:
    async with running(many) as driver:
        await deploying(driver)
        run = many.deploys[0]
        work.clear()
        run.start(Stage.SERIALIZE)
        await driver.see("● serialize")
        assert work == {"line": 1, "refresh_line": 1}
        for number in range(50):
            run.emit(problem_found(run.id, Stage.SERIALIZE, Problem(f"warning {number}")))
        await driver.until(lambda: len(next(iter(driver.app.session.deploys)).problems) == 50)
        assert work == {"line": 1, "refresh_line": 1}
        run.done(Stage.SERIALIZE)
        run.start(Stage.BUILD)
        await driver.see("● build")
        assert work["line"] <= 3
        assert work["arranged"] == 0
        run.finish(Outcome.CANCELLED)
        await driver.idle()
        assert work["line"] <= 5


async def test_a_file_that_changes_touches_its_own_row_alone(
    many: MemoryWorkspace, work: Counter[str]
) -> None:
    async with running(many) as driver:
        work.clear()
        many.states = {"flow 0003": (FlowState.CHANGED, "sources differ")}
        many.change(replace(many.found, files_seen=ROWS + 1), "flows/f0003.py")
        await driver.see("◆ changed")
        await driver.idle()
        assert work == {"line": 1, "refresh_line": 1, "arranged": 1}


async def test_a_thousand_files_at_once_are_one_update_and_nothing_is_lost(
    many: MemoryWorkspace, work: Counter[str]
) -> None:
    async with running(many) as driver:
        await driver.press("slash")
        await driver.type("flow")
        await driver.press("enter", *["j"] * 30, "space", "space")
        flows = driver.app.screen.query_one(FlowTable)
        before = (selected(driver), flows.scroll_offset.y, flows.selected, flows.filter_text)
        assert before[1] > 0
        work.clear()
        many.states = {f"flow {n:04}": (FlowState.CHANGED, f"{n}") for n in range(ROWS)}
        many.change(many.found, *(f"flows/f{n:04}.py" for n in range(ROWS)))
        await driver.see("◆ changed")
        await driver.idle()
        after = (selected(driver), flows.scroll_offset.y, flows.selected, flows.filter_text)
        assert after[:2] == before[:2]
        assert [row.name for row in after[2]] == [row.name for row in before[2]]
        assert after[3] == "flow"
        assert work["line"] <= 2 * flows.size.height


async def test_the_cursor_moves_by_drawing_two_rows(
    many: MemoryWorkspace, work: Counter[str]
) -> None:
    async with running(many) as driver:
        work.clear()
        await driver.press("j")
        assert work["refresh_line"] == 2
        assert work["line"] == 0
        await driver.press("G", "g", "pagedown", "pageup")
        assert work["line"] <= 4 * 24
        assert selected(driver) == "flow 0000"
