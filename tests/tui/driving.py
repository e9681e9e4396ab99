"""Driving the app by keys and waiting until it is idle: no sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot

from flowtui.tui.app import FlowtuiApp
from flowtui.workspace import Workspace
from tests.tui.memory import MemoryWorkspace

_PATIENCE = 60.0
"""Seconds until a test that waits for something that never comes gives up."""
_LOOK = 0.005
"""Seconds between two looks whether running work has brought it about."""
_SAID = 600.0
"""Seconds that a notification stays."""


@dataclass
class AppDriver:
    """The app on whatever workspace it opened."""

    app: FlowtuiApp
    pilot: Pilot[int | None]

    async def settled(self) -> None:
        """Until all messages are dealt with and what they changed is drawn; work may still run.

        Textual's own `pause` guesses this from the time the processor was used: it is slow where
        nothing else runs, and wrong where much does.
        """
        async with asyncio.timeout(_PATIENCE):
            await self._nothing_can_go_on()
            while self.app._running:
                if self._has_to_draw():
                    self.app.screen._on_timer_update()
                elif self._dealing_with_something():
                    await asyncio.sleep(_LOOK)
                else:
                    break
                await self._nothing_can_go_on()

    async def _nothing_can_go_on(self) -> None:
        """Until all of the event loop waits: for a time, for a thread, for a key."""
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
        while True:
            await asyncio.sleep(0)
            if not ready:
                break
        if self.app._running and not self.app.animator._complete_event.is_set():
            await self.app.animator.wait_until_complete()
            await self._nothing_can_go_on()

    def _has_to_draw(self) -> bool:
        screen = self.app.screen
        return bool(
            screen._layout_required
            or screen._scroll_required
            or screen._repaint_required
            or screen._recompose_required
            or screen._dirty_widgets
            or screen._callbacks
        )

    def _dealing_with_something(self) -> bool:
        """A key waits for the one before it, or a handler waits for a thread or for a moment.

        A node that has nothing to do waits for its next message.
        """
        return self.app._hearing is not None or any(
            node._running
            and not node._closing
            and not node._closed
            and not node._message_queue.ready_event._waiters  # type: ignore[attr-defined]
            for node in (self.app, *self.app._registry)
        )

    async def idle(self) -> None:
        """Until no work is running and no message is waiting."""
        async with asyncio.timeout(_PATIENCE):
            await self.settled()
            while not self.app.busy.idle:
                await self.app.busy.wait_idle()
                await self.settled()

    async def press(self, *keys: str) -> None:
        """Press keys one by one, each after the app has dealt with the one before."""
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))
            await self.settled()

    async def press_and_settle(self, *keys: str) -> None:
        await self.press(*keys)
        await self.idle()

    async def type(self, text: str) -> None:
        """Into the field in front: nothing moves the focus on the way."""
        for character in text:
            self.app.post_message(events.Key(_KEYS.get(character, character), character))
        await self.settled()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Until something holds that running work brings about."""
        async with asyncio.timeout(_PATIENCE):
            await self.settled()
            while not holds():
                await asyncio.sleep(_LOOK)
                await self.settled()

    async def see(self, *words: str) -> str:
        """The first screen with all of these words on it."""
        try:
            await self.until(lambda: all(word in self.screen_text() for word in words))
        except TimeoutError:
            raise AssertionError(f"{words} did not come:\n{self.screen_text()}") from None
        return self.screen_text()

    def said(self) -> str:
        return "\n".join(notification.message for notification in self.app._notifications)

    def screen_text(self) -> str:
        """What stands on the screen, line by line, as plain text."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)


@dataclass
class Driver(AppDriver):
    """The app on a workspace in memory."""

    workspace: MemoryWorkspace


_KEYS = {" ": "space"}


@asynccontextmanager
async def driving(app: FlowtuiApp, *, size: tuple[int, int] = (80, 24)) -> AsyncIterator[AppDriver]:
    """An app of the test's own making, idle.

    What it says stays: on a busy machine it would be gone before the test has looked.
    """
    notify = app.notify

    def notify_for_long(message: str, *, timeout: float | None = None, **more: Any) -> None:
        notify(message, timeout=_SAID, **more)

    app.notify = notify_for_long  # type: ignore[method-assign]
    async with app.run_test(size=size, notifications=True) as pilot:
        driver = AppDriver(app, pilot)
        await driver.idle()
        yield driver


@asynccontextmanager
async def running(
    workspace: MemoryWorkspace, *, size: tuple[int, int] = (80, 24), read_only: bool = False
) -> AsyncIterator[Driver]:
    """The app on a workspace in memory, connected and idle."""

    async def open_workspace(
        path: Path, *, profile: str | None = None, api_url: str | None = None
    ) -> Workspace:
        return workspace

    app = FlowtuiApp(workspace.root, open_workspace=open_workspace, read_only=read_only)
    async with driving(app, size=size) as driver:
        yield Driver(app, driver.pilot, workspace)
