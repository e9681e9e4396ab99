"""What agents are handed."""

from __future__ import annotations

from typing import Any

from tests.server.conftest import Api


def test_the_queue_of_an_agent(api: Api) -> None:
    flow = api.flow(api.project())
    later = api.run(flow, scheduled_start_time="2090-01-01T00:00:00")
    plain = api.run(flow, scheduled_start_time="2020-01-02T00:00:00")
    early = api.run(flow, scheduled_start_time="2020-01-01T00:00:00")
    labelled = api.run(flow, labels=["a"], scheduled_start_time="2020-01-01T00:00:00")

    def queue(**given: Any) -> list[str]:
        return api.mutate("get_runs_in_queue", given, "flow_run_ids")["flow_run_ids"]

    assert queue() == [early, plain]
    assert queue(labels=["a", "b"]) == [labelled]
    assert queue(labels=["b"]) == []
    assert queue(before="2091-01-01T00:00:00+00:00") == [early, plain, later]
    api.mutate("set_flow_run_state", {"flow_run_id": early, "state": {"type": "Submitted"}})
    assert queue() == [plain]


def test_many_flow_runs_at_most_25_in_a_queue(api: Api) -> None:
    flow = api.flow(api.project(), document={"tasks": [], "edges": []})
    for _ in range(27):
        api.run(flow)
    ids = api.mutate("get_runs_in_queue", {}, "flow_run_ids")["flow_run_ids"]
    assert len(ids) == len(set(ids)) == 25
