"""A thousand rows: what happens is counted, not timed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.deploy.events import Outcome, Stage, problem_found
from flowtui.models import Discovery, FlowState, Problem
from flowtui.tui.widgets.flow_table import FlowTable
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace, flow

ROWS = 1000


@pytest.fixture
def many(tmp_path: Path) -> MemoryWorkspace:
    made = MemoryWorkspace(tmp_path)
    flows = tuple(flow(f"flow {n:04}", f"flows/f{n:04}.py") for n in range(ROWS))
    made.found = Discovery(str(tmp_path), flows, (), ROWS)
    return made


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the table makes the cells of a row, changes a cell, and is built anew."""
    counts: Counter[str] = Counter()
    for name in ("_row_cells", "update_cell", "_rebuild"):
        original = getattr(FlowTable, name)

        def counted(
            self: FlowTable, *args: object, _name: str = name, _original=original, **more: object
        ):  # type: ignore[no-untyped-def]
            counts[_name] += 1
            return _original(self, *args, **more)

        monkeypatch.setattr(FlowTable, name, counted)
    return counts


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
        assert work == {"_row_cells": 1, "update_cell": 1}
        for number in range(50):
            run.emit(problem_found(run.id, Stage.SERIALIZE, Problem(f"warning {number}")))
        await driver.until(lambda: len(next(iter(driver.app.session.deploys)).problems) == 50)
        assert work == {"_row_cells": 1, "update_cell": 1}
        run.done(Stage.SERIALIZE)
        run.start(Stage.BUILD)
        await driver.see("● build")
        assert work["_row_cells"] <= 3
        assert work["_rebuild"] == 0
        run.finish(Outcome.CANCELLED)
        await driver.idle()
        assert work["_row_cells"] <= 5


async def test_a_file_that_changes_touches_its_own_row_alone(
    many: MemoryWorkspace, work: Counter[str]
) -> None:
    async with running(many) as driver:
        work.clear()
        many.states = {"flow 0003": (FlowState.CHANGED, "sources differ")}
        many.change(replace(many.found, files_seen=ROWS + 1), "flows/f0003.py")
        await driver.see("◆ changed")
        await driver.idle()
        assert work == {"_row_cells": 1, "update_cell": 1}
