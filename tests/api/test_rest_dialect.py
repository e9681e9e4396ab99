"""What differs between Prefect 2 and 3, purely: deployments, states, rows of early releases."""

from __future__ import annotations

from typing import Any

import pytest

from flowtui.api.rest import answers, dialect, payload, project_tags
from flowtui.api.rest.dialect import Dialect
from flowtui.api.rest.states import state_filter
from flowtui.errors import ControlPlaneError
from flowtui.models import Schedule
from flowtui.run_models import RunState, kind_of
from flowtui.runs.listing import RunQuery, Shown

CLOUD = Dialect(())
NEWEST = Dialect((3, 9, 1))
CRON = {"cron": "0 2 * * *", "timezone": "UTC"}
FIELDS: dict[str, Any] = {
    "description": "x",
    "job_variables": {"env": {}},
    "labels": {"a": "b"},
    "version_info": {"type": "t"},
    "concurrency_limit": None,
    "enforce_parameter_schema": True,
    "paused": True,
    "schedules": [{"slug": "a", "active": False, "schedule": CRON, "parameters": {}}],
}


def body(release: tuple[int, ...], **changed: Any) -> dict[str, Any]:
    return Dialect(release).body({**FIELDS, **changed}, where="here")


@pytest.mark.parametrize("release", [(), (3, 9, 1), (3, 3)])
def test_the_newest_take_all(release: tuple[int, ...]) -> None:
    assert body(release) == FIELDS


def test_what_nobody_misses_is_left_out_for_earlier_ones() -> None:
    assert "version_info" not in body((3, 2)) and "labels" in body((3, 2))
    early = body((3, 0, 11))
    assert early.keys() == FIELDS.keys() - {"version_info", "labels"}
    assert early["schedules"] == [{"active": False, "schedule": CRON}]
    last_2 = body((2, 20, 27))
    assert last_2["infra_overrides"] == {"env": {}}
    assert last_2.keys() & {"job_variables", "concurrency_limit", "labels"} == set()
    assert (last_2["paused"], last_2["schedules"]) == (True, early["schedules"])


def test_one_schedule_was_all_there_was_once() -> None:
    early = body((2, 14, 21), paused=False)
    assert early["schedule"] == CRON
    assert early["is_schedule_active"] is True
    assert early.keys() & {"schedules", "paused"} == set()
    assert body((2, 14, 21))["is_schedule_active"] is False
    assert "enforce_parameter_schema" not in body((2, 10, 21))
    two = [{"schedule": CRON}, {"schedule": CRON}]
    with pytest.raises(ControlPlaneError, match="several schedules"):
        body((2, 14, 21), schedules=two)
    assert body((2, 14, 21), schedules=[])["schedule"] is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"concurrency_limit": 2}, "limit the runs of a deployment"),
        ({"schedules": [{"schedule": CRON, "parameters": {"a": 1}}]}, "a schedule parameters"),
    ],
)
def test_what_somebody_would_miss_is_refused(changed: dict[str, Any], words: str) -> None:
    assert body((3, 9), **changed)
    with pytest.raises(ControlPlaneError, match=words):
        body((2, 20), **changed)


def test_bodies_do_not_change_what_they_are_made_of() -> None:
    schedule = {"slug": "a", "active": True, "schedule": CRON}
    Dialect((2, 14)).body({"schedules": [schedule]}, where="here")
    assert schedule == {"slug": "a", "active": True, "schedule": CRON}


# --------------------------------------------------------------------------------------------- rows


def row(**told: Any) -> dict[str, Any]:
    return {"id": "d1", "flow_id": "f1", "name": "nightly", "tags": ["x", "project:Team"], **told}


def test_rows_of_early_releases_have_the_form_of_the_newest() -> None:
    early = dialect.deployment(
        row(infra_overrides={"image": "a:1"}, schedule=CRON, is_schedule_active=False)
    )
    told = answers.deployment(early, "etl")
    assert (told.image, told.paused, told.schedule) == ("a:1", True, Schedule.PAUSED)
    assert (told.project, told.tags) == ("Team", ("x",))
    assert payload.of_row(early, "etl")["schedules"] == [
        {"slug": None, "active": True, "schedule": CRON}
    ]
    without = dialect.deployment(row(schedule=None, is_schedule_active=True))
    assert answers.deployment(without, "etl").schedule is Schedule.NONE


def test_a_limit_of_its_own_is_told_and_a_shared_one_is_not() -> None:
    """A server tells both as a global limit; its own is named after the deployment."""
    own = {"name": "deployment:d1", "limit": 4}
    assert dialect.deployment(row(global_concurrency_limit=own))["concurrency_limit"] == 4
    shared = {"name": "database", "limit": 4}
    told = dialect.deployment(row(concurrency_limit=None, global_concurrency_limit=shared))
    assert told["concurrency_limit"] is None


@pytest.mark.parametrize(
    ("active", "paused", "schedule"),
    [
        ([True, False], False, Schedule.ACTIVE),
        ([True, True], True, Schedule.PAUSED),
        ([False, False], False, Schedule.PAUSED),
        ([], False, Schedule.NONE),
        ([], True, Schedule.NONE),
    ],
)
def test_one_active_schedule_is_enough(
    active: list[bool], paused: bool, schedule: Schedule
) -> None:
    schedules = [{"active": each, "schedule": CRON} for each in active]
    told = dialect.deployment(row(schedules=schedules, paused=paused, job_variables={}))
    assert answers.deployment(told, "etl").schedule is schedule


