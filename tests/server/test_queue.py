"""What agents are handed, and what is known of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import Api, Clock

PAST = "2026-01-01T00:00:00"


@pytest.fixture
def flow(api: Api) -> str:
    return api.flow(api.project())


def agents(api: Api, wanted: str = "name type labels core_version anonymous") -> list[Any]:
    return api.data(f"{{agent(order_by: {{created: asc}}) {{{wanted}}}}}")["agent"]


def test_due_runs_by_their_time(api: Api, flow: str) -> None:
    api = api.sent_by(core_version="0.9.8")
    later = api.run(flow, scheduled_start_time="2090-01-01T00:00:00")
    plain = api.run(flow, scheduled_start_time="2020-01-02T00:00:00")
    early = api.run(flow, scheduled_start_time="2020-01-01T00:00:00")
    assert api.queue() == [early, plain]
    assert api.queue(before="2091-01-01T00:00:00+00:00") == [early, plain, later]
    api.set_flow_run(early, "Submitted")
    assert api.queue() == [plain]


@pytest.mark.parametrize(
    ("run_labels", "agent_labels", "taken"),
    [
        ([], [], True),
        ([], ["a"], False),
        (["a"], [], False),
        (["a"], ["a"], True),
        (["a"], ["b", "a"], True),
        (["a", "b"], ["a"], False),
        (["a"], ["b"], False),
    ],
)
def test_labels(
    api: Api, flow: str, run_labels: list[str], agent_labels: list[str], *, taken: bool
) -> None:
    run = api.run(flow, labels=run_labels)
    assert api.queue(labels=agent_labels) == ([run] if taken else [])


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("Scheduled", True), ("Retrying", True), ("Resume", True), ("Queued", True),
        ("Paused", True), ("Pending", False), ("Running", False), ("Cancelling", False),
        ("Success", False), ("Cancelled", False),
    ],
)  # fmt: skip
def test_states_of_runs_that_wait(api: Api, flow: str, kind: str, *, taken: bool) -> None:
    run = api.run(flow)
    api.set_flow_run(run, kind, start_time=PAST)
    assert api.queue() == ([run] if taken else [])


def test_at_most_25(api: Api) -> None:
    api = api.sent_by(core_version="0.8.0")
    flow = api.flow(api.project(), document={"tasks": [], "edges": []})
    for _ in range(27):
        api.run(flow)
    labelled = api.run(flow, labels=["a"])
    ids = api.queue()
    assert len(ids) == len(set(ids)) == 25
    assert api.queue(labels=["a"]) == [labelled]


@pytest.mark.parametrize("version", [None, "0.7.3"])
def test_an_agent_that_starts_all_or_none_is_handed_one(
    api: Api, flow: str, version: str | None
) -> None:
    runs = [api.run(flow) for _ in range(3)]
    old = api.sent_by(core_version=version)
    assert old.queue() == [runs[0]]
    api.set_flow_run(runs[0], "Submitted")
    assert old.queue() == [runs[1]]


def test_a_retry_that_outlives_its_process(api: Api, clock: Clock, flow: str) -> None:
    """0.6.1 and 0.9.8 end with a retry more than a minute ahead; an agent starts them again."""
    api = api.sent_by(core_version="0.9.8")
    run = api.run(flow)
    due_before = api.run(flow, scheduled_start_time=PAST)
    task_run = api.task_run_ids(run)["add"]
    api.set_flow_run(run, "Submitted")
    api.set_flow_run(run, "Running")
    api.set_task_run(task_run, "Running")
    clock.go(minutes=1)
    retry = clock.moment.isoformat()
    clock.go(minutes=-1)
    api.set_task_run(task_run, "Retrying", start_time=retry, run_count=1)
    assert api.queue() == [due_before]
    clock.go(minutes=1)
    assert api.queue() == [due_before, run]
    details = f"""{{flow_run(where: {{id: {{_in: ["{run}"]}}, _or: [
        {{state: {{_eq: "Scheduled"}}}},
        {{state: {{_eq: "Running"}}, task_runs: {{state_start_time: {{_lte: "{retry}"}}}}}}
    ]}}) {{id version state task_runs(where: {{state_start_time: {{_lte: "{retry}"}}}}) {{
        id version task_id serialized_state}}}}}}"""
    (found,) = api.data(details)["flow_run"]
    assert [each["id"] for each in found["task_runs"]] == [task_run]
    api.set_task_run(task_run, "Submitted", state=found["task_runs"][0]["serialized_state"])
    assert api.queue() == [due_before]
    assert api.data(details)["flow_run"] == []
    load = f'task_run_by_pk(id: "{task_run}") {{state serialized_state}}'
    loaded = api.data(f"{{{load}}}")["task_run_by_pk"]
    assert loaded["state"] == loaded["serialized_state"]["type"] == "Submitted"
    assert loaded["serialized_state"]["state"]["type"] == "Retrying"
    api.set_task_run(task_run, "Running")
    api.set_task_run(task_run, "Success")
    api.set_flow_run(run, "Success")
    assert api.row("flow_run", run, "state")["state"] == "Success"
    assert api.row("task_run", task_run, "run_count")["run_count"] == 2


def test_a_queued_task_run_is_its_processs_own(api: Api, flow: str) -> None:
    """Agents do not mark Queued task runs as taken, so they would start process after process."""
    run = api.run(flow)
    api.set_flow_run(run, "Running")
    api.set_task_run(api.task_run_ids(run)["add"], "Queued", start_time=PAST)
    assert api.queue() == []


def test_an_agent_of_a_tenant_gets_its_runs(api: Api, flow: str) -> None:
    run = api.run(flow)
    own = api.row("flow_run", run, "tenant_id")["tenant_id"]
    other = api.mutate("create_tenant", {"name": "B", "slug": "b"})["id"]
    assert api.queue(tenant_id=own) == [run]
    assert api.queue(tenant_id=other) == []
    assert api.sent_by(tenant_id=other).queue() == []
    assert api.queue() == [run]


def test_registered_agents_are_seen_when_they_poll(api: Api, clock: Clock, flow: str) -> None:
    given = {"type": "LocalAgent", "name": "mine", "labels": ["b", "a"]}
    first = api.sent_by(core_version="1.4.1").mutate("register_agent", given)["id"]
    assert api.mutate("register_agent", {**given, "labels": ["a", "b"]})["id"] == first
    assert api.mutate("register_agent", {**given, "labels": []})["id"] != first
    clock.go(seconds=10)
    agent = api.sent_by(core_version="1.4.1", agent_id=first)
    agent.queue(labels=["a", "b"], before=PAST)
    assert api.row("agent", first, "last_queried") == {"last_queried": clock().isoformat()}
    assert [row["anonymous"] for row in agents(api)] == [False, False]
    run = api.run(flow)
    agent.set_flow_run(run, "Submitted")
    assert api.row("flow_run", run, "agent_id agent {name}") == {
        "agent_id": first, "agent": {"name": "mine"},
    }  # fmt: skip
    api.mutate("delete_agent", {"agent_id": first}, "success")
    assert api.row("flow_run", run, "agent_id")["agent_id"] is None
    api.set_flow_run(run, "Scheduled", start_time=PAST)
    agent.set_flow_run(run, "Submitted")


def test_anonymous_agents_that_look_alike_share_a_row(api: Api, clock: Clock) -> None:
    first = api.sent_by(core_version="0.9.8")
    second = api.sent_by(core_version="0.10.2")
    for _ in range(3):
        clock.go(seconds=10)
        first.queue(labels=["a", "b"], before=PAST)
        first.queue(labels=["b", "a"], before=PAST)
        first.queue(labels=[], before=PAST)
        second.queue(before=PAST)
        api.queue()
        api.queue(before=PAST)
        api.queue(before=PAST, labels=[])
    unknown = {"name": None, "type": "Agent", "anonymous": True}
    assert agents(api) == [
        {**unknown, "labels": ["a", "b"], "core_version": "0.9.8"},
        {**unknown, "labels": [], "core_version": "0.9.8"},
        {**unknown, "labels": [], "core_version": "0.10.2"},
        {**unknown, "labels": [], "core_version": "0.6.2 to 0.6.4"},
        {**unknown, "labels": [], "core_version": "0.6.5 to 0.6.7"},
        {**unknown, "labels": [], "core_version": "0.7.0"},
    ]
    assert {row["last_queried"] for row in agents(api, "last_queried")} == {clock().isoformat()}


def test_an_agent_whose_id_is_unknown_is_anonymous(api: Api, flow: str) -> None:
    gone = api.sent_by(core_version="1.4.1", agent_id="00000000-0000-0000-0000-000000000001")
    gone.queue()
    assert [row["anonymous"] for row in agents(api)] == [True]


def test_the_anonymous_agent_of_a_run(api: Api, clock: Clock, flow: str) -> None:
    old, new = api.sent_by(core_version="0.9.8"), api.sent_by(core_version="0.12.6")
    for agent in (old, new, api):
        agent.queue(labels=["a"], before=PAST)
        agent.queue(labels=["a", "b"], before=PAST)
        agent.queue(labels=[], before=PAST)
        clock.go(seconds=10)
    by_kind = {
        (row["core_version"], *row["labels"]): row["id"]
        for row in agents(api, "id core_version labels")
    }
    for agent, version in ((old, "0.9.8"), (new, "0.12.6"), (api, "0.7.0")):
        for labels in ([], ["b"]):
            run = api.run(flow, labels=labels)
            agent.set_flow_run(run, "Submitted")
            likely = by_kind[(version, "a", "b") if labels else (version,)]
            assert api.row("flow_run", run, "agent_id")["agent_id"] == likely


def test_a_busy_agent_does_not_write_at_every_poll(api: Api, clock: Clock) -> None:
    api.queue()
    seen = clock().isoformat()
    clock.go(seconds=1)
    api.queue()
    assert agents(api, "last_queried") == [{"last_queried": seen}]
    clock.go(seconds=1)
    api.queue()
    assert agents(api, "last_queried") == [{"last_queried": clock().isoformat()}]


def test_agent_configs(api: Api) -> None:
    wanted = {"name": "one", "settings": {"labels": ["a"]}}
    config = api.mutate("create_agent_config", wanted)["id"]
    api.mutate("update_agent_config", {"agent_config_id": config, "name": "two"}, "success")
    assert api.row("agent_config", config, "name settings") == {**wanted, "name": "two"}
    settings = {"agent_config_id": config, "settings": {"labels": []}}
    api.mutate("update_agent_config", settings, "success")
    assert api.row("agent_config", config, "name settings") == {
        "name": "two", "settings": {"labels": []},
    }  # fmt: skip
    given = {"agent_config_id": config, "settings": [1]}
    assert "object" in api.refused("update_agent_config", given, "success")
    agent = api.mutate("register_agent", {"type": "LocalAgent", "agent_config_id": config})["id"]
    api.mutate("delete_agent_config", {"agent_config_id": config}, "success")
    assert api.row("agent", agent, "agent_config_id")["agent_config_id"] is None
