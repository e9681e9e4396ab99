"""The real app, driven by keys, and its screens as files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from flowtui.deploy.events import Stage
from flowtui.tui.app import FlowtuiApp
from flowtui.tui.looks.themes import DARK, LIGHT
from flowtui.tui.view_models.deploys import DeployRecord, Phase
from flowtui.tui.widgets.flows import FlowTable
from screenshots.animation import Recording
from screenshots.picture import to_png
from screenshots.stage import EMBEDDED_PORT, free_port

HERE = Path(__file__).parent
LOOKS = {"dark": DARK.name, "light": LIGHT.name}
_PUSHED = 40_000_000
"""Bytes of a push that is well under way."""
_PATIENCE = 180.0
"""Seconds that a screen may take to come."""
_AGENT_PATIENCE = 10.0
"""Seconds that an agent has to stop by itself."""
_LOOK = 0.1
"""Seconds between two looks of a recording."""


class Camera:
    def __init__(self, app: FlowtuiApp, pilot: Pilot[int | None], size: tuple[int, int]) -> None:
        self.app, self.pilot, self.size = app, pilot, size
        self.taken: list[Path] = []

    # ------------------------------------------------------------------------------------ keys

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not holds():
                await self.pilot.pause(0.02)
        await self.pilot.pause()

    async def see(self, *words: str) -> None:
        """Until all of these words are on the screen."""
        try:
            await self.until(lambda: all(word in self.text() for word in words))
        except TimeoutError:
            raise SystemExit(f"{words} did not come:\n{self.text()}") from None

    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def idle(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            await self.pilot.pause()
            while not self.app.busy.idle:
                await self.app.busy.wait_idle()
                await self.pilot.pause()

    # -------------------------------------------------------------------------------- pictures

    async def take(self, name: str) -> None:
        """The screen as it is now, in the dark and in the light theme."""
        before = self.app.theme
        for look, theme in LOOKS.items():
            self.app.theme = theme
            self.app.clear_notifications()
            await self.pilot.pause()
            svg = self.app.export_screenshot(title="flowtui")
            file = HERE / f"{name}-{self.size[0]}x{self.size[1]}-{look}.svg"
            file.write_text(svg, encoding="utf-8")
            to_png(svg, file.with_suffix(".png"))
            self.taken += [file, file.with_suffix(".png")]
            print(file.stem)
        self.app.theme = before
        await self.pilot.pause()

    @asynccontextmanager
    async def recording(self) -> AsyncIterator[Recording]:
        """Every screen that differs from the one before, while the body runs."""
        recording = Recording()
        clock = asyncio.get_running_loop().time

        async def look() -> None:
            while True:
                recording.see(clock(), self.app.export_screenshot(title="flowtui"))
                await asyncio.sleep(_LOOK)

        looking = asyncio.create_task(look())
        try:
            yield recording
            recording.see(clock(), self.app.export_screenshot(title="flowtui"))
        finally:
            looking.cancel()

    # --------------------------------------------------------------------------------- places

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
        raise SystemExit(f"there is no flow {name} on the stage")

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
async def camera(
    project: Path, size: tuple[int, int], *, first: bool = False, api_url: str | None = None
) -> AsyncIterator[Camera]:
    """The app on the stage, its embedded server not yet started; or on the server at `api_url`.

    `first` is somebody's first start: nothing says where a control plane is.
    """
    port = free_port()
    address = api_url or f"http://127.0.0.1:{port}"
    app = FlowtuiApp(project, api_url=None if first else address)
    if first and port != EMBEDDED_PORT:
        raise SystemExit(f"the first start needs port {EMBEDDED_PORT} free")
    async with app.run_test(size=size, notifications=True) as pilot:
        found = Camera(app, pilot, size)
        await found.idle()
        yield found
        await app.agents.end(_AGENT_PATIENCE)
        await app.serving.end()
