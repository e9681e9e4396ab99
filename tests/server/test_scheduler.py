"""Runs planned ahead for active schedules: at once, topped up by the scheduler, dropped again."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowtui.server.database import Database
from flowtui.server.execute import Executor
from flowtui.server.services.background import Round
from flowtui.server.services.scheduler import Scheduler
from tests.server.conftest import Api

pytestmark = pytest.mark.slow
AHEAD = 10
PLANNED = "scheduled_start_time auto_scheduled state parameters labels idempotency_key"
DAILY = {"clocks": [{"type": "CronClock", "cron": "30 4 * * *"}]}


@pytest.fixture
def api(database: Database) -> Api:
    return Api(Executor(database))


def run_scheduler(
    database: Database, scheduler: Scheduler | None = None, *, later: timedelta = timedelta(0)
) -> None:
    moment = datetime.now(UTC) + later
    (scheduler or Scheduler()).run_once(database, Round(moment, moment))


def planned(api: Api, flow: str) -> list[dict[str, Any]]:
    where = f'flow_id: {{_eq: "{flow}"}}, auto_scheduled: {{_eq: true}}'
    order = "scheduled_start_time: asc"
    query = f"{{flow_run(where: {{{where}}}, order_by: {{{order}}}) {{id {PLANNED}}}}}"
    return api.data(query)["flow_run"]


def scheduled_flow(api: Api, schedule: dict[str, Any] = DAILY, **given: Any) -> str:
    document = {"schedule": schedule, **given.pop("document", {})}
    return api.flow(api.project(), document=document, **given)


def problem(api: Api, flow: str) -> str | None:
    return api.row("flow", flow, "schedule_problem")["schedule_problem"]


def test_ten_runs_are_there_as_soon_as_the_flow_is(api: Api) -> None:
    runs = planned(api, scheduled_flow(api))
    assert len(runs) == AHEAD
    moments = [datetime.fromisoformat(run["scheduled_start_time"]) for run in runs]
    assert all((moment.hour, moment.minute) == (4, 30) for moment in moments)
    assert moments[-1] - moments[0] == timedelta(days=AHEAD - 1)
    assert {run["state"] for run in runs} == {"Scheduled"}
    assert runs[0]["idempotency_key"] == f"auto-scheduled:{moments[0].isoformat()}"


def test_a_planned_run_waits_for_its_time(api: Api) -> None:
    flow = scheduled_flow(api)
    first = planned(api, flow)[0]
    state = api.row("flow_run", first["id"], "state_start_time task_runs { state }")
    assert state["state_start_time"] == first["scheduled_start_time"]
    assert len(state["task_runs"]) == 3
    assert api.mutate("get_runs_in_queue", {}, "flow_run_ids") == {"flow_run_ids": []}
    due = {"before": first["scheduled_start_time"]}
    assert api.mutate("get_runs_in_queue", due, "flow_run_ids")["flow_run_ids"] == [first["id"]]


def test_what_clocks_say_of_their_runs_counts(api: Api) -> None:
    clock = {"type": "CronClock", "cron": "0 0 * * *"}
    own = {**clock, "parameter_defaults": {"x": 7}, "labels": ["big"]}
    runs = planned(api, scheduled_flow(api, {"clocks": [clock, own]}))
    first = sorted(runs[:2], key=lambda run: run["parameters"]["x"])
    assert [(run["parameters"], run["labels"]) for run in first] == [
        ({"x": 1}, []),
        ({"x": 7}, ["big"]),
    ]
    assert len({run["idempotency_key"] for run in runs}) == AHEAD
    assert first[1]["idempotency_key"].count(":") > first[0]["idempotency_key"].count(":")


def test_the_scheduler_tops_up_and_changes_nothing_twice(api: Api, database: Database) -> None:
    flow = scheduled_flow(api)
    before = planned(api, flow)
    run_scheduler(database)
    assert planned(api, flow) == before
    run_scheduler(database, later=timedelta(days=3))
    runs = planned(api, flow)
    assert runs[:AHEAD] == before
    assert len(runs) == AHEAD + 3


def test_a_server_that_was_down_makes_up_for_no_more_than_was_planned(
    api: Api, database: Database
) -> None:
    """As Prefect Server: the runs that were planned are late, those after them never were."""
    flow = scheduled_flow(api)
    before = planned(api, flow)
    run_scheduler(database, later=timedelta(days=100))
    runs = planned(api, flow)
    assert runs[:AHEAD] == before
    assert len(runs) == 2 * AHEAD
    gap = [
        datetime.fromisoformat(run["scheduled_start_time"]) for run in runs[AHEAD - 1 : AHEAD + 1]
    ]
    assert gap[1] - gap[0] > timedelta(days=80)


def test_a_deleted_run_is_not_planned_again(api: Api, database: Database) -> None:
    flow = scheduled_flow(api)
    second = planned(api, flow)[1]
    api.mutate("delete_flow_run", {"flow_run_id": second["id"]}, "success")
    scheduler = Scheduler()
    run_scheduler(database, scheduler)
    moments = [run["scheduled_start_time"] for run in planned(api, flow)]
    assert len(moments) == AHEAD - 1
    assert second["scheduled_start_time"] not in moments
    run_scheduler(database, scheduler, later=timedelta(days=2))
    assert len(planned(api, flow)) == AHEAD + 1


@pytest.mark.parametrize("how", ["switched off", "archived", "new version", "deleted"])
def test_planned_runs_go_with_their_schedule(api: Api, database: Database, how: str) -> None:
    flow = scheduled_flow(api)
    started = planned(api, flow)[0]["id"]
    state = {"flow_run_id": started, "state": {"type": "Running"}}
    api.mutate("set_flow_run_states", {"states": [state]}, "states { id }")
    match how:
        case "switched off":
            api.mutate("set_schedule_inactive", {"flow_id": flow}, "success")
        case "archived":
            api.mutate("archive_flow", {"flow_id": flow}, "success")
        case "new version":
            project = api.row("flow", flow, "project_id")["project_id"]
            newer = api.flow(project, document={"schedule": DAILY})
            assert len(planned(api, newer)) == AHEAD
        case _:
            api.mutate("delete_flow", {"flow_id": flow}, "success")
    run_scheduler(database)
    left = [] if how == "deleted" else [started]
    assert [run["id"] for run in planned(api, flow)] == left


def test_switching_on_plans_at_once(api: Api) -> None:
    flow = scheduled_flow(api, set_schedule_active=False)
    assert planned(api, flow) == []
    api.mutate("set_schedule_active", {"flow_id": flow}, "success")
    assert len(planned(api, flow)) == AHEAD


def test_the_flow_group_s_schedule_goes_first(api: Api, database: Database) -> None:
    flow = scheduled_flow(api)
    group = api.row("flow", flow, "flow_group_id")["flow_group_id"]
    clocks = {"interval_clocks": [{"interval": 3600, "parameter_defaults": {"x": 3}}]}
    api.mutate("set_flow_group_schedule", {"flow_group_id": group, **clocks}, "success")
    runs = planned(api, flow)
    assert len(runs) == AHEAD
    assert {run["parameters"]["x"] for run in runs} == {3}
    cron = {"cron_clocks": [{"cron": "0 9 * * *"}], "timezone": "Asia/Tokyo"}
    api.mutate("set_flow_group_schedule", {"flow_group_id": group, **cron}, "success")
    assert {run["scheduled_start_time"][11:16] for run in planned(api, flow)} == {"00:00"}
    api.mutate("delete_flow_group_schedule", {"flow_group_id": group}, "success")
    run_scheduler(database)
    assert {run["scheduled_start_time"][11:16] for run in planned(api, flow)} == {"04:30"}


@pytest.mark.parametrize(
    ("clocks", "reason"),
    [
        ({"cron_clocks": [{"cron": "9 o'clock"}]}, "is not a cron expression"),
        ({"interval_clocks": [{"interval": 5}]}, "shorter than a minute"),
        ({"cron_clocks": [{"cron": "0 9 * * *"}], "timezone": "Mars/Dome"}, "no time zone"),
        ({}, "no clocks"),
    ],
)
def test_a_bad_flow_group_schedule_is_refused(
    api: Api, clocks: dict[str, Any], reason: str
) -> None:
    flow = scheduled_flow(api)
    group = api.row("flow", flow, "flow_group_id")["flow_group_id"]
    given = {"flow_group_id": group, **clocks}
    assert reason in api.refused("set_flow_group_schedule", given, "success")
    assert len(planned(api, flow)) == AHEAD


def test_a_schedule_that_cannot_be_followed_says_why(
    api: Api, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    own_filter = {**DAILY, "filters": [{"fn": "mine.odd_days", "kwargs": {}}]}
    with caplog.at_level(logging.WARNING, "flowtui.server"):
        flow = scheduled_flow(api, own_filter)
        run_scheduler(database)
    assert planned(api, flow) == []
    assert problem(api, flow) == "mine.odd_days is not a filter of Prefect's own"
    assert caplog.text.count("mine.odd_days is not a filter") == 1
    api.mutate("set_schedule_inactive", {"flow_id": flow}, "success")
    assert problem(api, flow) is None


def test_a_parameter_that_became_required_says_so(api: Api, database: Database) -> None:
    required = [{"name": "who", "slug": "who", "required": True, "default": None}]
    flow = scheduled_flow(api, document={"parameters": required})
    group = api.row("flow", flow, "flow_group_id is_schedule_active")
    assert not group["is_schedule_active"]
    defaults = {"flow_group_id": group["flow_group_id"], "parameters": {"who": "me"}}
    api.mutate("set_flow_group_default_parameters", defaults, "success")
    api.mutate("set_schedule_active", {"flow_id": flow}, "success")
    assert {run["parameters"]["who"] for run in planned(api, flow)} == {"me"}
    defaults["parameters"] = {}
    api.mutate("set_flow_group_default_parameters", defaults, "success")
    run_scheduler(database, later=timedelta(days=3))
    assert len(planned(api, flow)) == AHEAD
    assert problem(api, flow) == "required parameters were not supplied: who"


def test_a_schedule_that_ends_is_not_looked_at_all_the_time(
    api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {"dt": (datetime.now(UTC) + timedelta(days=2)).isoformat()[:19], "tz": "UTC"}
    flow = scheduled_flow(api, {"clocks": [{**DAILY["clocks"][0], "end_date": ends}]})
    assert len(planned(api, flow)) == 2
    looks: list[object] = []
    monkeypatch.setattr(
        "flowtui.server.operations.schedules.next_events",
        lambda *given: looks.append(given) or [],
    )
    scheduler = Scheduler()
    for _ in range(3):
        run_scheduler(database, scheduler)
    assert len(looks) == 1
    run_scheduler(database, scheduler, later=timedelta(hours=2))
    assert len(looks) == 2
