"""What an agent writes, line by line, out of a file.

A file and not a pipe: the flow processes of a local agent may write to it too (`--show-flow-logs`),
and they go on when the agent and flowtui are gone; a pipe would break under them.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from flowtui.byte_lines import ByteLines
from flowtui.deploy.events import Level
from flowtui.text import clean, redact

LARGEST_FILE = 64 * 2**20
"""Bytes; what was read is dropped from a file that grows beyond that."""
_LONGEST_LINE = 20_000
_PIECE = 2**18
_LOOK_EVERY = 0.15
"""Seconds."""
_LEVEL = re.compile(
    r"(?:\] | - )(DEBUG|INFO|WARNING|ERROR|CRITICAL) - "  # agents of Prefect 1
    r"| \| (DEBUG|INFO|WARNING|ERROR|CRITICAL) *\| "  # workers and servers of Prefect 2 and 3
    r"|^(DEBUG|INFO|WARNING|ERROR|CRITICAL): "  # uvicorn
)
_TRACEBACK = "Traceback (most recent call last)"
_LEVELS = {
    "DEBUG": Level.DEBUG,
    "INFO": Level.INFO,
    "WARNING": Level.WARNING,
    "ERROR": Level.ERROR,
    "CRITICAL": Level.ERROR,
}

Sleep = Callable[[float], Awaitable[object]]


class AgentOutput:
    """Follows one file from where it ends now; lines are cleaned and secrets in them masked."""

    def __init__(self, file: Path, take: Callable[[str, Level], None]) -> None:
        self.file = file
        self._take = take
        self._offset = 0
        self._level = Level.INFO
        self._lines = ByteLines(self._put, _LONGEST_LINE)

    def open(self) -> int:
        """A descriptor for the process that is to write. Blocking. The caller closes it."""
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._offset = os.fstat(descriptor).st_size
        return descriptor

    async def follow(self, sleep: Sleep = asyncio.sleep) -> None:
        """Until cancelled. What is there by then, `rest` reads."""
        while True:
            if not await self._more():
                await sleep(_LOOK_EVERY)

    async def rest(self) -> None:
        """All that has been written and not been read yet."""
        while await self._more():
            pass
        self._lines.end()

    async def _more(self) -> bool:
        piece = await asyncio.to_thread(self._read)
        self._lines.feed(piece)
        return bool(piece)

    def _read(self) -> bytes:
        try:
            with self.file.open("rb") as stream:
                stream.seek(self._offset)
                piece = stream.read(_PIECE)
        except FileNotFoundError:
            return b""
        self._offset += len(piece)
        if not piece and self._offset > LARGEST_FILE:
            os.truncate(self.file, 0)  # its writers append, so they go on at the new end
            self._offset = 0
        return piece

    def _put(self, line: str) -> None:
        text = redact(clean(line)).rstrip()
        if not any(map(str.isalnum, text)):
            return  # an empty line, or one of the picture that agents begin with
        found = _LEVEL.search(text)
        if found is not None:
            self._level = _LEVELS[found[found.lastindex or 1]]
        elif text.startswith(_TRACEBACK):
            self._level = Level.ERROR
        self._take(text, self._level)
