"""Text that a person takes along: to the clipboard, or into a file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from flowtui.errors import FlowtuiError
from flowtui.quantities import counted
from flowtui.tui import messages as msg
from flowtui.tui.looks.words import plain
from flowtui.tui.messages import Handler
from flowtui.tui.terminal import clipboard

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

Take: TypeAlias = Callable[[], Awaitable[str]]
"""Gives the text, without holding up a key while it is put together."""


class Keeping:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.TextCopied: self._copied,
            msg.TextSaved: self._saved,
            msg.FileInTheWay: self._in_the_way,
        }

    def copy(self, take: Take, lines: int) -> None:
        """Bring so many lines to the clipboard, and say by which way."""
        app = self._app

        async def job() -> None:
            copied = await clipboard.copy(
                await take(),
                counted(lines, "line"),
                environ=os.environ,
                write=app.write_to_terminal,
            )
            app.post_message(msg.TextCopied(copied))

        app.begin(job, group="copy", description="copying")

    def _copied(self, message: msg.TextCopied) -> None:
        self._app.say(message.copied.words)

    def save(self, take: Take, file: Path) -> None:
        """Write text into a new file; one that is there is asked about first."""
        app = self._app

        async def job() -> None:
            text = await take()
            if await asyncio.to_thread(_written, file, text, "x"):
                app.post_message(msg.TextSaved(file, text.count("\n") + 1))
            else:
                app.post_message(msg.FileInTheWay(file, text))

        app.begin(job, group="save", description=f"saving {plain(file.name)}")

    def _saved(self, message: msg.TextSaved) -> None:
        self._app.say(f"Saved {counted(message.lines, 'line')} to {message.file}")

    def _in_the_way(self, message: msg.FileInTheWay) -> None:
        from flowtui.tui.screens.dialogs import ConfirmDialog

        app, file, text = self._app, message.file, message.text

        async def job() -> None:
            await asyncio.to_thread(_written, file, text, "w")
            app.post_message(msg.TextSaved(file, text.count("\n") + 1))

        def answered(yes: bool | None) -> None:
            if yes:
                app.begin(job, group="save", description=f"saving {plain(file.name)}")

        app.push_screen(
            ConfirmDialog(
                "The file is there already",
                f"{file}\n\nSaving replaces what is in it.",
                yes="Replace it",
                no="Leave it",
            ),
            answered,
        )


def _written(file: Path, text: str, mode: str) -> bool:
    """False for a file that is there, when it must not be. Blocking; raises FlowtuiError."""
    try:
        with file.open(mode, encoding="utf-8", errors="replace") as opened:
            opened.write(text + "\n")
    except FileExistsError:
        return False
    except OSError as error:
        raise FlowtuiError(
            f"the file could not be written: {error.strerror or error}",
            where=str(file),
            fix="save it under another name or in another folder",
        ) from error
    return True
