"""What the pictures show: every screen at 80x24, the main ones at 160x45, and a hot redeploy."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from flowtui.deploy.events import Outcome
from flowtui.tui.view_models.deploys import Phase
from flowtui.tui.widgets.detail.pane import DetailPane
from screenshots.animation import Recording
from screenshots.camera import Camera, camera
from screenshots.stage import FLOW, SCHEDULED, STAGE, Docker

_MAPPING = 4.0
"""Seconds until some of the mapped tasks of a run are through."""
SMALL, MIDDLE, LARGE = (80, 24), (100, 28), (160, 45)


async def small(project: Path, docker: Docker | None) -> list[Path]:
    """Every screen at 80x24."""
    async with camera(project, SMALL, first=True) as cam:
        await cam.take("first-start")
        await cam.press("escape")
        await connected(cam)
        await cam.press("5")
        await cam.take("connection")
        await cam.press("escape")
        await cam.planned(FLOW)
        await cam.take("plan")
        if docker is not None:
            await cam.press("3")
            await cam.take("dockerfile")
        await cam.press("enter")
        if await cam.building():
            await cam.take("deploy-build")
        if await cam.pushing():
            await cam.take("deploy-push")
        await cam.finished()
        await cam.take("deploy-done")
        await cam.press("escape")
        await deployed(cam, SCHEDULED)
        await agent(cam)
        await run(cam, rows=30)
        await failed(cam, project, docker)
        await cam.press("4")
        await cam.idle()
        await cam.take("history")
        await cam.press("escape")
        await details(cam)
        await cam.press("question_mark")
        await cam.take("help")
        await cam.press("escape", "ctrl+p")
        await cam.pilot.pause(0.5)
        await cam.take("palette")
        await cam.press("escape", "6")
        await cam.idle()
        # Its first lines say where flowtui is installed.
        await cam.press("G")
        await cam.take("doctor")
        return cam.taken


async def large(project: Path) -> list[Path]:
    """The main ones at 160x45."""
    async with camera(project, LARGE) as cam:
        await connected(cam)
        await cam.planned(SCHEDULED)
        await cam.take("plan")
        await cam.press("enter")
        await cam.finished()
        await cam.press("2")
        await cam.take("deploy-done")
        await cam.press("escape")
        await agent(cam)
        await run(cam, rows=60)
        await cam.press("1", "g", "enter")
        await cam.idle()
        await cam.select(SCHEDULED)
        await tab(cam, "graph")
        await cam.take("main")
        return cam.taken


async def hot(project: Path) -> tuple[Recording, list[Path]]:
    """A hot flow: a save becomes a version, a broken save does not, its correction does."""
    async with camera(project, MIDDLE) as cam:
        await connected(cam)
        await deployed(cam, SCHEDULED)
        await cam.select(SCHEDULED)
        source = project / "nightly.py"
        good = source.read_text(encoding="utf-8")
        async with cam.recording() as recording:
            await asyncio.sleep(1)
            await cam.press("h")
            await asyncio.sleep(1.5)
            source.write_text(good.replace("default=3", "default=30"), encoding="utf-8")
            await version(cam, SCHEDULED, 2)
            await asyncio.sleep(1.5)
            source.write_text(good.replace("default=3)", "default="), encoding="utf-8")
            await asyncio.sleep(3)
            source.write_text(good.replace("default=3", "default=300"), encoding="utf-8")
            await version(cam, SCHEDULED, 3)
            await asyncio.sleep(1)
        await cam.take("hot")
        return recording, cam.taken


# ------------------------------------------------------------------------------------------- parts


async def connected(cam: Camera) -> None:
    await cam.press("s")
    await cam.until(lambda: cam.app.session.connected)
    await cam.idle()


async def deployed(cam: Camera, name: str) -> None:
    await cam.planned(name)
    await cam.press("enter")
    await cam.finished()
    result = cam.record.result
    if result is None or result.outcome is not Outcome.DONE:
        raise SystemExit(f"{name} was not deployed: {result}")
    await cam.press("escape")


async def version(cam: Camera, name: str, number: int) -> None:
    """Until this version of a flow is registered and shown."""

    def shown() -> bool:
        rows = cam.app.session.rows or ()
        return any(
            row.name == name and row.version is not None and row.version.version == number
            for row in rows
        )

    await cam.until(shown)


async def agent(cam: Camera) -> None:
    """A run that waits, and the agent that takes it, started by a key."""
    await cam.select(SCHEDULED)
    await cam.press("x")
    await cam.see("Run nightly load", "limit")
    await cam.take("run-form")
    await cam.press("enter")
    await cam.see("Scheduled")
    await cam.press("escape", "8")
    await cam.see("Runs that wait")
    await cam.press("n")
    await cam.see("Start an agent", "Prefect 1.4.1")
    await cam.take("agent-start")
    await cam.press("enter", "enter", "enter")
    await cam.see("running, process", "s ago")
    await cam.take("agents")
    await cam.press("escape")


async def run(cam: Camera, *, rows: int) -> None:
    """A run of the scheduled flow by the agent: under way, its log, its graph, and the list."""
    await cam.select(SCHEDULED)
    await cam.press("x")
    await cam.see("Run nightly load", "limit")
    await cam.press(*["backspace"] * 3, *str(rows), "enter")
    await cam.see(f"limit={rows}", "● Running", "try 2")
    await asyncio.sleep(_MAPPING)
    await cam.take("run")
    await cam.press("]")
    await cam.see("cleaning")
    await cam.take("run-log")
    await cam.press("]")
    await cam.see("load", "clean")
    await cam.take("run-graph")
    await cam.press("]")
    await cam.see("Success after")
    await cam.press("escape", "7")
    await cam.see("Success")
    await cam.take("runs")
    await cam.press("escape")
    await cam.idle()


async def tab(cam: Camera, name: str) -> None:
    """One page of the details, loaded."""
    cam.app.screen.query_one(DetailPane).open_tab(name)
    await cam.pilot.pause(0.4)
    await cam.idle()


async def details(cam: Camera) -> None:
    """The pages of the details, and the main screen with the first of them."""
    await cam.press("1", "g", "enter")
    await cam.idle()
    await cam.select(SCHEDULED)
    for name in ("graph", "versions", "source"):
        await tab(cam, name)
        await cam.take(f"tab-{name}")
    await cam.select(FLOW)
    await tab(cam, "changes")
    await cam.take("tab-changes")
    await cam.select(SCHEDULED)
    await tab(cam, "overview")
    await cam.take("main")


async def failed(cam: Camera, project: Path, docker: Docker | None) -> None:
    """A flow that imports what its image does not have; without an engine, what nobody has."""
    hello = project / "hello.py"
    good = hello.read_text(encoding="utf-8")
    used = good.replace("    print(", "    team_metrics.count()\n    print(")
    hello.write_text(f"import team_metrics\n{used}", encoding="utf-8")
    if docker is not None:
        # Installed here, so that the flow loads, but not in the image.
        elsewhere = STAGE / "site"
        elsewhere.mkdir()
        (elsewhere / "team_metrics.py").write_text("", encoding="utf-8")
        os.environ["PYTHONPATH"] = str(elsewhere)
    await cam.until(lambda: cam.state(FLOW) == "changed")
    await cam.select(FLOW)
    await cam.press("enter")
    await cam.until(lambda: cam.record.phase in (Phase.PLANNED, Phase.PLAN_FAILED))
    if cam.record.phase is Phase.PLANNED:
        await cam.press("enter")
        await cam.finished()
    await cam.take("deploy-failed")
    await cam.press("escape")
    os.environ.pop("PYTHONPATH", None)
