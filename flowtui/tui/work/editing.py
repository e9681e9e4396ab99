"""The person's editor: the app steps aside while it has the terminal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from flowtui.editor import editor_command, editor_words
from flowtui.errors import UsageError
from flowtui.tui.view_models.places import Place

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class Editing:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app

    def why_not(self) -> str | None:
        """None when an editor can be opened, else the reason in words for a person."""
        if self._app.is_web:
            return "a browser has no terminal for an editor"
        return _no_editor(*(os.environ.get(name, "") for name in ("VISUAL", "EDITOR", "PATH")))

    def edit(self, place: Place) -> None:
        """Open a file; the app comes back when the editor ends.

        Deploys go on meanwhile: only the screen waits.
        """
        app = self._app
        reason = self.why_not()
        if reason is not None:
            app.say(f"edit: {reason}", severity="warning")
            return

        async def job() -> None:
            file, line = await asyncio.to_thread(place.found)
            command = editor_command(editor_words(os.environ), file, line)
            with self._aside():
                process = await asyncio.create_subprocess_exec(*command)
                code = await process.wait()
            if code != 0:
                app.say(f"{command[0]} ended with {code}", severity="warning")
            app.configuring.read()
            if app.session.workspace is not None:
                app.folder.look()

        app.begin(job, group="editor", description=f"editing {place.file.name}")

    @contextmanager
    def _aside(self) -> Generator[None]:
        """The terminal is the editor's: nothing is painted, no key is read, Ctrl+C is its own."""
        app = self._app
        before = signal.signal(signal.SIGINT, _nothing)
        try:
            with app.batch_update(), app.suspend():
                yield
        finally:
            signal.signal(signal.SIGINT, before)
        app.screen.refresh(layout=True)


def _nothing(_number: int, _frame: object) -> None:
    """Ctrl+C is for the editor; a handler, unlike `SIG_IGN`, is not handed on to it."""


@lru_cache(maxsize=8)
def _no_editor(visual: str, editor: str, path: str) -> str | None:
    try:
        editor_words({"VISUAL": visual, "EDITOR": editor, "PATH": path})
    except UsageError as error:
        return ": ".join(filter(None, (error.problem.what, error.problem.fix)))
    return None
