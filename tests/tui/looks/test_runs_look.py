"""How the screens of runs look: pictures that a person has seen and accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from flowtui.run_models import FlowRun
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
from tests.tui.runs.acting import PARAMETERS, etl, going_on, open_run, serialized

pytestmark = pytest.mark.slow

_SECONDS = 60


@pytest.fixture
def workspace(workspace: MemoryWorkspace) -> MemoryWorkspace:
    """The details read at some moment of the start what is registered: it is there before."""
    server, version = workspace.server, etl(workspace)
    server.parameter_lists[version.id] = PARAMETERS
    server.serialized[version.id] = serialized()
    return workspace


def acted(workspace: MemoryWorkspace) -> FlowRun:
    """Runs of the last hours, the newest still at work; every moment of it is set."""
    server, version = workspace.server, etl(workspace)
    states = ("Success", "Failed", "Cancelled", "Success")
    for number in range(12, 0, -1):
        began = NOW - timedelta(minutes=13 * number)
        state = states[number % len(states)]
        run = server.add_run(version, name=f"calm-heron-{number}", labels=("gpu", "eu"))
        ended = began + timedelta(seconds=17 * number)
        message = "All reference tasks succeeded." if state == "Success" else ""
        server.runs[0] = replace(
            run, state=state, scheduled=began, started=began, ended=ended, message=message
        )
    late = server.add_run(version, name="late-badger")
    due = NOW - timedelta(minutes=5)
    server.runs[0] = replace(late, scheduled=due, state_start=due)
    moments = iter(NOW - timedelta(seconds=_SECONDS - number) for number in range(_SECONDS))
    server.clock = lambda: next(moments)
    return going_on(workspace)


async def run_form(driver: Driver) -> None:
    acted(driver.workspace)
    await driver.press("g")
    await driver.until(lambda: bool(driver.app.session.registered))
    await driver.press("x")
    await driver.see("country *")
    await driver.type("north")
    await driver.press("tab", "tab", "tab", "backspace")
    await driver.see("column 10")


async def run_list(driver: Driver) -> None:
    acted(driver.workspace)
    await driver.press("7")
    await driver.see("jolly-wren", "late 5m")


async def run_going_on(driver: Driver) -> None:
    await open_run(driver, acted(driver.workspace))
    await driver.see("double", "1 failed")


async def run_log(driver: Driver) -> None:
    await run_going_on(driver)
    await driver.press("l")
    await driver.see("it broke")


async def run_graph(driver: Driver) -> None:
    await run_going_on(driver)
    await driver.press("h")
    await driver.see("● double 2/5")


async def run_failed(driver: Driver) -> None:
    run = acted(driver.workspace)
    watch = await open_run(driver, run)
    driver.workspace.server.move_run(run.id, "Failed", "Some reference tasks failed.")
    driver.app.flow_run.look_again()
    await driver.until(lambda: watch.over)
    await driver.see("Task double[1]")


SCENES: dict[Scene, tuple[tuple[tuple[int, int], str], ...]] = {
    run_form: DARK_ONLY,
    run_list: DARK_ONLY,
    run_going_on: (*DARK_ONLY, (SMALL, NO_COLOUR)),
    run_log: DARK_ONLY,
    run_graph: (*DARK_ONLY, (SMALL, NO_COLOUR)),
    run_failed: DARK_ONLY,
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
