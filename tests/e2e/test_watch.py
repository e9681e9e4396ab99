"""`flowtui watch`: the real binary, real saves, Local storage, and a terminal that goes away."""

from __future__ import annotations

import json
import os
import pty
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Project

pytestmark = pytest.mark.real

_FLOW = """\
from prefect import Flow, task
import helper

@task
def greet():
    return helper.greeting()

with Flow("hello") as flow:
    greet()
"""
_PATIENCE = 60.0


class Watch:
    """A running `flowtui watch --json`, read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen: list[dict[str, Any]] = []
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def next(self, kind: str, **values: object) -> dict[str, Any]:
        """The next event of this kind with these values."""
        while True:
            try:
                event = json.loads(self._lines.get(timeout=_PATIENCE))
            except queue.Empty:
                raise AssertionError(f"{kind} {values} never came: {self.seen}") from None
            self.seen.append(event)
            if event["event"] == kind and values.items() <= event.items():
                return event


@contextmanager
def watching(project: Project, *arguments: str) -> Iterator[Watch]:
    process = project.start("watch", *arguments, "--json")
    try:
        yield Watch(process)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def hello(project: Project, python_141: Path) -> Project:
    project.configure(python_141, 'type = "local"')
    project.write("hello.py", _FLOW)
    helper(project, "hello")
    return project


def helper(project: Project, word: str, *, broken: bool = False, before: str = "") -> None:
    colon = "" if broken else ":"
    project.write("helper.py", f"{before}def greeting(){colon}\n    return {word!r}\n")


def numbers(project: Project) -> list[int]:
    return [version["version"] for version in project.versions("hello")]


def test_saves_become_versions_a_broken_one_does_not_and_ctrl_c_ends(hello: Project) -> None:
    with watching(hello, "hello.py") as watch:
        watch.next("hot_watching", targets=["hello.py:hello"])
        assert numbers(hello) == []
        helper(hello, "good day")
        assert watch.next("hot_saved")["paths"] == ["helper.py"]
        assert watch.next("hot_deployed")["version"] == 1

        helper(hello, "broken", broken=True)
        held = watch.next("hot_held")
        assert (held["why"], "helper.py:1 does not parse" in held["words"]) == ("broken", True)

        helper(hello, "good night")
        assert watch.next("hot_deployed")["version"] == 2
        assert [e for e in watch.seen if e["event"] == "hot_failed"] == []
        assert numbers(hello) == [1, 2]

        watch.process.send_signal(signal.SIGINT)
        assert watch.process.wait(timeout=60) == 130
        assert "Traceback" not in (watch.process.stderr.read() if watch.process.stderr else "")


def test_a_newer_save_takes_the_place_of_the_one_that_is_deployed(hello: Project) -> None:
    with watching(hello, "hello") as watch:
        watch.next("hot_watching")
        # A minute to load: the newer save comes long before this one is through.
        helper(hello, "first", before="import time\ntime.sleep(60)\n")
        watch.next("stage_started", stage="serialize")
        helper(hello, "second")
        watch.next("hot_superseded")
        assert watch.next("hot_deployed")["version"] == 1
    (version,) = hello.versions("hello")
    stored = Path(version["storage"]["flows"]["hello"]).parent / "src" / "helper.py"
    assert "second" in stored.read_text()
    outcomes = [line["outcome"] for line in json.loads(hello.run("history", "--json").stdout)]
    assert outcomes == ["done", "cancelled"]


def test_the_same_flow_in_two_watches_is_deployed_by_one(hello: Project) -> None:
    with watching(hello, "hello.py") as first:
        first.next("hot_watching")
        with watching(hello, "hello.py") as second:
            held = second.next("hot_held", why="elsewhere")
            assert f"process {first.process.pid}" in held["words"]
            helper(hello, "once")
            first.next("hot_deployed")
            assert numbers(hello) == [1]


def test_nothing_hot_and_nothing_named_is_an_error_in_words(hello: Project) -> None:
    ran = hello.run("watch")
    assert ran.code == 2
    assert "no flow of this folder is hot" in ran.stderr
    assert "flowtui watch PATH" in ran.stderr


def test_a_terminal_that_goes_away_stops_nothing(hello: Project) -> None:
    """Closed while a deploy runs; that one and the next save still become versions."""
    command = [sys.executable, "-m", "flowtui", "watch", "hello.py"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(hello.root)
        os.execve(command[0], command, {**os.environ, "FLOWTUI_API_URL": hello.api_url})
    try:
        shown = read_until(terminal, b"Ctrl-C ends")
        assert b"if this terminal goes away" in shown
        helper(hello, "good day")
        read_until(terminal, b"saved helper.py")
        os.close(terminal)
        closed, used = time.monotonic(), cpu_seconds(pid)
        wait_for(lambda: numbers(hello) == [1])
        helper(hello, "good night")
        wait_for(lambda: numbers(hello) == [1, 2])
        (log,) = (Path(os.environ["FLOWTUI_HOME"]) / "data" / "projects").glob("*.watch.log")
        wait_for(lambda: "version 2 in" in log.read_text())
        assert "the terminal went away" in log.read_text()
        # One that spins on a dead terminal uses all the time there is.
        assert cpu_seconds(pid) - used < 0.6 * (time.monotonic() - closed)
        os.kill(pid, signal.SIGTERM)
        _, status = os.waitpid(pid, 0)
        pid = 0
        assert os.waitstatus_to_exitcode(status) == 130
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def read_until(terminal: int, words: bytes) -> bytes:
    """What the program wrote to its terminal, up to these words."""
    seen = b""
    deadline = time.monotonic() + _PATIENCE
    while words not in seen:
        ready, _, _ = select.select([terminal], [], [], max(deadline - time.monotonic(), 0))
        assert ready, seen
        seen += os.read(terminal, 65536)
    return seen


def wait_for(holds: Any) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
