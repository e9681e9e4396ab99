"""States of runs: what is accepted, what follows, and cancelling."""

from __future__ import annotations

from typing import Any

from tests.server.conftest import Api


def test_a_run_goes_through_its_states(api: Api) -> None:
    run = api.run(api.flow(api.project()))
    (task_run, *_) = api.row("flow_run", run, "task_runs {id}")["task_runs"]

    def flow_state(kind: str, **more: Any) -> None:
        state = {"type": kind, "message": kind, **more}
        api.mutate("set_flow_run_state", {"flow_run_id": run, "state": state})

    running = {"task_run_id": task_run["id"], "state": {"type": "Running", "message": "go"}}
    assert "not in a running state" in api.refused("set_task_run_state", running)
    flow_state("Submitted")
    again = {"flow_run_id": run, "state": {"type": "Submitted"}}
    assert "already been submitted" in api.refused("set_flow_run_state", again)
    flow_state("Running")
    api.mutate("set_task_run_state", running)
    flow_state("Success", _result={"value": 1})
    found = api.row(
        "flow_run", run, "state version start_time end_time duration state_result states {state}"
    )
    assert [state["state"] for state in found["states"]] == [
        "Scheduled", "Submitted", "Running", "Success",
    ]  # fmt: skip
    assert (found["state"], found["version"]) == ("Success", 4)
    assert found["state_result"] == {"value": 1}
    assert found["start_time"] < found["end_time"]
    assert found["duration"].startswith("00:00:0")


def test_states_are_checked(api: Api) -> None:
    run = api.run(api.flow(api.project()))
    for state, says in (
        ([], "object"),
        ({}, "type"),
        ({"type": "Running", "message": "x" * 1_000_001}, "bytes"),
        ({"type": "Scheduled", "start_time": "soon"}, "ISO 8601"),
    ):
        given = {"flow_run_id": run, "state": state}
        assert says in api.refused("set_flow_run_state", given)
    both = [{"flow_run_id": run, "state": {"type": "Running"}}, {"flow_run_id": run, "state": {}}]
    assert "type" in api.refused("set_flow_run_states", {"states": both}, "states {id}")
    assert api.row("flow_run", run, "state version") == {"state": "Scheduled", "version": 1}


def test_cancelling(api: Api) -> None:
    flow = api.flow(api.project())
    waiting, running, done = (api.run(flow) for _ in range(3))
    for run, kind in ((running, "Running"), (done, "Success")):
        api.mutate("set_flow_run_state", {"flow_run_id": run, "state": {"type": kind}})
    states = [
        api.mutate("cancel_flow_run", {"flow_run_id": run}, "state")["state"]
        for run in (waiting, running, done)
    ]
    assert states == ["Cancelled", "Cancelling", "Success"]
