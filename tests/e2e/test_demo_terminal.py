"""`flowtui demo` on a terminal: the app opens on a run that is under way."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.parts.processes import with_variable
from tests.parts.waiting import until
from tests.tui.terminal import short_folder, terminal

pytestmark = pytest.mark.real

_DEMO = (sys.executable, "-m", "flowtui", "demo", "--storage", "local")


def test_the_app_opens_on_a_run_under_way_and_nothing_is_left_when_it_is_quit(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    with (
        short_folder() as folder,
        terminal(
            _DEMO,
            folder=folder,
            cwd=tmp_path,
            environment={"FLOWTUI_HOME": str(home)},
            size=(120, 35),
        ) as app,
    ):
        app.wait("nightly load", "up to date", "Ctrl+P")
        app.keys("7")
        app.wait("Running")
        app.keys("Escape")
        app.wait("Flows (4)")
        app.keys("q")
        app.wait("EXIT CODE 0")
    # The terminal's own shell had the variable too.
    until(lambda: not with_variable("FLOWTUI_HOME", str(home)), "the end of every process")
