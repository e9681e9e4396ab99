"""Two real agents want the same runs: each run is executed once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import pytest

from tests.e2e.deployed import Deployed, deploy_flow
from tests.parts.agents import RunningAgent, complaints, local_agent, recording_agent
from tests.parts.control_plane import RunningServer
from tests.parts.prefects import prefect_python
from tests.parts.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.long(2)]

_VERSION = "1.4.1"
_NAMES = ("left", "right")
_EXPECTED = {"1.4.1": (), "0.6.2": ("this run has already been submitted",)}
"""That of 0.6.2 says aloud that another one was quicker."""
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


@pytest.mark.parametrize(
    ("versions", "count"), [(("1.4.1", "1.4.1"), 200), (("0.6.2", "1.4.1"), 50)]
)
def test_runs_are_handed_out_once_each(
    tmp_path: Path,
    server: RunningServer,
    deployed: Deployed,
    versions: tuple[str, str],
    count: int,
) -> None:
    """The agents are real but for the process that they would start: it costs two seconds.

    That of 0.6.2 starts none of the runs that it was handed together if it is refused one: so it
    is handed one at a time.
    """
    records = [tmp_path / name for name in _NAMES]
    with ExitStack() as stack:
        agents = [
            stack.enter_context(
                recording_agent(version, server.url, name=name, record=tmp_path / name)
            )
            for version, name in zip(versions, _NAMES, strict=True)
        ]
        runs = _start_runs(deployed, agents, count)
        until(
            lambda: _states(deployed)["Success"] == count,
            f"{count} runs ended",
            told=lambda: f"{_states(deployed)}\n" + "\n".join(agent.said() for agent in agents),
        )
        for agent in agents:
            assert complaints(agent.said(), expected=_EXPECTED[agent.version]) == []
    handed_out = [record.read_text().split() for record in records if record.exists()]
    assert sorted(chain.from_iterable(handed_out)) == sorted(runs)
    if versions[0] == versions[1]:
        assert len(handed_out) == 2, "one agent was never handed a run"
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
