"""`flowtui agent` on a control plane in memory, with a stand-in for the real agent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowtui.agents import preparing
from flowtui.agents.choosing import default_kind
from flowtui.agents.events import AgentEnd, AgentEvent, AgentGaveUp, AgentLine, AgentStopped
from flowtui.agents.kinds import AgentKind
from flowtui.agents.spec import AgentSpec
from flowtui.deploy.events import Level
from flowtui.errors import ExitCode
from flowtui.models import Discovery, FlowKind, LocalFlow
from flowtui.run_models import Agent
from tests.cli.memory_session import MemorySession


@pytest.fixture
def session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> MemorySession:
    return MemorySession(tmp_path, monkeypatch, capsys)


class FakeProcess:
    """Ends at once, as told."""

    def __init__(self, tell: Callable[[AgentEvent], None], end: AgentEnd) -> None:
        self._tell = tell
        self._end = end

    async def run(self) -> AgentEnd:
        self._tell(AgentLine(text="\x1b[2Jit writes [x]", level=Level.ERROR))
        self._tell(self._end)
        return self._end


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[AgentSpec]:
    """The agents that were started; each is stopped at once."""
    found: list[AgentSpec] = []
    end: AgentEnd = AgentStopped(flow_runs_left=2)

    def process(_: object, spec: AgentSpec, tell: Callable[[AgentEvent], None]) -> Any:
        found.append(spec)
        failing = AgentGaveUp(what="no", fix="mend it", exit_code=ExitCode.ENGINE)
        return FakeProcess(tell, failing if spec.name == "bad" else end)

    monkeypatch.setattr(preparing, "agent_process", process)
    return found


def test_all_options_arrive(session: MemorySession, started: list[AgentSpec]) -> None:
    code, out, err = session.run(
        "agent", "start", "--type", "docker", "-l", "a", "--label", "b", "-n", "me",
        "-e", "A=1=2", "--no-pull", "--network", "n", "--volume", "/x:/y", "-f",
        "--log-level", "debug", "--managed", "--no-hostname-label",
    )  # fmt: skip
    assert (code, out) == (ExitCode.OK, "")
    assert "stopped; 2 flow runs go on by themselves" in err
    assert "\x1b[2J" not in err and "it writes [x]" in err
    assert started == [
        AgentSpec(
            AgentKind.DOCKER, "me", ("a", "b"), {"A": "1=2"}, False, True, "DEBUG", False, ("n",),
            ("/x:/y",), True,
        )
    ]  # fmt: skip


def test_the_end_is_the_exit_code(session: MemorySession, started: list[AgentSpec]) -> None:
    code, out, err = session.run("agent", "start", "--type", "local", "--name", "bad")
    assert (code, out) == (ExitCode.ENGINE, "")
    assert "mend it" in err


def test_events_as_json(session: MemorySession, started: list[AgentSpec]) -> None:
    code, out, _ = session.run("agent", "start", "--type", "local", "--json")
    assert code == ExitCode.OK
    line, end = [json.loads(line) for line in out.splitlines()]
    assert (line["event"], line["level"]) == ("agent_line", "error")
    assert (end["event"], end["flow_runs_left"]) == ("agent_stopped", 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--env", "A"), "is not NAME=VALUE"),
        (("--env", "1A=x"), "is not NAME=VALUE"),
        (("--type", "kubernetes"), "not one of"),
        (("--type", "local", "--no-pull"), "--no-pull is an option of Docker agents"),
    ],
)
def test_what_is_wrong_with_the_command_line(
    session: MemorySession, started: list[AgentSpec], words: tuple[str, ...], said: str
) -> None:
    code, _, err = session.run("agent", "start", *words)
    assert code == ExitCode.USAGE
    assert said in err
    assert started == []


@pytest.mark.parametrize(
    ("storages", "kind"),
    [
        ((), AgentKind.DOCKER),
        (("Local",), AgentKind.LOCAL),
        (("Docker",), AgentKind.DOCKER),
        (("S3",), AgentKind.DOCKER),
    ],
)
async def test_the_kind_follows_what_is_registered_of_the_flows_here(
    session: MemorySession, tmp_path: Path, storages: tuple[str, ...], kind: AgentKind
) -> None:
    here = LocalFlow("etl.py", 1, "etl", FlowKind.FLOW_OBJECT)
    session.workspace.found = Discovery(str(tmp_path), (here,), (), 1)
    session.control_plane.add_project("team")
    for name, storage in (("elsewhere", "Local"), *(("etl", each) for each in storages)):
        session.control_plane.add_version(name, "team")
        versions = session.control_plane.version_list
        versions[-1] = replace(versions[-1], storage={"type": storage})
    await session.workspace.connect()
    found, why = await default_kind(session.workspace)
    assert found is kind
    assert why


def test_every_agent_is_listed(session: MemorySession) -> None:
    now = datetime.now(UTC)
    session.control_plane.agent_list += [
        Agent("1", "good", "LocalAgent", ("a", "box"), "1.4.1", now),
        Agent("2", "\x1b[2Jgone", "DockerAgent", (), "0.15.13", now - timedelta(hours=2)),
    ]
    code, out, err = session.run("agent", "list")
    assert (code, err) == (ExitCode.OK, "")
    header, good, gone = out.splitlines()
    assert header.split() == ["NAME", "TYPE", "LABELS", "PREFECT", "LAST", "SEEN"]
    assert good.startswith("good") and "a, box" in good and good.endswith("asks for runs")
    assert gone.startswith("gone") and gone.endswith("silent")
    found = session.json("agent", "list")
    assert {each["name"]: each["silent"] for each in found}["good"] is False


def test_no_agent(session: MemorySession) -> None:
    code, out, err = session.run("agent", "list")
    assert (code, out) == (ExitCode.OK, "")
    assert "flowtui agent start" in err


def test_the_variables_for_a_prefect_of_ones_own(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found(*_: object) -> dict[str, str]:
        return {"PREFECT__BACKEND": "cloud", "PREFECT__CLOUD__API_KEY": "it's secret"}

    monkeypatch.setattr(preparing, "prefect_variables", found)
    code, out, _ = session.run("agent", "env")
    assert code == ExitCode.OK
    assert (
        out == "export PREFECT__BACKEND=cloud\nexport PREFECT__CLOUD__API_KEY='it'\"'\"'s secret'\n"
    )


def test_no_project_python_with_prefect(session: MemorySession) -> None:
    """flowtui's own Python has none: that is said, not tried."""
    code, _, err = session.run("agent", "env")
    assert code == ExitCode.USAGE
    assert "Prefect is not installed" in err
