"""A real terminal for the real binary: tmux on a socket of its own."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.parts.need import missing

_PATIENCE = 60.0
"""Seconds until a screen that never comes fails the test."""
_LOOK = 0.05
"""Seconds between two looks at the screen: tmux tells nobody when it changes."""


class Terminal:
    """One tmux session that runs one program."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def tmux(self, *arguments: str) -> str:
        answer = subprocess.run(
            ["tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return answer.stdout

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "app")

    def keys(self, *keys: str) -> None:
        """Press keys by their tmux names: `Enter`, `Escape`, `C-x`, `j`."""
        self.tmux("send-keys", "-t", "app", *keys)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-t", "app", "-l", text)

    def wait(self, *words: str) -> str:
        """The first screen with all of these words on it."""
        deadline = time.monotonic() + _PATIENCE
        screen = ""
        while time.monotonic() < deadline:
            screen = self.screen()
            if all(word in screen for word in words):
                return screen
            time.sleep(_LOOK)
        raise AssertionError(f"{words} did not come; the screen is:\n{screen}")

    def wait_gone(self, words: str) -> str:
        """The first screen without these words. An Escape is one key only if nothing follows it."""
        deadline = time.monotonic() + _PATIENCE
        while words in (screen := self.screen()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{words} stayed; the screen is:\n{screen}")
            time.sleep(_LOOK)
        return screen


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a short path: unix sockets allow some hundred characters."""
    folder = Path(tempfile.mkdtemp(prefix="ftui"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def terminal(
    command: Sequence[str],
    *,
    folder: Path,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    size: tuple[int, int] = (80, 24),
) -> Iterator[Terminal]:
    """The program in a terminal of this size; when it ends, its exit code is printed."""
    if shutil.which("tmux") is None:
        missing("tmux", "no tmux on PATH")
    session = Terminal(folder / "tmux.sock")
    line = f"{shlex.join(command)}; echo EXIT CODE $?; cat"
    variables = {**os.environ, "LANG": "C.UTF-8", "COLORTERM": "truecolor", **(environment or {})}
    tmux = ("tmux", "-S", str(folder / "tmux.sock"))
    geometry = ("-x", str(size[0]), "-y", str(size[1]))
    subprocess.run(
        [*tmux, "-f", "/dev/null", "new-session", "-d", "-s", "app", *geometry, line],
        env=variables,
        cwd=cwd,
        check=True,
        timeout=60,
    )
    try:
        yield session
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, timeout=60)
