"""Output that outlives its terminal: when that goes away, the lines go to a file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path


class LastingOutput:
    """Guards what is printed by one long-running command."""

    def __init__(self, file: Path) -> None:
        self.file = file
        """Where lines go once the terminal is gone."""
        self._terminals = tuple(fd for fd in (0, 1, 2) if os.isatty(fd))
        self._gone = False

    @property
    def on_terminal(self) -> bool:
        return any(fd in self._terminals for fd in (1, 2))

    def print(self, line: Callable[[], None]) -> None:
        """Print, if need be to the file. Raises BrokenPipeError for a reader that went away."""
        try:
            line()
        except BrokenPipeError:
            raise
        except OSError:
            if self._gone or not self.on_terminal:
                raise
            self.hang_up()

    def hang_up(self) -> None:
        """The terminal is gone: what was written to it goes to the file from now on."""
        if self._gone or not self._terminals:
            return
        self._gone = True
        self.file.parent.mkdir(parents=True, exist_ok=True)
        log = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        os.write(log, f"{when}  the terminal went away; going on here\n".encode())
        for fd in self._terminals:
            os.dup2(nothing if fd == 0 else log, fd)
        os.close(nothing)
        os.close(log)
        # A line that did not get through to the terminal is still in the stream's buffer.
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
