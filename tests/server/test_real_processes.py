"""Flow processes of real old Prefects: the states they are given, and being cancelled."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flowtui.server.operations.cancelling import cancelled_state
from flowtui.server.operations.state_changes import plain_state, retrying_state, scheduled_state
from tests.e2e.runs import Witness
from tests.parts.control_plane import embedded_server
from tests.parts.prefects import client_environment, prefect_python
from tests.parts.waiting import until

pytestmark = pytest.mark.real

CLIENTS = Path(__file__).parent / "clients"
_SECONDS = 180
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_STORED = {
    **retrying_state(_NOON, "again", 1),
    "cached_inputs": {
        "x": {
            "type": "SafeResult",
            "value": "5",
            "result_handler": {"type": "JSONResultHandler", "__version__": "0.6.1"},
            "__version__": "0.6.1",
        }
    },
}
STATES = {
    "Scheduled": scheduled_state(_NOON),
    "Retrying": retrying_state(_NOON, "again", 1),
    "Pending": plain_state("Pending", "Task run created"),
    "Failed": plain_state("Failed", "No heartbeat"),
    "Running": {**plain_state("Running", "go"), "cached_inputs": _STORED["cached_inputs"]},
    "Submitted(Retrying)": {
        **plain_state("Submitted", "Submitted for execution."),
        "__version__": "1.4.1",
        "_result": {"type": "NoResultType", "__version__": "1.4.1"},
        "context": {},
        "state": _STORED,
        "cached_inputs": _STORED["cached_inputs"],
    },
    "Queued(Pending)": {**plain_state("Queued", "full"), "state": plain_state("Pending", "new")},
}
"""What the server makes itself or completes, by what a Prefect makes of it."""
NOT_IN_061 = {
    "Cancelled": cancelled_state("by request"),
    "Cancelling": plain_state("Cancelling", "by request"),
}


NOWHERE = "http://127.0.0.1:9"


def run(version: str, *command: str | Path, home: Path, given: str = "", url: str = NOWHERE) -> str:
    done = subprocess.run(
        [prefect_python(version), *command],
        input=given,
        env=environment(version, home, url),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment(version: str, home: Path, url: str) -> dict[str, str]:
    folder = prefect_python(version).parent
    return {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        **client_environment(version, url, None),
    }


def found(printed: str) -> Any:
    (line,) = [line for line in printed.splitlines() if line.startswith("FOUND ")]
    return json.loads(line.removeprefix("FOUND "))


@pytest.mark.parametrize("version", ["0.6.1", "0.15.13", "1.4.1"])
def test_states_of_the_server_load_everywhere(version: str, tmp_path: Path) -> None:
    states = STATES if version == "0.6.1" else {**STATES, **NOT_IN_061}
    lines = "\n".join(json.dumps(state) for state in states.values())
    printed = run(version, CLIENTS / "load_states.py", home=tmp_path, given=lines)
    assert found(printed) == list(states)


def test_061_does_not_know_what_it_is_spared(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(state) for state in NOT_IN_061.values())
    printed = run("0.6.1", CLIENTS / "load_states.py", home=tmp_path, given=lines)
    assert all("ValidationError" in each for each in found(printed))


@contextmanager
def flow_process(
    version: str, run_id: str, url: str, home: Path, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """What an agent starts for a run; `more` goes into its environment."""
    process = subprocess.Popen(
        [
            prefect_python(version).parent / "prefect",
            "execute",
            "cloud-flow" if version == "0.6.1" else "flow-run",
        ],
        env={
            **environment(version, home, url),
            "PREFECT__CONTEXT__FLOW_RUN_ID": run_id,
            "PREFECT__CLOUD__USE_LOCAL_SECRETS": "false",
            "PREFECT__ENGINE__FLOW_RUNNER__DEFAULT_CLASS": "prefect.engine.cloud.CloudFlowRunner",
            "PREFECT__ENGINE__TASK_RUNNER__DEFAULT_CLASS": "prefect.engine.cloud.CloudTaskRunner",
            **more,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_process_of_061_is_cancelled(tmp_path: Path) -> None:
    """Before it starts, and at work: the task at work ends, the next is never begun."""
    with embedded_server() as server:
        script = CLIENTS / "cancelled_061.py"
        flow = found(run("0.6.1", script, tmp_path, home=tmp_path, url=server.url))
        witness = Witness(server.url)

        early = witness.start(flow, {})
        witness.act("cancel_flow_run", "state", flow_run_id=early)
        with flow_process("0.6.1", early, server.url, tmp_path) as process:
            process.communicate(timeout=_SECONDS)
        assert witness.history(early) == ["Scheduled", "Cancelled"]
        assert not (tmp_path / "first").exists()

        run_id = witness.start(flow, {})
        with flow_process("0.6.1", run_id, server.url, tmp_path) as process:
            until((tmp_path / "first").exists, "the first task at work")
            cancelled = witness.act("cancel_flow_run", "state", flow_run_id=run_id)
            assert cancelled == {"state": "Cancelled"}
            (tmp_path / "go on").touch()
            process.communicate(timeout=_SECONDS)
        assert not (tmp_path / "second").exists()
        assert witness.history(run_id) == ["Scheduled", "Running", "Cancelled"]
        assert witness.task_run(run_id, "second").state == "Cancelled"
        assert "Traceback" not in server.log.read_text()


_QUICKLY = {"PREFECT__CLOUD__HEARTBEAT_MODE": "thread", "PREFECT__CLOUD__HEARTBEAT_INTERVAL": "1"}


@pytest.mark.parametrize("version", ["0.15.13", "1.4.1"])
def test_a_task_run_waits_for_a_place_among_those_of_its_tag(version: str, tmp_path: Path) -> None:
    with embedded_server() as server:
        script = CLIENTS / "limited_1x.py"
        flow = found(run(version, script, tmp_path, home=tmp_path, url=server.url))
        witness = Witness(server.url)
        witness.act("update_task_tag_limit", tag="db", limit=1)
        run_id = witness.start(flow, {})

        def states() -> list[str]:
            return sorted(each.state for each in witness.task_runs(run_id))

        quickly = {**_QUICKLY, "PREFECT__CLOUD__QUEUE_INTERVAL": "1"}
        with flow_process(version, run_id, server.url, tmp_path, **quickly) as process:
            until(lambda: states() == ["Queued", "Running"], "one Queued, one Running")
            (tmp_path / "go on").touch()
            printed, _ = process.communicate(timeout=_SECONDS)
        assert witness.run(run_id)["state"] == "Success", printed
        histories = sorted(each.history for each in witness.task_runs(run_id))
        assert histories == [["Queued", "Running", "Success"], ["Running", "Success"]]
        assert "Traceback" not in server.log.read_text()


def test_a_run_outlives_its_killed_process(tmp_path: Path) -> None:
    """kill -9: no heartbeat, so its task runs are retried, and another process goes on."""
    with embedded_server(silent_after=30) as server:
        script = CLIENTS / "limited_1x.py"
        flow = found(run("1.4.1", script, tmp_path, home=tmp_path, url=server.url))
        witness = Witness(server.url)
        run_id = witness.start(flow, {})

        def states() -> set[str]:
            return {each.state for each in witness.task_runs(run_id)}

        with flow_process("1.4.1", run_id, server.url, tmp_path, **_QUICKLY):
            until(lambda: states() == {"Running"}, "both task runs at work")
        until(lambda: states() == {"Retrying"}, "both task runs waiting for their retry")
        assert witness.run(run_id)["state"] == "Running"
        (tmp_path / "go on").touch()
        with flow_process("1.4.1", run_id, server.url, tmp_path, **_QUICKLY) as process:
            printed, _ = process.communicate(timeout=_SECONDS)
        assert witness.run(run_id)["state"] == "Success", printed
        for each in witness.task_runs(run_id):
            assert each.history == ["Running", "Retrying", "Running", "Success"]
        assert any("No heartbeat detected" in line for line in witness.logs(run_id))
