"""How the screens look: pictures that a person has seen and accepted, compared with those of now.

After a change that is meant: `pytest tests/tui/looks --snapshot-update`, then look at what changed.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from flowtui.deploy.events import Outcome, Progress, Stage, log_line, problem_found
from flowtui.models import Problem
from flowtui.tui import clock
from flowtui.tui.looks.themes import DARK, LIGHT
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryDeploy, MemoryWorkspace
from tests.tui.memory_agents import MemoryAgents

pytestmark = pytest.mark.slow


class Picture(SingleFileSnapshotExtension):
    """One SVG file for each picture."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT


Scene = Callable[[Driver], Awaitable[None]]
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""Before any event of a test: nothing has taken time yet."""
SMALL, LARGE = (80, 24), (160, 45)
NO_COLOUR = "no colour"
EVERYWHERE = tuple(
    (size, mode) for size in (SMALL, LARGE) for mode in (DARK.name, LIGHT.name, NO_COLOUR)
)
DARK_ONLY = tuple((size, DARK.name) for size in (SMALL, LARGE))


async def main(driver: Driver) -> None:
    await driver.press("1")
    await driver.press_and_settle("G", "enter")
    await driver.press_and_settle("2", "j")


async def help_(driver: Driver) -> None:
    await driver.press("question_mark")
    await driver.see("Keys ─")


async def problems(driver: Driver) -> None:
    await driver.press("exclamation_mark")
    await driver.see("Problems")


async def history(driver: Driver) -> None:
    await failed(driver)
    await driver.press("escape", "4")
    await driver.see("Took")


async def graph(driver: Driver) -> None:
    await driver.press("g")
    await driver.press_and_settle("enter")
    await driver.press("escape", "right_square_bracket")
    await driver.idle()


async def connection(driver: Driver) -> None:
    await driver.press("5")
    await driver.see("Profiles")


async def agents_none(driver: Driver) -> None:
    await _agents(driver)
    await driver.see("No agent: runs that are started wait")


async def agents(driver: Driver) -> None:
    """Those started here and elsewhere, and runs that wait for different reasons."""
    server = driver.workspace.server
    etl, *_, report = server.version_list
    made = await _agents(driver)
    for keys in ((), ("down",)):
        await _start_agent(driver, *keys)
    made.made[0].gets_ready()
    made.made[1].starts()
    reason = "Prefect cannot reach the control plane"
    made.made[1].dies(reason, restart_in=4, at=NOW.timestamp())
    server.add_agent("prod-1", "DockerAgent", ("prod", "etl"), last_seen=_before(seconds=3))
    server.add_agent("builds", "LocalAgent", core_version="0.15.13", last_seen=_before(hours=3))
    server.add_agent("old", "KubernetesAgent", last_seen=_before(days=40))
    docker = server.add_agent(made.made[0].spec.name, "DockerAgent", last_seen=_before(seconds=1))
    server.give_run(server.add_run(etl).id, docker)
    for number in range(40):
        server.add_run((etl, report)[number % 2], labels=("gpu",))
    server.add_run(etl, labels=("prod",), start=NOW + timedelta(hours=2))
    await driver.press("r")
    await driver.see("1s ago", "40 runs")


async def agent_dialog(driver: Driver) -> None:
    server = driver.workspace.server
    server.add_run(server.version_list[0], labels=("gpu", "eu"))
    await _agents(driver)
    await driver.see("Runs that wait (1)")
    await driver.press("n")
    await driver.see("Prefect 1.4.1 of the project's .venv")


async def agent_log(driver: Driver) -> None:
    made = await _agents(driver)
    await _start_agent(driver)
    made.made[0].gets_ready()
    for number in range(1, 30):
        made.made[0].says(f"INFO - agent | Deploying flow run brave-heron-{number}")
    await driver.press("enter")
    await driver.see("brave-heron-29")


async def _agents(driver: Driver) -> MemoryAgents:
    made = MemoryAgents()
    driver.app.agents.make, driver.app.agents.foresee = made.make, made.foresee
    await driver.press("8")
    await driver.until(lambda: driver.app.session.agents.queue is not None)
    # The name that is suggested is that of the folder, which is another one in each test.
    driver.app.agents.wanted_name = lambda kind: f"flows-{kind}"  # type: ignore[method-assign]
    return made


async def _start_agent(driver: Driver, *keys: str) -> None:
    count = len(driver.app.session.agents.own)
    await driver.press("n", *keys, "enter", "enter", "enter")
    await driver.until(lambda: len(driver.app.session.agents.own) == count + 1)
    await driver.idle()


def _before(**time: float) -> datetime:
    return NOW - timedelta(**time)


async def plan(driver: Driver) -> None:
    await driver.press("g")
    await driver.press_and_settle("enter")
    await driver.see("nothing is done until you press Enter")


async def deploying(driver: Driver) -> None:
    run = await _started(driver)
    for number in range(1, 30):
        run.emit(log_line(run.id, Stage.BUILD, f"Step {number}/40 : RUN pip install part{number}"))
    run.emit(
        Progress(deploy=run.id, stage=Stage.BUILD, item="step", current=29, total=40, unit="steps")
    )
    await driver.see("Step 29/40", "29 of 40")
    # The deploy alone goes on; whatever else was under way shows in the top line.
    await driver.until(lambda: len(driver.app.busy.descriptions) == 1)


async def failed(driver: Driver) -> None:
    run = await _started(driver)
    run.emit(log_line(run.id, Stage.BUILD, "ModuleNotFoundError: No module named 'pandas'"))
    run.fail(Stage.BUILD)
    run.emit(
        problem_found(
            run.id,
            Stage.BUILD,
            Problem(
                "the flow needs “pandas”, which is not in the image",
                "flows/etl.py:3",
                "add it to python_dependencies in flowtui.toml",
            ),
        )
    )
    run.finish(Outcome.FAILED, exit_code=1, reason="the build failed")
    await driver.idle()
    await driver.see("Nothing was registered")


async def _started(driver: Driver) -> MemoryDeploy:
    await plan(driver)
    await driver.press("enter")
    await driver.until(lambda: len(driver.workspace.deploys) == 1)
    run = driver.workspace.deploys[0]
    run.start(Stage.SERIALIZE)
    run.done(Stage.SERIALIZE)
    run.start(Stage.BUILD)
    return run


SCENES: dict[Scene, tuple[tuple[tuple[int, int], str], ...]] = {
    main: EVERYWHERE,
    deploying: EVERYWHERE,
    failed: EVERYWHERE,
    plan: DARK_ONLY,
    help_: DARK_ONLY,
    problems: DARK_ONLY,
    connection: DARK_ONLY,
    history: DARK_ONLY,
    graph: DARK_ONLY,
    agents_none: ((SMALL, DARK.name),),
    agents: (*DARK_ONLY, (SMALL, NO_COLOUR), (LARGE, LIGHT.name)),
    agent_dialog: DARK_ONLY,
    agent_log: DARK_ONLY,
}
CASES = [
    pytest.param(scene, size, mode, id=f"{scene.__name__.strip('_')}-{size[0]}x{size[1]}-{mode}")
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


async def looks_as_accepted(
    scene: Scene,
    size: tuple[int, int],
    mode: str,
    workspace: MemoryWorkspace,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock stands still, and everything else that pictures must not depend on."""
    monkeypatch.chdir(workspace.root)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LANG", "C.UTF-8")
    if mode == NO_COLOUR:
        monkeypatch.setenv("NO_COLOR", "1")
    async with running(workspace, size=size) as driver:
        if mode != NO_COLOUR:
            driver.app.theme = mode
        await scene(driver)
        driver.app.clear_notifications()
        await driver.settled()
        picture = driver.app.export_screenshot(title="flowtui", simplify=True)
    # Rich numbers the classes of each picture by a checksum of the text: that says nothing.
    picture = re.sub(r"\bterminal-\d+-", "terminal-", picture)
    assert picture == snapshot(extension_class=Picture)
