"""States of runs: what is accepted, what follows from them, who may set them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from flowtui.server.operations.state_changes import STATE_TYPES
from tests.server.conftest import Api, Clock

ALREADY = "State update failed: this run has already been submitted."
NO_RESULT = {"type": "NoResultType", "__version__": "0.6.1"}


@pytest.fixture
def run(api: Api) -> str:
    return api.run(api.flow(api.project()))


def test_a_run_goes_through_its_states(api: Api, clock: Clock, run: str) -> None:
    task_run = api.task_run_ids(run)["add"]
    assert "not in a running state" in api.refused_state(task_run, "Running", of="task")
    api.set_flow_run(run, "Submitted")
    clock.go(seconds=1)
    api.set_flow_run(run, "Running")
    assert api.set_task_run(task_run, "Running") == {
        "id": task_run, "status": "SUCCESS", "message": None,
    }  # fmt: skip
    clock.go(seconds=2)
    api.set_flow_run(run, "Success", _result={"value": 1})
    found = api.row(
        "flow_run",
        run,
        "state version start_time end_time duration state_result heartbeat states {state version}",
    )
    assert [(state["state"], state["version"]) for state in found["states"]] == [
        ("Scheduled", 1), ("Submitted", 2), ("Running", 3), ("Success", 4),
    ]  # fmt: skip
    assert (found["state"], found["version"]) == ("Success", 4)
    assert found["state_result"] == {"value": 1}
    assert found["duration"] == "00:00:02"
    assert found["heartbeat"] == found["start_time"] < found["end_time"]


def test_a_run_that_starts_again_has_not_ended(api: Api, clock: Clock, run: str) -> None:
    api.set_flow_run(run, "Running")
    started = api.row("flow_run", run, "start_time")["start_time"]
    clock.go(minutes=1)
    api.set_flow_run(run, "Failed")
    assert api.row("flow_run", run, "duration")["duration"] == "00:01:00"
    api.set_flow_run(run, "Scheduled", start_time="2026-01-01T00:00:00")
    found = api.row("flow_run", run, "start_time end_time duration state_start_time")
    assert found == {
        "start_time": started,
        "end_time": None,
        "duration": None,
        "state_start_time": "2026-01-01T00:00:00+00:00",
    }


def test_run_count_and_heartbeat_of_task_runs(api: Api, clock: Clock, run: str) -> None:
    task_run = api.task_run_ids(run)["add"]
    api.set_flow_run(run, "Running")
    assert api.row("task_run", task_run, "run_count heartbeat") == {
        "run_count": 0, "heartbeat": None,
    }  # fmt: skip
    api.set_task_run(task_run, "Submitted")
    for kind, count in (("Running", 1), ("Looped", 0), ("Running", 1), ("Failed", 1)):
        clock.go(seconds=1)
        api.set_task_run(task_run, kind)
        assert api.row("task_run", task_run, "run_count")["run_count"] == count
    beat = datetime.fromisoformat(api.row("task_run", task_run, "heartbeat")["heartbeat"])
    assert beat == clock()


def test_states_are_checked(api: Api, run: str) -> None:
    for state, says in (
        ([], "object"),
        ({}, "type"),
        ({"type": "Sleeping"}, "'Sleeping' is not a state"),
        ({"type": "Running", "message": "x" * 1_000_001}, "State payload is too large"),
        ({"type": "Scheduled", "start_time": "soon"}, "ISO 8601"),
    ):
        given = {"flow_run_id": run, "state": state}
        assert says in api.refused("set_flow_run_state", given)
    both = [{"flow_run_id": run, "state": {"type": "Running"}}, {"flow_run_id": run, "state": {}}]
    assert "type" in api.refused("set_flow_run_states", {"states": both}, "states {id}")
    assert api.row("flow_run", run, "state version") == {"state": "Scheduled", "version": 1}


@pytest.mark.parametrize("kind", sorted(STATE_TYPES - {"Submitted", "Cancelled"}))
def test_every_type_of_some_prefect_is_taken(api: Api, run: str, kind: str) -> None:
    api.set_flow_run(run, kind)
    assert api.row("flow_run", run, "state")["state"] == kind


def test_versions_are_ignored_unless_they_are_locked(api: Api, run: str) -> None:
    task_run = api.task_run_ids(run)["add"]

    def flow_run(version: int | None) -> dict[str, Any]:
        state = {"flow_run_id": run, "version": version, "state": {"type": "Running"}}
        return {"states": [state]}

    def of_task(version: int | None) -> dict[str, Any]:
        state = {
            "task_run_id": task_run,
            "version": version,
            "flow_run_version": 7,
            "state": {"type": "Running"},
        }
        return {"states": [state]}

    api.mutate("set_flow_run_states", flow_run(99), "states {id}")
    api.mutate("set_task_run_states", of_task(99), "states {id}")
    group = api.row("flow_run", run, "flow {flow_group_id}")["flow"]["flow_group_id"]
    api.mutate("enable_flow_version_lock", {"flow_group_id": group}, "success")
    mismatch = api.answer(
        "mutation($input: set_flow_run_states_input!) "
        "{set_flow_run_states(input: $input) {states {id}}}",
        {"input": flow_run(1)},
    )
    assert mismatch["errors"][0]["extensions"]["code"] == "VERSION_LOCKING_ERROR"
    assert "State update failed" in mismatch["errors"][0]["message"]
    assert "version lock" in api.refused("set_task_run_states", of_task(0), "states {id}")
    for version in (2, None):
        api.mutate("set_flow_run_states", flow_run(version), "states {id}")
    for version in (1, None):
        api.mutate("set_task_run_states", of_task(version), "states {id}")
    api.mutate("disable_flow_version_lock", {"flow_group_id": group}, "success")
    api.mutate("set_flow_run_states", flow_run(0), "states {id}")


@pytest.mark.parametrize("seconds", [0, 29, 31, 3600])
def test_a_run_is_submitted_once(api: Api, clock: Clock, run: str, seconds: int) -> None:
    """However late the second agent comes with what it read before."""
    api.set_flow_run(run, "Submitted")
    clock.go(seconds=seconds)
    assert api.refused_state(run, "Submitted") == ALREADY
    api.set_flow_run(run, "Running")
    assert api.refused_state(run, "Submitted") == ALREADY
    api.set_flow_run(run, "Success")
    assert api.refused_state(run, "Submitted") == ALREADY
    api.set_flow_run(run, "Scheduled", start_time="2026-01-01T00:00:00")
    api.set_flow_run(run, "Submitted")


def test_a_due_retry_is_submitted_once(api: Api, run: str) -> None:
    task_run = api.task_run_ids(run)["add"]
    api.set_flow_run(run, "Running")
    api.set_task_run(task_run, "Running")
    assert api.refused_state(task_run, "Submitted", of="task") == ALREADY
    api.set_task_run(task_run, "Retrying", start_time="2026-01-01T00:00:00", run_count=1)
    api.set_task_run(task_run, "Submitted")
    assert api.refused_state(task_run, "Submitted", of="task") == ALREADY


def test_what_an_agent_wraps_stays_as_it_was_stored(api: Api, run: str) -> None:
    """A 1.4.1 agent that submits a retry of 0.6.1 rewrites the inputs as a type 0.6.1 cannot
    load, and without their values."""
    task_run = api.task_run_ids(run)["add"]
    handler = {"type": "JSONResultHandler", "__version__": "0.6.1"}
    inputs = {"x": {"type": "SafeResult", "value": "5", "result_handler": handler}}
    stored = {"start_time": "2026-01-01T00:00:00", "cached_inputs": inputs, "_result": NO_RESULT}
    api.set_flow_run(run, "Running")
    api.set_task_run(task_run, "Retrying", **stored)
    rewritten = {
        "type": "Retrying",
        "start_time": "2026-01-01T00:00:00",
        "cached_inputs": {"x": {"type": "Result", "location": None, "__version__": "1.4.1"}},
    }
    api.set_task_run(task_run, "Submitted", state=rewritten, cached_inputs={})
    state = api.row("task_run", task_run, "serialized_state")["serialized_state"]
    assert state["type"] == "Submitted"
    assert state["state"] == {"type": "Retrying", **stored}
    for kind in ("Running", "Failed", "Pending"):
        api.set_task_run(task_run, kind, cached_inputs=None)
        state = api.row("task_run", task_run, "serialized_state")["serialized_state"]
        assert state["cached_inputs"] == inputs, kind
    own = {"y": inputs["x"]}
    api.set_task_run(task_run, "Retrying", start_time="2026-01-01T00:00:00", cached_inputs=own)
    state = api.row("task_run", task_run, "serialized_state")["serialized_state"]
    assert state["cached_inputs"] == own


def test_a_dead_process_that_comes_back_has_the_last_word(api: Api, run: str) -> None:
    """As with Prefect Server: who does not want that turns version locking on."""
    task_run = api.task_run_ids(run)["add"]
    api.set_flow_run(run, "Running")
    api.set_task_run(task_run, "Running")
    api.set_task_run(task_run, "Failed", message="No heartbeat")
    api.set_flow_run(run, "Failed", message="No heartbeat")
    api.set_task_run(task_run, "Success")
    assert "not in a running state" in api.refused_state(task_run, "Running", of="task")
    api.set_flow_run(run, "Success")
    assert api.row("flow_run", run, "state")["state"] == "Success"
