"""The run at the end of the demo, when it does not go well."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowtui.cli.demo_parts import DemoAgent
from flowtui.cli.demo_run import FLOW, start_sample_run, watch_sample_run
from flowtui.cli.output import Output
from flowtui.errors import DeployError
from flowtui.run_models import FlowRun
from tests.tui.memory import MemoryWorkspace

_WAITS = "import sys; sys.stdin.read()"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[DemoAgent]:
    """A process that runs until its input ends, in the place of an agent."""
    events = tmp_path / "agent.jsonl"
    events.write_text(json.dumps({"event": "agent_line", "text": "it said this last"}) + "\n")
    with subprocess.Popen([sys.executable, "-c", _WAITS], stdin=subprocess.PIPE) as process:
        yield DemoAgent(process, events)
        process.kill()


@pytest.fixture
async def workspace(tmp_path: Path) -> MemoryWorkspace:
    workspace = MemoryWorkspace(tmp_path)
    workspace.server.add_version(FLOW, "My Project")
    await workspace.connect()
    return workspace


async def _started(workspace: MemoryWorkspace) -> FlowRun:
    run = await start_sample_run(workspace, rows=7)
    assert run.parameters == {"table": "orders", "limit": 7}
    return run


async def test_a_run_that_fails_is_an_error_with_what_the_agent_said(
    agent: DemoAgent, workspace: MemoryWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    run = await _started(workspace)
    workspace.server.move_run(run.id, "Failed", "some tasks failed")
    with pytest.raises(DeployError) as caught:
        await watch_sample_run(workspace, run, agent, Output())
    assert caught.value.problem.what == (
        "the run did not end in Success: it is Failed (some tasks failed)"
    )
    assert "it said this last" in caught.value.problem.fix
    assert "Failed: some tasks failed" in capsys.readouterr().out


async def test_an_agent_that_ends_before_the_run_is_an_error_that_says_why(
    agent: DemoAgent, workspace: MemoryWorkspace
) -> None:
    run = await _started(workspace)
    gave_up = {"event": "agent_gave_up", "what": "no engine", "where": "here", "fix": "start it"}
    agent.events.write_text(json.dumps(gave_up) + "\n")
    assert agent.process.stdin is not None
    agent.process.stdin.close()
    agent.process.wait()
    with pytest.raises(DeployError) as caught:
        await watch_sample_run(workspace, run, agent, Output())
    problem = caught.value.problem
    assert (problem.what, problem.where, problem.fix) == (
        "the agent ended: no engine",
        "here",
        "start it",
    )


async def test_a_run_that_ends_in_success_is_none(
    agent: DemoAgent, workspace: MemoryWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    run = await _started(workspace)
    workspace.server.move_run(run.id, "Success", "all is well")
    await watch_sample_run(workspace, run, agent, Output())
    assert "Success: all is well" in capsys.readouterr().out
