"""Text from outside through every tab of the details and every mark of the flow browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.deploy.change import Aspect, Change, Changes, Sign, Unknown
from flowtui.flow_rows import FlowRow
from flowtui.models import Discovery, FlowState, Problem
from flowtui.tui.looks.diff import diff_lines
from flowtui.tui.looks.glyphs import UNICODE
from flowtui.tui.widgets.detail import DetailPane
from tests.tui.driving import running
from tests.tui.memory import MemoryWorkspace, broken, flow
from tests.tui.test_hostile_text import HOSTILE, check

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("size", [(60, 20), (160, 45)], ids=["60x20", "160x45"])
@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
async def test_through_every_tab(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    workspace = MemoryWorkspace(tmp_path)
    workspace.server.add_project(name)
    version = workspace.server.add_version(name, name)
    workspace.server.serialized[version.id] = {
        "parameters": [{"name": name, "default": name}],
        "tasks": [{"name": name, "slug": "a", "type": name}, {"name": name, "slug": name}],
        "edges": [{"upstream_task": {"slug": "a"}, "downstream_task": {"slug": name}}],
        "schedule": {"clocks": [{"cron": name}]},
    }
    workspace.found = Discovery(str(tmp_path), (flow(name, "a.py", 1),), (broken("b.py", name),))
    workspace.states = {name: (FlowState.CHANGED, name)}
    gone = replace(version, name=name)
    workspace.extra_rows = (FlowRow(FlowState.DELETED, None, None, gone, name, name, f"{name}.py"),)
    workspace.watch_note = Problem(name, name, name)
    (tmp_path / "a.py").write_text(f"x = 1  # {name}\n", "utf-8", "surrogateescape")
    (tmp_path / "b.py").write_bytes(b"\xff\x00\x1b[2J\n" * 3)
    async with running(workspace, size=size) as driver:
        tabs = driver.app.screen.query_one(DetailPane).tabs
        for _ in tabs:
            for _ in range(3):
                await driver.press_and_settle("j")
                check(driver)
            await driver.press("g")
            await driver.press_and_settle("right_square_bracket")
            check(driver)
        await driver.press("slash")
        await driver.type("[/]")
        await driver.press("escape", "asterisk", "T", "S", "enter")
        check(driver)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_changes_are_text(name: str) -> None:
    found = tuple(
        replace(Change(Aspect.STORAGE, sign, name, name, f"{name}!", kept=kept), lines=lines)
        for sign in Sign
        for kept in (False, True)
        for lines in ((), (f"+{name}", f"@@ -{name} +{name} @@"))
    )
    for line in diff_lines(Changes(found, (Unknown(Aspect.TASKS, name),)), 50, UNICODE):
        assert not any(ord(c) < 32 for c in line.plain)
        assert "\u202e" not in line.plain
