"""A line of a log, copied by a key in a real tmux, is in tmux's buffer."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.terminal import Terminal, terminal

pytestmark = pytest.mark.real

APP = (sys.executable, "-m", "tests.tui.log.app")
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path: unix sockets allow some hundred characters."""
    folder = Path(tempfile.mkdtemp(prefix="ftui"))
    yield folder
    shutil.rmtree(folder)


def copy_two_lines(screen: Terminal) -> None:
    screen.wait("line 299", "Log: build")
    screen.keys("v", "k")
    screen.wait("2 lines selected")
    screen.keys("y")


@pytest.mark.parametrize("set_clipboard", ["external", "on", "off"])
def test_what_is_copied_is_in_the_buffer_whatever_tmux_is_set_to(
    short: Path, set_clipboard: str
) -> None:
    with terminal(APP, folder=short, cwd=REPOSITORY) as screen:
        screen.tmux("set-option", "-g", "set-clipboard", set_clipboard)
        copy_two_lines(screen)
        screen.wait("Copied 2 lines to tmux's buffer")
        assert screen.tmux("show-buffer").rstrip("\n") == "line 298\nline 299"


def test_without_the_way_to_tmux_the_sequence_reaches_its_buffer(short: Path) -> None:
    command = ("env", "-u", "TMUX", "TERM=tmux-256color", *APP)
    with terminal(command, folder=short, cwd=REPOSITORY) as screen:
        screen.tmux("set-option", "-g", "set-clipboard", "on")
        copy_two_lines(screen)
        screen.wait("Sent 2 lines", "through tmux")
        assert screen.tmux("show-buffer").rstrip("\n") == "line 298\nline 299"


def test_a_terminal_without_a_clipboard_is_told_where_the_text_is(short: Path) -> None:
    command = ("env", "-u", "TMUX", "TERM=linux", *APP)
    with terminal(command, folder=short, cwd=REPOSITORY) as screen:
        copy_two_lines(screen)
        screen.wait("This terminal has no clipboard", "saved to")
