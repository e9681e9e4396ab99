"""Real agents that cannot live: what they say is understood."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowtui.agents import supervision
from flowtui.agents.events import AgentEvent, AgentGaveUp
from flowtui.agents.kinds import AgentKind
from flowtui.agents.launch import Launch, launch
from flowtui.agents.spec import AgentSpec, Place, Runtime
from flowtui.agents.supervision import AgentProcess, Tell
from flowtui.credentials import Secret
from flowtui.errors import ExitCode
from tests.parts.control_plane import RunningServer, embedded_server
from tests.parts.prefects import prefect_python
from tests.parts.registry import free_port

pytestmark = pytest.mark.real

TOKEN = "the-token-of-this-server"
WRONG = "a-token-of-another-server"
LOCAL, DOCKER = AgentSpec(AgentKind.LOCAL), AgentSpec(AgentKind.DOCKER)
VERSIONS = ("0.15.13", "1.4.1")


@pytest.fixture(scope="module")
def closed() -> Iterator[RunningServer]:
    with embedded_server(token=TOKEN) as server:
        yield server


async def death(
    spec: AgentSpec,
    place: Place,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    version: str = "1.4.1",
    python: str = "",
) -> tuple[AgentGaveUp, list[AgentEvent]]:
    """The end of an agent that is not started again."""
    monkeypatch.setattr(supervision, "pause_before_restart", lambda _: None)
    runtime = Runtime(python or str(prefect_python(version)), version)
    events: list[AgentEvent] = []

    async def prepare(_tell: Tell) -> Launch:
        return launch(spec, runtime, place, folder, os.environ)

    end = await AgentProcess(spec.kind, prepare, events.append).run()
    assert isinstance(end, AgentGaveUp), events
    return end, events


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_wrong_token(
    version: str, closed: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(closed.url, Secret(WRONG))
    end, events = await death(LOCAL, place, tmp_path, monkeypatch, version=version)
    assert end.what == "the control plane does not take the agent's token", events
    assert end.exit_code is ExitCode.CREDENTIALS
    assert WRONG not in str(events)


async def test_no_control_plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1.4.1 says the same, after a minute of trying."""
    place = Place(f"http://127.0.0.1:{free_port()}")
    end, events = await death(LOCAL, place, tmp_path, monkeypatch, version="0.15.13")
    assert end.what == "the agent does not reach the control plane", events
    assert end.exit_code is ExitCode.CONTROL_PLANE


@pytest.mark.parametrize("version", VERSIONS)
async def test_no_engine(
    version: str, closed: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(closed.url, Secret(TOKEN), engine_url=f"unix://{tmp_path}/none.sock")
    end, events = await death(DOCKER, place, tmp_path, monkeypatch, version=version)
    assert end.what == "the agent does not reach the Docker engine", events
    assert end.exit_code is ExitCode.ENGINE


async def test_no_prefect(
    closed: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(closed.url, Secret(TOKEN))
    python = "/usr/bin/python3"
    end, events = await death(LOCAL, place, tmp_path, monkeypatch, python=python)
    assert end.what == "Prefect is not installed in the Python that the agent runs in", events
    assert end.exit_code is ExitCode.USAGE
