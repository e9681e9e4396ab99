"""The person's editor in a real terminal: the app steps aside and comes back whole."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.tui.terminal import terminal

pytestmark = pytest.mark.real

_EDITOR = """\
import sys
print("EDITOR GOT", sys.argv[1:], flush=True)
input()
file = [word for word in sys.argv[1:] if not word.startswith("+")][-1]
with open(file, "a") as opened:
    opened.write('\\nother = Flow("second")\\n')
"""


def test_the_editor_opens_at_the_line_and_the_app_comes_back(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "etl.py").write_text('from prefect import Flow\n\n\nflow = Flow("etl")\n')
    script = tmp_path / "vim"
    script.write_text(f"#!{sys.executable}\n{_EDITOR}")
    script.chmod(0o755)
    environment = {"VISUAL": f"{script} -u", "FLOWTUI_API_URL": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "flowtui", str(project)]
    with terminal(
        command, folder=tmp_path, cwd=Path(__file__).parents[2], environment=environment
    ) as app:
        app.wait("etl.py:4", "Flows")
        app.keys("e")
        app.wait("EDITOR GOT", "'+4'")
        app.keys("Enter")
        screen = app.wait("second", "Flows", "keys")
        assert "EDITOR GOT" not in screen
        app.keys("j", "?")
        app.wait("keys.flows.deploy")
        app.keys("Escape")
        app.wait_gone("keys.flows.deploy")
        app.keys("q")
        app.wait("EXIT CODE 0")
