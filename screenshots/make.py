"""Screenshots of the real app on real state: `make screenshots`, or `python -m screenshots.make`.

The sample flows of `flowtui demo` are copied to a folder, the embedded server is started as the app
starts it, and the app is driven by keys alone. With a Docker engine and a registry (those of the
tests) flows go to Docker storage, else to Local storage. Each screen is exported as SVG, in the
size its name says; `--png FOLDER` writes a PNG of each, to look at.

The flows' virtual environment is FLOWTUI_SCREENSHOT_VENV, else the one that the tests keep for
Prefect 1.4.1.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot

from flowtui.deploy.events import Stage
from flowtui.tui.app import FlowtuiApp
from flowtui.tui.deploys import DeployRecord, Phase
from flowtui.tui.widgets.flows.table import FlowTable
from screenshots.picture import to_png
from tests.parts.engine import RunningEngine

HERE = Path(__file__).parent
SAMPLES = Path(__file__).parents[1] / "flowtui" / "cli" / "demo_flows"
STAGE = Path("/tmp/flowtui-demo")
"""It is on the screens: the same on every machine."""
FLOW = "example-storage"
"""The sample flow of hello.py."""
SMALL, LARGE = (80, 24), (160, 45)
_PUSHED = 40_000_000
"""Bytes of a push that is well under way."""
_PATIENCE = 180.0
"""Seconds that a screen may take to come."""


@dataclass(frozen=True)
class Docker:
    """What the project's settings say for Docker storage."""

    registry_url: str
    base_image: str


class Camera:
    """The app, driven by keys, and its screens as files."""

    def __init__(self, app: FlowtuiApp, pilot: Pilot[int | None], size: tuple[int, int]) -> None:
        self.app, self.pilot, self.size = app, pilot, size
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
        file = HERE / f"{name}-{self.size[0]}x{self.size[1]}.svg"
        file.write_text(self.app.export_screenshot(title="flowtui"), encoding="utf-8")
        self.taken.append(file)
        print(file.name)

    @property
    def record(self) -> DeployRecord:
        """The deploy opened last."""
        return list(self.app.session.deploys)[-1]

    def state(self, name: str) -> str:
        rows = self.app.session.rows or ()
        return next((str(row.state) for row in rows if row.name == name), "")

    async def select(self, name: str) -> None:
        table = self.app.screen.query_one(FlowTable)
        await self.press("2", "g")
        for _ in range(table.row_count):
            if table.row is not None and table.row.name == name:
                return
            await self.press("j")
        raise SystemExit(f"there is no flow {name} in {SAMPLES}")

    async def planned(self, name: str) -> None:
        await self.select(name)
        await self.press("enter")
        await self.until(lambda: self.record.phase is Phase.PLANNED)

    async def building(self) -> bool:
        """Until the build is well under way; False where there is none to be seen."""

        def underway() -> bool:
            step = self.record.progress[Stage.BUILD].get("step")
            return self.ended or (step is not None and step.current >= 2)

        await self.until(underway)
        return not self.ended

    async def pushing(self) -> bool:
        """Until it is well under way; False where there is no push to be seen."""

        def underway() -> bool:
            total = self.record.total_progress(Stage.PUSH)
            return self.ended or (total is not None and total.current > _PUSHED)

        await self.until(underway)
        await self.pilot.pause(0.2)
        return not self.ended

    @property
    def ended(self) -> bool:
        return self.record.phase is Phase.FINISHED

    async def finished(self) -> None:
        await self.until(lambda: self.ended)
        await self.idle()


@asynccontextmanager
async def camera(project: Path, size: tuple[int, int]) -> AsyncIterator[Camera]:
    app = FlowtuiApp(project, api_url=f"http://127.0.0.1:{free_port()}")
    async with app.run_test(size=size, notifications=True) as pilot:
        found = Camera(app, pilot, size)
        await found.idle()
        yield found
        await app.serving.end()


