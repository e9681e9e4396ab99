"""The sixteen escape sequences through every screen of the real app: none gets out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tui.sequences import SEQUENCES, found_in, hostile_name
from tests.tui.terminal import Terminal, short_folder, terminal

pytestmark = pytest.mark.real

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Step:
    """Keys, and what the screen shows, or no longer shows, once they were heard."""

    keys: tuple[str, ...]
    shows: str = ""
    gone: str = ""


TABS = (
    Step(("2", "g", "3", "]"), "[Graph]"),
    Step(("j", "]"), "[Changes]"),
    Step(("j", "]"), "[Versions]"),
    Step(("j", "]"), "[Runs]"),
    Step(("j", "]"), "[Problems]"),
    Step(("j", "]"), "[Source]"),
    Step((), "flow = None"),
    Step((">", "]"), "[Info]"),
)
"""Every tab of the details, on the flow whose file is there."""

SCREENS = (
    Step(("2", "g", "h"), "↯ hot"),
    Step(("$",), "Command lines that do the same"),
    Step(("j", "Escape"), gone="Command lines that"),
    Step(("'",), " a "),
    Step(("Escape",), gone=" a "),
    Step((",",), "Settings"),
    Step(("G", "Escape"), gone="Settings"),
    Step(("6",), "Doctor"),
    Step(("n", "Enter"), "Esc close"),
    Step(("Escape",), gone="Esc close"),
    Step(("G", "g", "Escape"), gone="Doctor"),
    Step(("1", "g", "j", "m"), "Move"),
    Step(("j", "Escape"), gone="Move"),
    Step(("i",), "Describe"),
    Step(("Escape",), gone="Describe"),
    Step(("2", "g", "h"), gone="↯ hot"),
)
"""Sheets, dialogs and screens that are reached from the main screen."""

LOG = (
    Step(("0",), "all stages"),
    Step(("w", "T", "z"), gone="connected"),
    Step(("/",), "text to search"),
    Step(("O", "W", "N", "Enter"), "match"),
    Step(("n", "v", "j"), "selected"),
    Step(("Escape",), gone="selected"),
    Step(("&",), "show lines with"),
    Step(("p", "w", "n", "Enter"), "with “pwn”", gone="│ & "),
    Step(("&",), "│ & pwn"),
    Step(("C-u", "q", "q", "Enter"), "no line of this log passes", gone="│ & "),
    Step(("&",), "│ & qq"),
    Step(("C-u", "Enter"), gone="no line of this log"),
)
"""A log, with all that can be done to it."""

RUNS = (
    Step(("7",), "Runs (16)"),
    Step(("w",), "does not wait"),
    Step(("j", "Enter"), "[Task runs]"),
    Step(("n", "]"), "[Log]"),
    Step(("]",), "[Graph]"),
    Step(("R",), "Esc leave"),
    Step(("Tab",), "Run name"),
    Step(("Escape",), gone="Esc leave"),
    Step(("Escape",), gone="[Graph]"),
    Step(("Escape",), gone="Runs (16)"),
)
"""The list of runs, one run, and the form for another one."""

WALK = (
    *TABS,
    Step(("1", "Enter"), "└"),
    Step(("j", "Enter"), "v1"),
    Step(("n",), "New project"),
    Step(("Escape",), gone="New project"),
    Step(("2", "j", "j", "3", "2", "G", "!"), "Problems:"),
    Step(("j", "G", "Escape"), gone="Problems:"),
    Step(("?",), "Keys ─"),
    Step(("G", "Escape"), gone="Keys ─"),
    Step(("C-p",), "Search for"),
    Step(("Escape",), gone="Search for"),
    *SCREENS,
    *RUNS,
    Step(("5",), "Profiles"),
    Step(("Escape",), gone="Profiles"),
    Step(("g", "Enter"), "nothing is done until"),
    Step(("2",), "project file"),
    Step(("3",), "FROM"),
    Step(("4",), "Never sent"),
    Step(("1", "Enter"), "Nothing was registered"),
    Step(("2",), "Log: build"),
    Step(("g",), "Log: build"),
    *LOG,
    Step(("z",), "connected"),
    Step(("Escape",), gone="“OWN”"),
    Step(("Escape",), gone="Log:"),
    Step(("4",), "Took"),
    Step(("/",), "flow, projec"),
    Step(("O", "W", "N", "Enter"), "filter: OWN"),
    Step(("Enter",), "Log:"),
    Step(("Escape",), gone="Log:"),
    Step(("Escape",), gone="filter: OWN"),
    Step(("Escape",), gone="Took"),
)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Terminal]:
    command = (sys.executable, "-m", "tests.tui.hostile_app")
    with (
        short_folder() as folder,
        terminal(command, folder=folder, cwd=REPOSITORY, size=(120, 36)) as screen,
    ):
        screen.tmux("set", "-g", "set-clipboard", "on")
        yield screen


def test_none_of_the_sequences_reaches_the_terminal(app: Terminal, tmp_path: Path) -> None:
    app.wait("connected", "pwnOWNED")
    raw = tmp_path / "raw"
    app.tmux("pipe-pane", "-t", "app", f"cat >> {raw}")
    app.tmux("resize-window", "-t", "app", "-x", "140", "-y", "40")
    for step in WALK:
        for key in step.keys:
            app.keys(key)
        if step.shows:
            app.wait(step.shows)
        if step.gone:
            app.wait_gone(step.gone)
    app.keys("C-q")
    app.wait("EXIT CODE 0")
    output = raw.read_bytes()
    assert b"OWNED" in output
    assert found_in(output.partition(b"EXIT CODE")[0]) == []
    assert app.tmux("list-buffers") == ""
    assert "OWNED" not in app.tmux("display-message", "-p", "#{pane_title}")


def test_the_search_finds_each_sequence_when_it_is_there() -> None:
    """Else the test above could not fail."""
    assert [
        label for label in SEQUENCES if label not in found_in(hostile_name(label).encode())
    ] == []
