"""Cancelling: by whom, at what time, and in states that every Prefect can load."""

from __future__ import annotations

import pytest

from tests.server.conftest import Api

BEFORE_CANCELLED = ["0.6.1", "0.7.1"]
NOT_CANCELLING = [*BEFORE_CANCELLED, "0.7.3", "0.9.8", "0.12.6"]


def flow_of(api: Api, core_version: str | None) -> str:
    return api.flow(api.project(), document={"__version__": core_version})


def cancel(api: Api, run: str) -> str:
    return api.mutate("cancel_flow_run", {"flow_run_id": run}, "state")["state"]


def test_cancelling_by_what_the_run_is(api: Api) -> None:
    flow = flow_of(api, "1.4.1")
    waiting, submitted, running, done = (api.run(flow) for _ in range(4))
    for run, kind in ((submitted, "Submitted"), (running, "Running"), (done, "Success")):
        api.set_flow_run(run, kind)
    states = [cancel(api, run) for run in (waiting, submitted, running, done)]
    assert states == ["Cancelled", "Cancelled", "Cancelling", "Success"]
    assert [cancel(api, run) for run in (waiting, running)] == ["Cancelled", "Cancelling"]
    assert api.row("flow_run", running, "version")["version"] == 3
    task_runs = api.row("flow_run", waiting, "task_runs {state end_time serialized_state}")
    for task_run in task_runs["task_runs"]:
        assert (task_run["state"], task_run["serialized_state"]["type"]) == ("Cancelled",) * 2
        assert task_run["end_time"]
    assert "there is no flow run" in api.refused("cancel_flow_run", {"flow_run_id": flow}, "state")


def test_the_process_ends_what_is_cancelling(api: Api) -> None:
    run = api.run(flow_of(api, "1.4.1"))
    tasks = api.task_run_ids(run)
    api.set_flow_run(run, "Running")
    api.set_task_run(tasks["x"], "Running")
    api.set_task_run(tasks["x"], "Success")
    api.set_task_run(tasks["add"], "Running")
    cancel(api, run)
    assert "not in a running state" in api.refused_state(tasks["show"], "Running", of="task")
    api.set_flow_run(run, "Cancelled", message="Flow run is cancelled")
    assert api.row("flow_run", run, "state state_message") == {
        "state": "Cancelled", "state_message": "Flow run is cancelled",
    }  # fmt: skip
    states = {slug: api.row("task_run", task, "state")["state"] for slug, task in tasks.items()}
    assert states == {"x": "Success", "add": "Cancelled", "show": "Cancelled"}


@pytest.mark.parametrize("core", NOT_CANCELLING)
def test_a_process_that_does_not_look_is_ended_by_refusal(api: Api, core: str) -> None:
    run = api.run(flow_of(api, core))
    tasks = api.task_run_ids(run)
    api.set_flow_run(run, "Running")
    api.set_task_run(tasks["x"], "Running")
    assert cancel(api, run) == "Cancelled"
    assert "not in a running state" in api.refused_state(tasks["add"], "Running", of="task")
    assert "was cancelled" in api.refused_state(
        tasks["x"], "Retrying", of="task", start_time="2026-01-01T00:00:00"
    )
    api.set_task_run(tasks["x"], "Success")
    assert api.row("task_run", tasks["x"], "state")["state"] == "Success"
    for late in ("Failed", "Success", "Running", "Submitted"):
        assert "State update failed" in api.refused_state(run, late)
    assert api.row("flow_run", run, "state version") == {"state": "Cancelled", "version": 3}


@pytest.mark.parametrize(
    ("core", "loads"),
    [*((core, "Failed") for core in BEFORE_CANCELLED), ("0.7.3", "Cancelled"), (None, "Cancelled")],
)
def test_what_the_process_reads_is_a_type_it_knows(api: Api, core: str | None, loads: str) -> None:
    flow = flow_of(api, core)
    by_request, by_client = api.run(flow), api.run(flow)
    cancel(api, by_request)
    api.set_flow_run(by_client, "Cancelled", message="by hand")
    for run in (by_request, by_client):
        found = api.row(
            "flow_run", run, "state serialized_state task_runs {state serialized_state}"
        )
        for row in (found, *found["task_runs"]):
            assert (row["state"], row["serialized_state"]["type"]) == ("Cancelled", loads)
    assert "cancelled" in api.row("flow_run", by_request, "state_message")["state_message"]


def test_a_cancelled_run_can_be_started_again(api: Api) -> None:
    run = api.run(flow_of(api, "1.4.1"))
    task_run = api.task_run_ids(run)["add"]
    cancel(api, run)
    api.set_task_run(task_run, "Pending")
    api.set_flow_run(run, "Scheduled", start_time="2026-01-01T00:00:00")
    api.set_flow_run(run, "Submitted")
    assert api.row("flow_run", run, "end_time")["end_time"] is None


def test_a_new_version_ends_what_waits_of_the_old_one(api: Api) -> None:
    project = api.project()
    flow = api.flow(project)
    waiting, submitted, running = (api.run(flow) for _ in range(3))
    api.set_flow_run(submitted, "Submitted")
    api.set_flow_run(running, "Running")
    api.flow(project)
    rows = [
        api.row("flow_run", run, "state state_message") for run in (waiting, submitted, running)
    ]
    assert [row["state"] for row in rows] == ["Cancelled", "Submitted", "Running"]
    assert rows[0]["state_message"] == "Version 1 of the flow was archived."
