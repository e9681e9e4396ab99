"""What the app remembers of a folder: read once, changed in memory, written when it is quiet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.timer import Timer

from flowtui import project_state
from flowtui.project_state import ProjectState
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_QUIET = 1.0
"""Seconds without a change before what changed is written."""
_RECENT = 20
"""Targets kept of the flows opened last."""


class Remembering:
    """The one owner of the folder's state file while the app runs.

    Another flowtui may write the same file: what was not changed here is taken from the disk.
    """

    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._screen: dict[str, str] = {}
        """Changed here, by name, and not on disk yet."""
        self._hot: tuple[str, ...] | None = None
        self._recent: list[str] = []
        self._timer: Timer | None = None
        self._refused = False

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {msg.StateRemembered: self._read_done, msg.RememberingFailed: self._failed}

    def get(self, name: str, default: str = "") -> str:
        """How the app was left, by name: the tab, the filter, the theme, …"""
        return self._app.session.remembered.screen.get(name, default)

    def put(self, name: str, value: str) -> None:
        """Remember one thing about the screen; an empty value is as good as none."""
        session = self._app.session
        if session.remembered.screen.get(name, "") == value:
            return
        screen = {**session.remembered.screen, name: value}
        session.remembered = replace(session.remembered, screen=screen)
        self._screen[name] = value
        self._soon()

    @property
    def hot(self) -> tuple[str, ...]:
        return self._app.session.remembered.hot

    def put_hot(self, targets: tuple[str, ...]) -> None:
        session = self._app.session
        session.remembered = replace(session.remembered, hot=targets)
        self._hot = targets
        self._soon()

    @property
    def recent(self) -> tuple[str, ...]:
        """Targets of the flows opened last, newest first."""
        return self._app.session.remembered.recent

    def opened(self, target: str) -> None:
        """This flow was opened: it is the most recent one."""
        session = self._app.session
        session.remembered = replace(
            session.remembered, recent=_in_front((target,), session.remembered.recent)
        )
        self._recent.insert(0, target)
        self._soon()

    # ---------------------------------------------------------------------------------- on disk

    def read(self) -> None:
        """Read the folder's state; `Part.REMEMBERED` says that it is there."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            state = await asyncio.to_thread(project_state.load, workspace.root)
            app.post_message(msg.StateRemembered(state))

        app.begin(job, group="remember", description="reading how the app was left")

    def _read_done(self, message: msg.StateRemembered) -> None:
        self._app.session.remembered = self._with_changes(message.state)
        self._app.hot.follow()
        self._app.changed(Part.REMEMBERED)

    def _with_changes(self, state: ProjectState) -> ProjectState:
        return ProjectState(
            hot=state.hot if self._hot is None else self._hot,
            screen={**state.screen, **self._screen},
            recent=_in_front(tuple(self._recent), state.recent),
        )

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = self._app.set_timer(_QUIET, self._save)
        else:
            self._timer.reset()

    def _save(self) -> None:
        self._timer = None
        self._app.begin(
            self.write, group="remembering", description="remembering the screen", counts=False
        )

    async def write(self) -> None:
        """Put on disk what changed, also when the app ends."""
        workspace = self._app.session.workspace
        if workspace is None or not (self._screen or self._recent or self._hot is not None):
            return
        try:
            await asyncio.to_thread(self._merge, workspace.root)
        except OSError as error:
            reason = error.strerror or str(error)
            self._app.post_message(msg.RememberingFailed(reason))

    def _merge(self, root: Path) -> None:
        project_state.save(root, self._with_changes(project_state.load(root)))

    def _failed(self, message: msg.RememberingFailed) -> None:
        if self._refused:
            return
        self._refused = True
        self._app.say(
            f"How the screen is left cannot be remembered: {message.reason}", severity="warning"
        )


def _in_front(newest: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*newest, *before)))[:_RECENT]
