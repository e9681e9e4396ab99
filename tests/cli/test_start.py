"""What the command line costs before it does anything, and how it says no."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flowtui.cli import run
from flowtui.errors import ExitCode

_HEAVY = ("docker", "httpx", "keyring", "textual", "sqlalchemy", "graphql", "watchfiles", "prefect")


def _flowtui(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flowtui", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("module", ["flowtui.cli", "flowtui.workspace", "flowtui.cli.flows"])
def test_nothing_heavy_is_imported_with_the_command_line(module: str) -> None:
    script = f"import {module}, sys; print([m for m in {_HEAVY!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["deploy"], "no target is named"),
        (["nonsense"], "No such command"),
        (["deploy", "x", "--storage", "tape"], "'tape' is not one of"),
        (["deploy", "nowhere.py"], "neither a path nor the name of a flow"),
        (["deploy", "x", "--env-var", "A"], "wants KEY=VALUE"),
        (["deploy", "x", "--run-config", "{"], "is not JSON"),
        (["deploy", "x", "--base-image", "a", "--dockerfile", "b"], "both given"),
        (["flows", "nowhere"], "is not a folder"),
        (["--nonsense"], "No such option"),
        (["--profile", "nowhere", "flows"], "nowhere"),
        (["flows", "--profile", "nowhere"], "nowhere"),
    ],
)
def test_bad_usage_is_one_message_and_exit_code_2(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    result = _flowtui(*arguments, cwd=tmp_path)
    assert result.returncode == ExitCode.USAGE, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_with_json_an_error_is_an_object_on_stdout(tmp_path: Path) -> None:
    result = _flowtui("deploy", "nowhere.py", "--json", cwd=tmp_path)
    assert result.returncode == ExitCode.USAGE
    (line,) = result.stdout.splitlines()
    error = json.loads(line)
    assert (error["event"], error["exit_code"]) == ("error", 2)


def test_the_app_without_a_terminal_says_what_to_do_instead(tmp_path: Path) -> None:
    result = _flowtui(str(tmp_path))
    assert result.returncode == ExitCode.USAGE
    assert "needs a terminal" in result.stderr


def test_a_control_plane_that_is_not_there_is_exit_code_4(tmp_path: Path) -> None:
    result = _flowtui("projects", "list", "--api-url", "http://127.0.0.1:9", cwd=tmp_path)
    assert result.returncode == ExitCode.CONTROL_PLANE
    assert "127.0.0.1:9" in result.stderr
    assert "Traceback" not in result.stderr


def test_flows_are_listed_without_a_control_plane_and_without_being_imported(
    tmp_path: Path,
) -> None:
    marker = tmp_path / "imported"
    (tmp_path / "flow.py").write_text(
        f"open({str(marker)!r}, 'w')\nfrom prefect import Flow\nf = Flow('here')\n"
    )
    (tmp_path / "bad.py").write_text("import prefect\ndef (:\n")
    result = _flowtui("flows", "--offline", "--json", cwd=tmp_path)
    rows = json.loads(result.stdout)
    assert result.returncode == ExitCode.OK
    assert [(row["path"], row["name"], row["state"]) for row in rows] == [
        ("bad.py", None, "broken"),
        ("flow.py", "here", "unknown"),
    ]
    assert not marker.exists()


def test_help_names_the_exit_codes() -> None:
    result = _flowtui("--help")
    assert result.returncode == ExitCode.OK
    assert "130 cancelled" in result.stdout


def test_a_fault_of_ours_is_a_message_and_not_a_traceback(tmp_path: Path) -> None:
    script = (
        "import sys, flowtui.cli.history as h, flowtui.cli as c\n"
        "import flowtui.deploy.history_search as d\n"
        "d.search = lambda *a, **k: {}['gone']\n"
        "sys.exit(c.run(['history', '--json']))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode == ExitCode.FAILED
    assert "flowtui failed: KeyError: 'gone'" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert json.loads(ran.stdout)["event"] == "error"


def test_a_folder_that_is_gone_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert run(["deploy", "etl"]) == ExitCode.USAGE
    assert "does not exist any more" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
