"""Two real agents want the same runs: each run is executed once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.deployed import Deployed, deploy_flow
from tests.parts.agents import RunningAgent, complaints, local_agent, recording_agent
from tests.parts.control_plane import RunningServer
from tests.parts.prefects import prefect_python
from tests.parts.waiting import until

pytestmark = pytest.mark.real

_VERSION = "1.4.1"
_NAMES = ("left", "right")
_ENDED = ["Scheduled", "Submitted", "Running", "Success"]


@pytest.fixture
def deployed(tmp_path: Path, server: RunningServer) -> Deployed:
    return deploy_flow(
        tmp_path / "shop",
        server,
        _VERSION,
        prefect_python(_VERSION),
        source="shop_1x.py",
        storage='type = "local"',
    )


def _start_runs(deployed: Deployed, agents: list[RunningAgent], count: int) -> list[str]:
    """Runs without labels, and both agents awake."""
    witness = deployed.witness
    runs = [
        witness.start(deployed.flow_id, {"mode": "steps", "count": 1}, labels=[])
        for _ in range(count)
    ]
    with ThreadPoolExecutor(len(agents)) as pool:
        list(pool.map(lambda agent: agent.wake(), agents))
    return runs


def _states(deployed: Deployed) -> Counter[str]:
    return Counter(run["state"] for run in deployed.witness.ask("{flow_run {state}}")["flow_run"])


def test_200_runs_are_handed_out_once_each(
    tmp_path: Path, server: RunningServer, deployed: Deployed
) -> None:
    """The agents are real but for the process that they would start: it costs two seconds."""
    records = [tmp_path / name for name in _NAMES]
    with ExitStack() as stack:
        agents = [
            stack.enter_context(
                recording_agent(_VERSION, server.url, name=name, record=tmp_path / name)
            )
            for name in _NAMES
        ]
        runs = _start_runs(deployed, agents, 200)
        until(
            lambda: _states(deployed)["Success"] == 200,
            "200 runs ended",
            told=lambda: f"{_states(deployed)}\n" + "\n".join(agent.said() for agent in agents),
        )
        for agent in agents:
            assert complaints(agent.said()) == []
    handed_out = [record.read_text().split() for record in records]
    assert all(handed_out), "one agent was never handed a run"
    assert sorted(handed_out[0] + handed_out[1]) == sorted(runs)
    histories = deployed.witness.ask("{flow_run {states(order_by: {version: asc}) {state}}}")
    for run in histories["flow_run"]:
        assert [state["state"] for state in run["states"]] == _ENDED
    assert server.log.read_text() == ""


def test_10_runs_are_executed_once_each(server: RunningServer, deployed: Deployed) -> None:
    with ExitStack() as stack:
        agents = [
            stack.enter_context(local_agent(_VERSION, server.url, name=name, hostname_label=False))
            for name in _NAMES
        ]
        runs = _start_runs(deployed, agents, 10)
        for run_id in runs:
            deployed.witness.wait(run_id, "Success")
        for agent in agents:
            assert complaints(agent.said()) == []
    for run_id in runs:
        assert deployed.witness.history(run_id) == _ENDED
        logs = deployed.witness.logs(run_id)
        assert logs.count("Beginning Flow run for 'shop'") == 1
        step = deployed.witness.task_run(run_id, "step", 0)
        assert step.history == ["Running", "Success"]
    assert server.log.read_text() == ""