def test_a_payload_put_whole_keeps_what_it_does_not_change() -> None:
    told = dialect.deployment(
        row(
            paused=True,
            job_variables={"env": {}},
            schedules=[
                {"id": "s2", "created": "2026-01-02", "active": True, "schedule": CRON},
                {"id": "s1", "created": "2026-01-01", "slug": "a", "active": False, "schedule": {}},
            ],
            labels={"prefect.flow.id": "f1", "team": "sales"},
            storage_document_id="b1",
            description=None,
        )
    )
    whole = payload.whole(told, {"parameters": {"n": 1}})
    assert whole["tags"] == ["x", "project:Team"]
    assert whole["labels"] == {"team": "sales"}
    assert (whole["flow_id"], whole["storage_document_id"], whole["paused"]) == ("f1", "b1", True)
    assert [each["slug"] for each in whole["schedules"]] == ["a", None]  # type: ignore[index,union-attr]
    assert whole["parameters"] == {"n": 1} and "description" not in whole


def test_hostile_names_are_cleaned() -> None:
    told = dialect.deployment(row(schedules=[], paused=False, version="v\x1b[31m1\x07"))
    assert answers.deployment(told, "etl").label == "v1"
    line = {
        "id": "l1",
        "timestamp": "2026-01-01T00:00:00Z",
        "level": 25,
        "message": "a\x1b]0;x\x07b",
    }
    made = answers.run_line(line)
    assert (made.text, made.level) == ("ab", "INFO")


@pytest.mark.parametrize(
    ("number", "level"), [(50, "CRITICAL"), (35, "WARNING"), (10, "DEBUG"), (5, ""), (0, "")]
)
def test_levels_are_pythons(number: int, level: str) -> None:
    line = {"id": "l", "timestamp": "2026-01-01T00:00:00Z", "level": number, "message": ""}
    assert answers.run_line(line).level == level


def test_tags_of_projects() -> None:
    tags = ["x", "project:B", "project:A"]
    assert project_tags.project_of(tags) == "A"
    assert project_tags.tagged(tags, "C") == ["x", "project:C"]
    assert project_tags.tagged(tags, "") == ["x"]
    assert project_tags.project_of(["projects", "project"]) == ""


# ------------------------------------------------------------------------------------------- states


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["Completed"], {"type": {"any_": ["COMPLETED"]}, "name": "others"}),
        (["Late"], {"name": {"any_": ["Late"]}}),
        (["Cancelled", "Cancelling"], {"type": {"any_": ["CANCELLING", "CANCELLED"]}}),
        (["Failed", "TimedOut", "Crashed"], {"type": {"any_": ["FAILED", "CRASHED"]}}),
        (["Running", "Resume", "Retrying"], {"type": {"any_": ["RUNNING"]}}),
        (["WeekendSkip"], {"name": {"any_": ["WeekendSkip"]}}),
        (["Failed", "WeekendSkip"], {"name": {"any_": ["Failed", "WeekendSkip"]}}),
        (["Success", "Queued"], {"name": {"any_": []}}),
    ],
)
def test_states_are_asked_for_by_their_types(words: list[str], expected: dict[str, Any]) -> None:
    made = dict(state_filter(words, NEWEST))
    if expected.get("name") == "others":
        assert made["name"] == {"not_any_": ["Cached", "RolledBack", "Skipped"]}
        made["name"] = "others"
    assert made == expected


def test_prefect_2_is_asked_by_names_where_types_would_find_too_many() -> None:
    assert state_filter(["Completed"], Dialect((2, 20))) == {"name": {"any_": ["Completed"]}}
    assert state_filter(["Crashed"], Dialect((2, 20))) == {"type": {"any_": ["CRASHED"]}}
    assert state_filter(["Completed"], CLOUD) == state_filter(["Completed"], NEWEST)


@pytest.mark.parametrize("shown", [shown for shown in Shown if RunQuery(shown).states])
def test_what_the_list_of_runs_shows_is_asked_for_by_types_alone(shown: Shown) -> None:
    """So that states with names of their own are found, by Prefect 2 too."""
    assert state_filter(RunQuery(shown).states or (), Dialect((2, 20))).keys() == {"type"}


@pytest.mark.parametrize(
    ("state", "state_type", "kind"),
    [
        ("Late", "SCHEDULED", RunState.PLANNED),
        ("AwaitingRetry", "SCHEDULED", RunState.PLANNED),
        ("Submitting", "PENDING", RunState.PLANNED),
        ("Suspended", "PAUSED", RunState.PLANNED),
        ("Retrying", "RUNNING", RunState.RUNNING),
        ("Cancelling", "CANCELLING", RunState.RUNNING),
        ("Completed", "COMPLETED", RunState.GOOD),
        ("Cached", "COMPLETED", RunState.GOOD),
        ("RolledBack", "COMPLETED", RunState.GOOD),
        ("TimedOut", "FAILED", RunState.BAD),
        ("Crashed", "CRASHED", RunState.BAD),
        ("Cancelled", "CANCELLED", RunState.CANCELLED),
    ],
)
def test_what_a_state_comes_to(state: str, state_type: str, kind: RunState) -> None:
    assert kind_of(state, state_type) is kind
    assert kind_of(state) is kind
    assert kind_of("AsItLikes", state_type) is kind


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        *((word, RunState.PLANNED) for word in ("Pending", "Scheduled", "Submitted", "Queued")),
        *((word, RunState.RUNNING) for word in ("Running", "Retrying", "Resume", "Looped")),
        *((word, RunState.GOOD) for word in ("Success", "Cached", "Mapped", "Skipped", "Finished")),
        *((word, RunState.BAD) for word in ("Failed", "TimedOut", "TriggerFailed", "Anything")),
        ("Cancelled", RunState.CANCELLED),
        ("Aborted", RunState.CANCELLED),
        ("Paused", RunState.PLANNED),
    ],
)
def test_states_of_prefect_1_mean_what_they_did(state: str, kind: RunState) -> None:
    assert kind_of(state) is kind
