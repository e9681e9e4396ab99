"""What flowtui relies on of Textual's inside: these fail when a new Textual does it otherwise."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pyte
import pytest
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.drivers import headless_driver
from textual.drivers.headless_driver import HeadlessDriver
from textual.events import Resize
from textual.geometry import Size

from flowtui.tui.terminal.textual_inside import pieces
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace, flow
from tests.tui.test_canvas import Emulator

pytestmark = pytest.mark.slow


class WatchedDriver(HeadlessDriver):
    """Headless for the keys, but what is written is kept."""

    written: list[str]

    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        WatchedDriver.written = []

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        WatchedDriver.written.append(data)


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headless_driver, "HeadlessDriver", WatchedDriver)


@asynccontextmanager
async def shown(
    workspace: MemoryWorkspace, size: tuple[int, int]
) -> AsyncIterator[tuple[Driver, Emulator]]:
    async with running(workspace, size=size) as driver:
        yield driver, Emulator(*size)


def feed(emulator: Emulator) -> int:
    data = "".join(WatchedDriver.written)
    WatchedDriver.written.clear()
    emulator.feed(data)
    return len(data)


def own(driver: Driver) -> Emulator:
    """The present screen as Textual itself would write it."""
    screen = driver.app.screen
    update = screen._compositor.render_full_update()
    emulator = Emulator(*screen.outer_size)
    emulator.screen.set_mode(pyte.modes.LNM)
    emulator.feed(update.render_segments(driver.app.console))
    return emulator


async def test_updates_are_what_they_were(workspace: MemoryWorkspace) -> None:
    async with shown(workspace, (80, 24)) as (driver, _):
        compositor = driver.app.screen._compositor
        full = compositor.render_full_update()
        assert isinstance(full, LayoutUpdate)
        rows = list(pieces(full))
        assert [row.y for row in rows] == list(range(24))
        driver.app.screen._compositor.update_widgets(set())
        compositor._dirty_regions.add(Size(10, 2).region)
        part = compositor.render_partial_update()
        assert isinstance(part, ChopsUpdate)
        assert {(piece.x, piece.y) for piece in pieces(part)} >= {(0, 0), (0, 1)}


KEYS = ("j", "k", "1", "2", "3", "G", "g", "question_mark", "escape", "t", "tab", "slash", "e")


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_is_pressed_the_terminal_shows_what_textual_would(
    workspace: MemoryWorkspace, seed: int
) -> None:
    names = ("日本語", "cafe\u0301", "plain", "한글 name")
    flows = [flow(f"{names[n % 4]}-{n}", f"f{n}.py", n + 1) for n in range(40)]
    workspace.found = type(workspace.found)(str(workspace.root), tuple(flows), (), 40)
    choose = random.Random(seed)
    async with shown(workspace, (100, 30)) as (driver, emulator):
        for _ in range(25):
            await driver.press_and_settle(choose.choice(KEYS))
            feed(emulator)
        rows = own(driver)
        for y in range(30):
            assert emulator.row(y) == rows.row(y)


async def test_colours_too(workspace: MemoryWorkspace) -> None:
    async with shown(workspace, (80, 24)) as (driver, emulator):
        await driver.press_and_settle("j", "1", "t", "question_mark", "escape", "2", "j")
        feed(emulator)
        assert emulator.look() == own(driver).look()


async def test_a_cursor_move_is_a_small_frame(workspace: MemoryWorkspace) -> None:
    flows = [flow(f"flow-number-{n}", f"flows/f{n}.py", n + 1) for n in range(100)]
    workspace.found = type(workspace.found)(str(workspace.root), tuple(flows), (), 100)
    async with shown(workspace, (160, 45)) as (driver, emulator):
        frames: list[int] = []
        for _ in range(5):
            feed(emulator)
            await driver.press_and_settle("j")
            frames.append(feed(emulator))
        # On a busy machine what else changed may come with one of them.
        assert 0 < sorted(frames)[2] < 2_000


async def test_nothing_is_written_when_nothing_changes(workspace: MemoryWorkspace) -> None:
    async with shown(workspace, (80, 24)) as (driver, emulator):
        await driver.press_and_settle("j")
        feed(emulator)
        driver.app.screen.refresh()
        await driver.idle()
        assert feed(emulator) == 0


async def test_redraw_sends_the_whole_screen_again(workspace: MemoryWorkspace) -> None:
    async with shown(workspace, (80, 24)) as (driver, emulator):
        await driver.press_and_settle("j")
        WatchedDriver.written.clear()
        await driver.press_and_settle("ctrl+l")
        feed(emulator)
        assert emulator.look() == own(driver).look()


async def test_a_resize_sends_the_whole_screen_again(workspace: MemoryWorkspace) -> None:
    async with shown(workspace, (80, 24)) as (driver, _):
        for width, height in ((100, 30), (60, 20), (60, 20), (90, 25)):
            WatchedDriver.written.clear()
            # As a terminal tells it, also when the size is in the end what it was.
            driver.app.post_message(Resize(Size(width, height), Size(width, height)))
            await driver.settled()
            await driver.until(lambda: driver.app._resize_event is None)
            emulator = Emulator(width, height)
            feed(emulator)
            assert emulator.look() == own(driver).look()
