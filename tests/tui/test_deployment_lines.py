"""What a deployment's payload tells: pure."""

from __future__ import annotations

import pytest

from flowtui.models import Declaration, JsonObject
from flowtui.tui.view_models.deployment import deployment_lines, schedule_words
from tests.tui.memory_rest import cron

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "rows": {"type": "integer", "default": 10, "position": 1},
        "country": {"type": "string", "position": 0},
        "day": {"type": "string", "position": 2},
    },
    "required": ["country", "day"],
}


def values(payload: JsonObject, declared: Declaration | None = None) -> dict[str, str]:
    return {line.label: line.value for line in deployment_lines(payload, declared)}


def test_parameters_are_in_their_order_with_what_the_deployment_gives_them() -> None:
    found = values({"parameter_openapi_schema": SCHEMA, "parameters": {"day": "mon"}})
    assert found["parameters"] == 'country (required), rows = 10, day = "mon"'


def test_a_deployment_without_pool_and_schedule_says_what_that_means() -> None:
    found = values({})
    assert found["pool"] == "none: it runs where it is served"
    assert found["schedule"] == "none: it runs when it is told to"
    assert "image" not in found and "tags" not in found


@pytest.mark.parametrize(
    ("steps", "folder"),
    [
        ([{"prefect.deployments.steps.set_working_directory": {"directory": "/srv/a"}}], "/srv/a"),
        ([{"prefect.deployments.steps.git_clone": {"repository": "x"}}], "pulled by 1 step"),
        ([], "/path"),
    ],
)
def test_where_the_code_is(steps: list[JsonObject], folder: str) -> None:
    assert values({"pull_steps": steps, "path": "/path"})["folder"] == folder


def test_an_image_stands_in_the_place_of_a_folder() -> None:
    found = values({"path": "/path", "job_variables": {"image": "a@b", "env": {}, "cpu": 1}})
    assert (found["image"], found["variables"]) == ("a@b", "cpu, env")
    assert "folder" not in found


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({"cron": "0 2 * * *", "timezone": "Europe/Berlin"}, "daily at 02:00 Europe/Berlin"),
        ({"cron": "*/5 * * * *"}, "cron */5 * * * *"),
        ({"interval": 7200.0}, "every 2 hours"),
        ({"rrule": "FREQ=DAILY"}, "by the rule FREQ=DAILY"),
        ({}, "by a schedule of another kind"),
    ],
)
def test_schedules_in_words(schedule: JsonObject, words: str) -> None:
    assert schedule_words({"schedule": schedule}) == words


def test_each_schedule_is_a_line_and_one_that_is_off_says_so() -> None:
    payload: JsonObject = {
        "schedules": [cron("0 2 * * *", slug="night"), cron("0 * * * *", active=False)]
    }
    lines = [line for line in deployment_lines(payload, None) if line.label == "schedule"]
    assert [line.value for line in lines] == [
        "night: daily at 02:00 UTC",
        "hourly at :00, switched off",
    ]
    assert [line.off for line in lines] == [False, True]


def test_what_the_project_declares_says_where() -> None:
    declared = Declaration(
        "nightly", "prefect.yaml:12", {"work_pool": {"name": "p"}, "tags": ["a"]}, ("parameters",)
    )
    payload: JsonObject = {
        "work_pool_name": "p",
        "tags": ["a"],
        "description": "text",
        "parameter_openapi_schema": SCHEMA,
    }
    where = {line.label: line.declared for line in deployment_lines(payload, declared)}
    assert {label for label, each in where.items() if each} == {"pool", "tags", "parameters"}
    assert where["pool"] == "prefect.yaml:12"
