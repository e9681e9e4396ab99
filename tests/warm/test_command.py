"""flowtui's own command line, run by a warm flowtui: as if each command had been started itself."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowtui.errors import ExitCode
from flowtui.warm import command, place
from flowtui.warm.meeting import Warm, is_ready
from tests.parts.processes import wait_until_ended, with_variable
from tests.parts.stand_in import Asked, Reply, StandIn, stand_in
from tests.parts.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has warm Pythons"),
]

ASKS = (
    "import os, sys\n"
    "from flowtui.warm import command\n"
    "arguments = sys.argv[1:]\n"
    "warm = command.warm_flowtui(arguments)\n"
    "code = command.run(warm, arguments)\n"
    "sys.exit('it ran here' if code is None else code)\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    (made / "flow.py").write_text(
        "from prefect import flow\n\n\n@flow\ndef etl():\n    pass\n", encoding="utf-8"
    )
    return made


@pytest.fixture
def warm() -> Warm:
    """One that is ready."""
    found = command.warm_flowtui(["deploy"])
    assert found is not None
    command.leave_one(found)
    until(lambda: _answers(found), "a warm flowtui")
    return found


@pytest.fixture
def silent() -> Iterator[StandIn]:
    """A control plane that never answers."""
    released = threading.Event()

    def answer(_: Asked) -> Reply:
        released.wait(120)
        return Reply(hang_up=True)

    with stand_in(answer) as server:
        yield server
        released.set()


def _answers(warm: Warm) -> bool:
    channel = warm.connect()
    if channel is None:
        return False
    with channel:
        return is_ready(channel, 60)


def ask(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ASKS, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def flowtui(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flowtui", *arguments],
        cwd=folder,
        env={**os.environ, "FLOWTUI_KEEP_WARM": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("deploy", "--help"),
        ("deploy", "no-such-flow"),
        ("deploy", "etl", "--api-url", "http://127.0.0.1:9/api"),
        ("plan", "--json", "no-such-flow"),
    ],
)
def test_it_says_and_returns_the_same(warm: Warm, folder: Path, arguments: tuple[str, ...]) -> None:
    alone, asked = flowtui(folder, *arguments), ask(folder, *arguments)
    assert (asked.returncode, asked.stdout, asked.stderr) == (
        alone.returncode,
        alone.stdout,
        alone.stderr,
    )


def test_the_first_command_leaves_one_for_the_next(folder: Path) -> None:
    assert ask(folder, "deploy", "no-such-flow").stderr == "it ran here\n"
    found = command.warm_flowtui(["deploy"])
    assert found is not None
    run = [sys.executable, "-m", "flowtui", "deploy", "no-such-flow"]
    for _ in range(2):
        done = subprocess.run(run, cwd=folder, capture_output=True, check=False, timeout=120)
        assert done.returncode == ExitCode.USAGE
        until(lambda: _answers(found), "a warm flowtui")
    assert ask(folder, "deploy", "no-such-flow").returncode == ExitCode.USAGE


def test_what_it_does_not_run() -> None:
    assert command.warm_flowtui([]) is None
    assert command.warm_flowtui(["server"]) is None
    assert command.warm_flowtui(["deploy"]) is not None


@pytest.mark.parametrize("said", ["0", "soon", "nan", "inf"])
def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("FLOWTUI_KEEP_WARM", said)
    assert command.warm_flowtui(["deploy"]) is None


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.CANCELLED), (signal.SIGQUIT, -signal.SIGQUIT)]
)
def test_signals_reach_it(
    warm: Warm, folder: Path, silent: StandIn, number: signal.Signals, code: int
) -> None:
    asking = waiting(folder, silent, "-m", "flowtui")
    asking.send_signal(number)
    _, errors = asking.communicate(timeout=60)
    assert asking.returncode == code, errors


def test_it_ends_with_the_command_that_was_killed(
    warm: Warm, folder: Path, silent: StandIn
) -> None:
    home = f"{place.folder()}/{warm.name}.home"
    before = set(with_variable("PREFECT_HOME", home))
    asking = waiting(folder, silent, "-c", ASKS)
    (pid,) = set(with_variable("PREFECT_HOME", home)) - before
    asking.kill()
    asking.wait(60)
    wait_until_ended(pid)


def heard() -> None:
    """Whoever started the tests in the background has these ignored."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def waiting(folder: Path, silent: StandIn, *program: str) -> subprocess.Popen[str]:
    """A deploy that has asked the control plane something."""
    asking = subprocess.Popen(
        [sys.executable, *program, "deploy", "etl", "--api-url", f"{silent.url}/api"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heard,
    )
    until(lambda: bool(silent.asked), "a request")
    return asking


def test_it_knows_the_terminal(warm: Warm, folder: Path) -> None:
    ours, theirs = pty.openpty()
    asked = subprocess.run(
        [sys.executable, "-c", ASKS, "deploy", "no-such-flow"],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        check=False,
        timeout=120,
    )
    said = os.read(ours, 65536).decode()
    os.close(ours)
    os.close(theirs)
    assert asked.returncode == ExitCode.USAGE
    assert "\x1b[" in said and "no-such-flow" in said
