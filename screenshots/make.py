"""Screenshots of the real app on real state: `make screenshots`, or `python -m screenshots.make`.

The sample flows of `flowtui demo` are copied to a scratch folder, the embedded server is started
as the app starts it, flows are deployed to Local storage by their own Prefect, and the app is
driven by keys alone. Each screen is exported as SVG, in the size its name says; `--png` writes a
PNG beside each, to look at.

The flows' virtual environment is FLOWTUI_SCREENSHOT_VENV, else the one that the tests keep for
Prefect 1.4.1.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from flowtui.tui.app import FlowtuiApp
from flowtui.tui.deploys import Phase
from screenshots.picture import to_png

HERE = Path(__file__).parent
SAMPLES = Path(__file__).parents[1] / "flowtui" / "cli" / "demo_flows"
FLOW = "example-storage"
"""The sample flow of hello.py."""
SIZES = ((80, 24), (160, 45))
_PATIENCE = 120.0
"""Seconds that a screen may take to come."""


class Camera:
    """The app, driven by keys, and its screens as files."""

    def __init__(self, app: FlowtuiApp, pilot: object, folder: Path, size: tuple[int, int]) -> None:
        from textual.pilot import Pilot

        assert isinstance(pilot, Pilot)
        self.app, self.pilot, self.folder, self.size = app, pilot, folder, size
        self.taken: list[Path] = []

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not holds():
                await self.pilot.pause(0.02)
        await self.pilot.pause()

    async def idle(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            await self.pilot.pause()
            while not self.app.busy.idle:
                await self.app.busy.wait_idle()
                await self.pilot.pause()

    async def take(self, name: str) -> None:
        self.app.clear_notifications()
        await self.pilot.pause()
        file = self.folder / f"{name}-{self.size[0]}x{self.size[1]}.svg"
        file.write_text(self.app.export_screenshot(title="flowtui"), encoding="utf-8")
        self.taken.append(file)
        print(file.relative_to(self.folder))


def virtual_environment() -> Path:
    """One that has Prefect 1.4.1."""
    chosen = os.environ.get("FLOWTUI_SCREENSHOT_VENV")
    if chosen:
        return Path(chosen).resolve()
    from tests.parts.prefects import prefect_venv

    return prefect_venv("1.4.1")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def camera(project: Path, port: int, size: tuple[int, int]) -> AsyncIterator[Camera]:
    app = FlowtuiApp(project, api_url=f"http://127.0.0.1:{port}")
    async with app.run_test(size=size, notifications=True) as pilot:
        found = Camera(app, pilot, HERE, size)
        await found.idle()
        yield found
        await app.server.stop()


async def shoot(project: Path, size: tuple[int, int]) -> list[Path]:
    """Every screen in one size, on a server and a folder of its own."""
    async with camera(project, free_port(), size) as cam:
        app = cam.app
        await cam.take("first-start")
        await cam.press("c")
        await cam.take("connection")
        await cam.press("s")
        await cam.until(lambda: app.session.connected)
        await cam.idle()
        await cam.press("escape")
        await cam.press("1", "n", *("M", "y", "space", "P", "r", "o", "j", "e", "c", "t"), "enter")
        await cam.idle()
        await cam.press("2", "g")
        await select(cam, FLOW)
        await cam.press("enter")
        await cam.until(lambda: phase(app) is Phase.PLANNED)
        await cam.take("plan")
        await cam.press("2")
        await cam.take("plan-settings")
        await cam.press("enter")
        await cam.until(lambda: phase(app) is Phase.RUNNING and active(app))
        await cam.take("deploy-running")
        await cam.until(lambda: phase(app) is Phase.FINISHED)
        await cam.idle()
        await cam.take("deploy-done")
        await cam.press("escape")
        hello = project / "hello.py"
        good = hello.read_text(encoding="utf-8")
        hello.write_text("import a_package_that_is_missing\n" + good, encoding="utf-8")
        await cam.until(lambda: state(app, FLOW) == "changed")
        await cam.press("1", "j")
        await cam.press("g", "enter")
        await cam.idle()
        await cam.press("2")
        await select(cam, FLOW)
        await cam.take("main")
        await cam.press("enter")
        await cam.until(lambda: phase(app) is Phase.PLAN_FAILED)
        await cam.take("plan-failed")
        await cam.press("escape")
        hello.write_text(good, encoding="utf-8")
        await cam.press("question_mark")
        await cam.take("help")
        await cam.press("escape", "ctrl+p")
        await cam.pilot.pause(0.5)
        await cam.take("palette")
        await cam.press("escape")
        await cam.until(lambda: state(app, FLOW) == "up to date")
        await cam.press("t")
        await cam.take("main-light")
        return cam.taken


def phase(app: FlowtuiApp) -> Phase | None:
    """Of the deploy opened last."""
    records = list(app.session.deploys)
    return records[-1].phase if records else None


def active(app: FlowtuiApp) -> bool:
    records = list(app.session.deploys)
    return bool(records) and records[-1].active_stage is not None


def state(app: FlowtuiApp, name: str) -> str:
    return next((str(row.state) for row in app.session.rows or () if row.name == name), "")


async def select(cam: Camera, name: str) -> None:
    from flowtui.tui.widgets.flow_table import FlowTable

    table = cam.app.screen.query_one(FlowTable)
    await cam.press("g")
    for _ in range(table.row_count):
        if table.row is not None and table.row.name == name:
            return
        await cam.press("j")
    raise SystemExit(f"there is no flow {name} in {SAMPLES}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m screenshots.make")
    parser.add_argument("--png", action="store_true", help="a PNG beside each SVG")
    wants_png = parser.parse_args().png
    venv = virtual_environment()
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="flowtui-") as scratch:
            # The path is on the screens: a short one that tells a reader something.
            project = Path(scratch) / "flows"
            shutil.copytree(SAMPLES, project, ignore=shutil.ignore_patterns("__pycache__"))
            (project / "flowtui.toml").write_text(
                'project = "My Project"\n\n[storage]\ntype = "local"\n', encoding="utf-8"
            )
            # The path of an interpreter is on the screens: the project's own .venv, as usual.
            (project / ".venv").symlink_to(venv, target_is_directory=True)
            os.environ["FLOWTUI_HOME"] = str(Path(scratch) / "home")
            os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
            taken = asyncio.run(shoot(project, size))
        if wants_png:
            for file in taken:
                to_png(file.read_text(encoding="utf-8"), file.with_suffix(".png"))


if __name__ == "__main__":
    main()
