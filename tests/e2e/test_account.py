"""Tokens from a prompt or a pipe to the control plane, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowtui.errors import ExitCode
from tests.e2e.conftest import Project, Ran
from tests.parts.control_plane import RunningServer, embedded_server
from tests.parts.keyring_service import KeyringHome, keyring_home

pytestmark = pytest.mark.real

_TOKEN = "tok-e2e-5f0c9d7a1b3e"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[RunningServer]:
    with embedded_server(tmp_path / "guarded.sqlite", token=_TOKEN) as server:
        yield server


def _flowtui(server: RunningServer, *arguments: str, stdin: str = "") -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "flowtui", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, "FLOWTUI_API_URL": server.url},
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_a_token_kept_in_a_private_file_is_used_shown_by_origin_and_forgotten(
    guarded: RunningServer, own_home: Path
) -> None:
    assert _flowtui(guarded, "whoami").code == ExitCode.CREDENTIALS
    ran = _flowtui(guarded, "login", "--save", "file", stdin=f"{_TOKEN}\n")
    assert ran.code == ExitCode.OK, ran.stderr
    assert _TOKEN not in ran.stdout + ran.stderr
    files = [path for path in own_home.rglob("*") if path.is_file()]
    (kept,) = [path for path in files if _TOKEN in path.read_text(errors="replace")]
    assert oct(kept.stat().st_mode & 0o777) == "0o600"

    who = _flowtui(guarded, "whoami", "--json")
    assert who.code == ExitCode.OK, who.stderr
    assert json.loads(who.stdout)["token"].startswith("file")

    assert "deleted from" in _flowtui(guarded, "logout").stderr
    assert _flowtui(guarded, "whoami").code == ExitCode.CREDENTIALS
    assert not any(
        _TOKEN in path.read_text(errors="replace") for path in own_home.rglob("*") if path.is_file()
    )


def test_without_a_safe_keyring_nothing_is_kept_unasked(
    guarded: RunningServer, own_home: Path
) -> None:
    ran = _flowtui(guarded, "login", stdin=f"{_TOKEN}\n")
    assert ran.code == ExitCode.CREDENTIALS
    assert "--save file" in ran.stderr
    assert _flowtui(guarded, "whoami").code == ExitCode.CREDENTIALS


def test_a_wrong_token_is_refused_and_not_kept(guarded: RunningServer, own_home: Path) -> None:
    ran = _flowtui(guarded, "login", "--save", "file", stdin="tok-wrong-000000\n")
    assert ran.code == ExitCode.CREDENTIALS
    assert "tok-wrong-000000" not in ran.stdout + ran.stderr
    assert _flowtui(guarded, "login", "--save", "file", stdin="\n").code == ExitCode.CREDENTIALS


def test_the_keyring_keeps_it_and_another_program_sees_it(
    guarded: RunningServer, tmp_path: Path
) -> None:
    home: KeyringHome = keyring_home(tmp_path / "keyring")
    body = f"""
import subprocess, sys
def flowtui(*arguments, stdin=""):
    return subprocess.run([sys.executable, "-m", "flowtui", *arguments], input=stdin,
                          capture_output=True, text=True)
done = flowtui("login", stdin={_TOKEN!r} + "\\n")
assert done.returncode == 0, done.stderr
who = flowtui("whoami")
assert who.returncode == 0 and "keyring" in who.stdout, who.stdout + who.stderr
witness = subprocess.run(["secret-tool", "search", "--all", "service", "flowtui"],
                         capture_output=True, text=True)
assert {_TOKEN!r} in witness.stdout, witness.stdout + witness.stderr
gone = flowtui("logout")
assert "keyring" in gone.stderr, gone.stderr
assert flowtui("whoami").returncode == 3
print("all true")
"""
    done = home.run(body, environ={"FLOWTUI_API_URL": guarded.url})
    assert done.stdout == "all true\n", done.stderr


def test_a_whole_deploy_leaves_the_token_nowhere(
    guarded: RunningServer, project: Project, python_141: Path, own_home: Path
) -> None:
    project.api_url = guarded.url
    project.environment["FLOWTUI_API_KEY"] = _TOKEN
    project.configure(python_141, 'type = "local"')
    project.write(
        "flow.py",
        "import os\nfrom prefect import Flow\n"
        "print('SEEN', {k: v for k, v in os.environ.items() if 'tok-e2e' in v})\n"
        f"print('echo {_TOKEN}')\n"
        "flow = Flow('quiet')\n",
    )
    assert project.run("projects", "create", "My Project").code == ExitCode.OK
    process = project.start("deploy", "flow.py", "--json")
    arguments = Path(f"/proc/{process.pid}/cmdline").read_text()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert "SEEN {}" in out
    assert _TOKEN not in arguments + out + err
    history = project.run("history", json.loads(out.splitlines()[-2])["deploy"], "--json")
    assert "SEEN {}" in history.stdout
    for path in [*own_home.rglob("*"), *project.root.rglob("*")]:
        if path.is_file() and path.name != "flow.py":
            assert _TOKEN.encode() not in path.read_bytes(), path
