"""An agent as a child process: a stand-in for Prefect's, so that each of its ends can be had."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowtui.agents import supervision
from flowtui.agents.events import (
    AgentDied,
    AgentEvent,
    AgentGaveUp,
    AgentLine,
    AgentReady,
    AgentStarted,
    AgentStopped,
)
from flowtui.agents.kinds import AgentKind
from flowtui.agents.launch import Launch
from flowtui.agents.supervision import AgentProcess, Tell
from flowtui.credentials import Secret
from flowtui.deploy.events import Level
from flowtui.errors import EngineError, ExitCode

pytestmark = pytest.mark.slow

FAKE = Path(__file__).with_name("fake_agent.py")
LIMIT = 60.0


class Watched:
    """An agent process and all it told."""

    def __init__(self, folder: Path, *arguments: str, kind: AgentKind = AgentKind.LOCAL) -> None:
        self.events: list[AgentEvent] = []
        self.launch = Launch(
            (sys.executable, str(FAKE), *arguments),
            folder,
            "1.4.1",
            "http://127.0.0.1:4200",
            {**os.environ, "PREFECT__CLOUD__API_KEY": Secret("very-secret-key").reveal()},
        )
        self.process = AgentProcess(
            kind, self.prepare, self.events.append, log_file=folder / "agent.log"
        )

    async def prepare(self, _tell: Tell) -> Launch:
        return self.launch

    def of(self, *kinds: type[AgentEvent]) -> list[AgentEvent]:
        return [event for event in self.events if isinstance(event, kinds)]

    @property
    def lines(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, AgentLine)]

    async def until(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT
        while not done():
            assert time.monotonic() < end, self.events
            await asyncio.sleep(0.02)

    async def until_ready(self) -> None:
        await self.until(lambda: bool(self.of(AgentReady)))


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def logs_in(folder: Path) -> list[Path]:
    return list(folder.glob("old-*.log"))


async def test_it_starts_tells_what_it_writes_and_stops(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "run")
    task = asyncio.create_task(watched.process.run())
    await watched.until_ready()
    (started,) = watched.of(AgentStarted)
    assert isinstance(started, AgentStarted)
    assert started.pid == watched.process.pid
    watched.process.stop()
    assert isinstance(await task, AgentStopped)
    assert "Keyboard interrupt received!" in watched.lines[-1]
    assert not runs(started.pid)
    assert watched.process.pid is None
    assert watched.events[-1] == task.result()


async def test_no_secret_and_no_control_sequence_comes_out(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "secret")
    task = asyncio.create_task(watched.process.run())
    await watched.until_ready()
    watched.process.stop()
    await task
    (line,) = [event for event in watched.of(AgentLine) if "key" in getattr(event, "text", "")]
    assert isinstance(line, AgentLine)
    assert line.level is Level.ERROR
    assert "very-secret" not in line.text
    assert "\x1b" not in line.text
    assert "very-secret" not in repr(watched.launch)


async def test_an_agent_that_hears_nothing_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "INTERRUPT_SECONDS", 0.05)
    monkeypatch.setattr(supervision, "TERMINATE_SECONDS", 0.05)
    watched = Watched(tmp_path, "deaf")
    task = asyncio.create_task(watched.process.run())
    await watched.until_ready()
    pid = watched.process.pid
    assert pid is not None
    watched.process.stop()
    assert isinstance(await task, AgentStopped)
    assert not runs(pid)


async def test_stopping_at_once_does_not_wait_for_it(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "deaf")
    task = asyncio.create_task(watched.process.run())
    await watched.until_ready()
    watched.process.stop()
    await asyncio.sleep(0)
    watched.process.stop(at_once=True)
    assert isinstance(await asyncio.wait_for(task, LIMIT), AgentStopped)


async def test_cancelling_stops_it_too(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "run")
    task = asyncio.create_task(watched.process.run())
    await watched.until_ready()
    pid = watched.process.pid
    assert pid is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not runs(pid)


async def test_cancelling_while_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(tmp_path, "run")
    real = asyncio.create_subprocess_exec
    pids: list[int] = []
    gate = asyncio.Event()

    async def slow(*arguments: Any, **options: Any) -> Any:
        process = await real(*arguments, **options)
        pids.append(process.pid)
        await gate.wait()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slow)
    task = asyncio.create_task(watched.process.run())
    await watched.until(lambda: bool(pids))
    task.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not runs(pids[0])


async def test_flow_processes_of_a_local_agent_go_on(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "flow")
    task = asyncio.create_task(watched.process.run())
    await watched.until_ready()
    flow = next(int(line.split()[1]) for line in watched.lines if line.startswith("flow "))
    try:
        watched.process.stop()
        end = await task
        assert isinstance(end, AgentStopped)
        assert end.flow_runs_left == 1
        assert runs(flow)
    finally:
        os.kill(flow, signal.SIGKILL)


async def test_nothing_is_left_of_a_docker_agent(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "flow", kind=AgentKind.DOCKER)
    task = asyncio.create_task(watched.process.run())
    await watched.until_ready()
    child = next(int(line.split()[1]) for line in watched.lines if line.startswith("flow "))
    watched.process.stop()
    end = await task
    assert isinstance(end, AgentStopped)
    assert end.flow_runs_left == 0
    await watched.until(lambda: not runs(child))


async def test_one_that_is_killed_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "pause_before_restart", lambda _: 0.0)
    watched = Watched(tmp_path, "run")
    task = asyncio.create_task(watched.process.run())
    await watched.until_ready()
    pid = watched.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await watched.until(lambda: len(watched.of(AgentReady)) == 2)
    watched.process.stop()
    await task
    (died,) = watched.of(AgentDied)
    assert isinstance(died, AgentDied)
    assert died.status == -9
    assert "SIGKILL" in died.reason
    attempts = [event.attempt for event in watched.events if isinstance(event, AgentStarted)]
    assert attempts == [1, 2]


async def test_it_gives_up_with_the_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        supervision, "pause_before_restart", lambda deaths: 0.0 if len(deaths) < 3 else None
    )
    said = "docker.errors.DockerException: Error while fetching server API version: ('x')"
    watched = Watched(tmp_path, "die", said)
    end = await asyncio.wait_for(watched.process.run(), LIMIT)
    assert isinstance(end, AgentGaveUp)
    assert end.what == "the agent does not reach the Docker engine"
    assert said in end.where
    assert end.exit_code is ExitCode.ENGINE
    assert len(watched.of(AgentStarted)) == 3
    assert len(watched.of(AgentDied)) == 2


async def test_stopping_while_it_waits_to_start_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "pause_before_restart", lambda _: 3600.0)
    watched = Watched(tmp_path, "die", "no")
    task = asyncio.create_task(watched.process.run())
    await watched.until(lambda: bool(watched.of(AgentDied)))
    watched.process.stop()
    assert isinstance(await asyncio.wait_for(task, LIMIT), AgentStopped)


async def test_what_stands_in_the_way_of_a_start_is_told(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "run")

    async def refuse(_tell: Tell) -> Launch:
        raise EngineError("no engine", where="here", fix="start it")

    process = AgentProcess(AgentKind.DOCKER, refuse, watched.events.append)
    end = await process.run()
    assert isinstance(end, AgentGaveUp)
    assert (end.what, end.where, end.fix) == ("no engine", "here", "start it")
    assert end.exit_code is ExitCode.ENGINE


async def test_what_stands_in_the_way_of_another_start_may_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "pause_before_restart", lambda _: 0.0)
    watched = Watched(tmp_path, "run")
    attempts: list[int] = []

    async def prepare(_tell: Tell) -> Launch:
        attempts.append(1)
        if len(attempts) == 2:
            raise EngineError("no engine just now")
        return watched.launch

    process = AgentProcess(
        AgentKind.LOCAL, prepare, watched.events.append, log_file=tmp_path / "agent.log"
    )
    task = asyncio.create_task(process.run())
    await watched.until_ready()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    await watched.until(lambda: len(watched.of(AgentReady)) == 2)
    process.stop()
    assert isinstance(await task, AgentStopped)
    died = [event for event in watched.events if isinstance(event, AgentDied)]
    assert [(event.status, event.reason) for event in died] == [
        (-9, "the agent ended (killed by SIGKILL)"),
        (None, "no engine just now"),
    ]


async def test_a_python_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = iter((0.0, None))
    monkeypatch.setattr(supervision, "pause_before_restart", lambda _: next(pauses))
    watched = Watched(tmp_path, "run")
    watched.launch = Launch(("/nowhere/python",), tmp_path, "1.4.1", "http://x", {})
    end = await watched.process.run()
    assert isinstance(end, AgentGaveUp)
    assert "does not start" in end.what


async def test_its_log_stays_and_old_logs_go(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"old-{number}.log").touch()
    watched = Watched(tmp_path, "run")
    task = asyncio.create_task(watched.process.run())
    await watched.until_ready()
    watched.process.stop()
    await task
    assert "Waiting for flow runs" in watched.process.log_file.read_text()
    assert watched.process.log_file.stat().st_mode & 0o77 == 0
    assert len(logs_in(tmp_path)) == 20


_ORPHAN = """
import asyncio, sys
from pathlib import Path
from tests.agents.test_supervision import Watched
async def main():
    watched = Watched(Path(sys.argv[1]), "run")
    task = asyncio.create_task(watched.process.run())
    await watched.until_ready()
    print(watched.process.pid, flush=True)
    await task
asyncio.run(main())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's word to the child")
def test_an_agent_does_not_outlive_a_killed_flowtui(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", _ORPHAN, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    assert runs(pid)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    end = time.monotonic() + LIMIT
    while runs(pid):
        assert time.monotonic() < end
        time.sleep(0.02)
