"""A version goes to another project, and its schedule is switched: `update_flow_project`."""

from __future__ import annotations

from typing import Any

from tests.server.conftest import Api

HOURLY = {
    "type": "Schedule",
    "clocks": [{"type": "IntervalClock", "interval": 3_600_000_000, "start_date": None}],
}


def versions(api: Api, project: str) -> list[Any]:
    rows = api.data(
        f'{{flow(where: {{project: {{id: {{_eq: "{project}"}}}}}}, order_by: {{version: asc}}) '
        "{version archived flow_group_id}}"
    )["flow"]
    return [(row["version"], row["archived"], row["flow_group_id"]) for row in rows]


def test_versions_move_and_the_next_one_counts_on_where_they_went(api: Api) -> None:
    a, b = api.project("a"), api.project("b")
    ids = [api.flow(a), api.flow(a)]
    group = versions(api, a)[0][2]
    for flow_id in ids:
        moved = api.mutate("update_flow_project", {"flow_id": flow_id, "project_id": b})
        assert moved == {"id": flow_id}
    assert versions(api, a) == []
    api.flow(b)
    assert versions(api, b) == [(1, True, group), (2, True, group), (3, False, group)]


def test_a_run_goes_with_its_version(api: Api) -> None:
    a, b = api.project("a"), api.project("b")
    flow = api.flow(a)
    run = api.run(flow)
    api.mutate("update_flow_project", {"flow_id": flow, "project_id": b})
    found = api.data('{flow_run(where: {flow: {project: {name: {_eq: "b"}}}}) {id}}')
    assert found == {"flow_run": [{"id": run}]}


def test_a_project_that_is_not_there_is_refused(api: Api) -> None:
    flow = api.flow(api.project("a"))
    gone = "00000000-0000-4000-8000-000000000000"
    assert gone in api.refused("update_flow_project", {"flow_id": flow, "project_id": gone})


def test_the_schedule_is_switched_by_the_names_of_both_dialects(api: Api) -> None:
    flow = api.flow(api.project("a"), document={"schedule": HOURLY})

    def active() -> bool:
        return api.data(f'{{flow_by_pk(id: "{flow}") {{is_schedule_active}}}}')["flow_by_pk"][
            "is_schedule_active"
        ]

    assert active()
    api.mutate("set_schedule_inactive", {"flow_id": flow}, "success")
    assert not active()
    query = (
        "mutation($input: setFlowScheduleStateInput!) "
        "{ setFlowScheduleState(input: $input) { success } }"
    )
    for state in (True, False):
        answer = api.data(query, {"input": {"flowId": flow, "setActive": state}})
        assert answer == {"setFlowScheduleState": {"success": True}}
        assert active() is state