def free_port() -> int:
    """4200, the embedded server's own, where it is free."""
    for port in (4200, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SystemExit("no port is free")


async def connected(cam: Camera) -> None:
    await cam.press("s")
    await cam.until(lambda: cam.app.session.connected)
    await cam.idle()


async def shoot_small(project: Path, docker: Docker | None) -> list[Path]:
    """Every screen at 80x24."""
    async with camera(project, SMALL) as cam:
        await cam.take("first-start")
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
        await cam.planned("nightly load")
        await cam.press("enter")
        await cam.finished()
        await cam.press("escape")
        await fail(cam, project, docker)
        await cam.press("4")
        await cam.idle()
        await cam.take("deploys")
        await cam.press("escape", "1", "g", "enter")
        await cam.idle()
        await cam.select("nightly load")
        await cam.idle()
        await cam.pilot.pause(0.4)
        await cam.take("main")
        await cam.press("question_mark")
        await cam.take("help")
        await cam.press("escape", "ctrl+p")
        await cam.pilot.pause(0.5)
        await cam.take("palette")
        await cam.press("escape")
        return cam.taken


async def fail(cam: Camera, project: Path, docker: Docker | None) -> None:
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


async def shoot_large(project: Path) -> list[Path]:
    """The main ones at 160x45, dark and light."""
    async with camera(project, LARGE) as cam:
        await connected(cam)
        await cam.planned("nightly load")
        await cam.take("plan")
        await cam.press("enter")
        await cam.finished()
        await cam.press("2")
        await cam.take("deploy-done")
        await cam.press("escape", "1", "g", "enter")
        await cam.idle()
        await cam.select("nightly load")
        await cam.idle()
        await cam.pilot.pause(0.4)
        await cam.take("main")
        await cam.press("t")
        await cam.take("main-light")
        return cam.taken


def virtual_environment() -> Path:
    """One that has Prefect 1.4.1."""
    chosen = os.environ.get("FLOWTUI_SCREENSHOT_VENV")
    if chosen:
        return Path(chosen).resolve()
    from tests.parts.prefects import prefect_venv

    return prefect_venv("1.4.1")


def docker_here(stack: ExitStack) -> Docker | None:
    """An engine, a registry and a base image, as the tests start them; None where they cannot."""
    from tests.parts.base_images import prefect_image
    from tests.parts.engine import running_engine
    from tests.parts.registry import running_registry

    try:
        engine = stack.enter_context(running_engine())
        registry = stack.enter_context(running_registry())
        engine.docker("tag", prefect_image(engine, "1.4.1"), "prefect:1.4.1-python3.11")
    except (pytest.skip.Exception, pytest.fail.Exception) as reason:
        print(f"Local storage: {reason}")
        return None
    os.environ["DOCKER_HOST"] = engine.url
    # What an earlier run built would be there already: nothing to see.
    stack.callback(remove_images, engine)
    remove_images(engine)
    return Docker(f"{registry.host}/flows", "prefect:1.4.1-python3.11")


def remove_images(engine: RunningEngine) -> None:
    """The images of the sample flows, by where they were pushed to."""
    lines = engine.docker("images", "--format", "{{.Repository}} {{.ID}}").splitlines()
    ids = {line.split()[1] for line in lines if "/flows/" in line.split()[0]}
    if ids:
        engine.docker("rmi", "--force", *ids)


@contextmanager
def project_folder(docker: Docker | None) -> Iterator[Path]:
    """The sample flows, their virtual environment as the usual .venv, and a home beside them."""
    shutil.rmtree(STAGE, ignore_errors=True)
    project = STAGE / "flows"
    shutil.copytree(SAMPLES, project, ignore=shutil.ignore_patterns("__pycache__"))
    storage = 'type = "local"'
    if docker is not None:
        storage = f'registry_url = "{docker.registry_url}"\nbase_image = "{docker.base_image}"'
    (project / "flowtui.toml").write_text(
        f'project = "My Project"\n\n[storage]\n{storage}\n', encoding="utf-8"
    )
    (project / ".venv").symlink_to(virtual_environment(), target_is_directory=True)
    os.environ["FLOWTUI_HOME"] = str(STAGE / "home")
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    # All colours, wherever the pictures are taken.
    os.environ["COLORTERM"] = "truecolor"
    yield project
    shutil.rmtree(STAGE)


def refuse_paths_of_this_machine(files: list[Path]) -> None:
    """What is committed shows neither this home nor this checkout."""
    for file in files:
        text = file.read_text(encoding="utf-8").replace("&#160;", " ")
        for private in (str(Path.home()), str(HERE.parent)):
            if private in text:
                raise SystemExit(f"{file.name} shows {private}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m screenshots.make")
    parser.add_argument("--png", type=Path, metavar="FOLDER", help="a PNG of each, to look at")
    folder = parser.parse_args().png
    taken: list[Path] = []
    with ExitStack() as stack:
        docker = docker_here(stack)
        with project_folder(docker) as project:
            taken += asyncio.run(shoot_small(project, docker))
        with project_folder(docker) as project:
            taken += asyncio.run(shoot_large(project))
    refuse_paths_of_this_machine(taken)
    for file in set(HERE.glob("*.svg")) - set(taken):
        print(f"{file.name} is no longer made: removed")
        file.unlink()
    for file in taken if folder is not None else ():
        folder.mkdir(parents=True, exist_ok=True)
        to_png(file.read_text(encoding="utf-8"), folder / f"{file.stem}.png")


if __name__ == "__main__":
    main()
