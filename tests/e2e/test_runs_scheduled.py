"""A schedule starts runs at its moments, and a real agent runs them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deployed import deploy_flow
from tests.e2e.runs import Witness
from tests.parts.agents import complaints, local_agent
from tests.parts.control_plane import RunningServer
from tests.parts.prefects import prefect_python

pytestmark = pytest.mark.real

_VERSION = "1.4.1"
_MINUTE = timedelta(minutes=1)


def _planned(witness: Witness) -> list[dict[str, Any]]:
    query = """{flow_run(order_by: {scheduled_start_time: asc})
        {id state auto_scheduled scheduled_start_time start_time parameters}}"""
    return witness.ask(query)["flow_run"]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_schedule_fires(tmp_path: Path, server: RunningServer) -> None:
    first = (datetime.now(UTC) + timedelta(seconds=15)).replace(microsecond=0)
    deployed = deploy_flow(
        tmp_path / "bell",
        server,
        _VERSION,
        prefect_python(_VERSION),
        source="bell_1x.py",
        storage='type = "local"',
        replaced={"2030-01-01T00:00:00+00:00": first.isoformat()},
    )
    witness = deployed.witness
    planned = _planned(witness)
    assert len(planned) == 10
    moments = [_moment(run["scheduled_start_time"]) for run in planned]
    assert (moments[0] - first) % _MINUTE == timedelta()
    assert moments == [moments[0] + number * _MINUTE for number in range(10)]
    assert all(run["auto_scheduled"] for run in planned)

    with local_agent(_VERSION, server.url) as agent:
        run_id = planned[0]["id"]
        witness.wait(run_id, "Success")
        assert complaints(agent.said()) == []
    assert "rung for the clock" in witness.logs(run_id)
    (run,) = [run for run in _planned(witness) if run["id"] == run_id]
    assert run["parameters"] == {"who": "the clock"}
    assert _moment(run["start_time"]) >= _moment(run["scheduled_start_time"])

    witness.act("set_schedule_inactive", "success", flow_id=deployed.flow_id)
    assert [run["id"] for run in _planned(witness) if run["state"] == "Scheduled"] == []
    assert server.log.read_text() == ""
