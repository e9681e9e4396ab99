"""Schedules as they are written, and as the API takes them."""

from __future__ import annotations

from typing import Any

import pytest

from flowtui.deploy.deployment.schedules import (
    in_words,
    says_the_same,
    to_wire,
    with_slugs,
)
from flowtui.errors import UsageError


def wire(**written: Any) -> dict[str, Any]:
    (one,) = to_wire([written], where="here")
    return dict(one)


@pytest.mark.parametrize(
    ("written", "inner"),
    [
        ({"cron": "0 6 * * 1-5"}, {"cron": "0 6 * * 1-5", "timezone": "UTC"}),
        (
            {"cron": "@daily", "timezone": "Europe/Berlin", "day_or": False},
            {"cron": "@daily", "timezone": "Europe/Berlin", "day_or": False},
        ),
        ({"interval": 90}, {"interval": 90.0, "timezone": "UTC"}),
        ({"interval": "PT1H30M"}, {"interval": 5400.0, "timezone": "UTC"}),
        ({"interval": "0:01:30"}, {"interval": 90.0, "timezone": "UTC"}),
        (
            {"interval": 60, "anchor_date": "2026-01-31T06:00:00Z"},
            {"interval": 60.0, "timezone": "UTC", "anchor_date": "2026-01-31T06:00:00+00:00"},
        ),
        (
            {"rrule": "FREQ=WEEKLY;BYDAY=MO"},
            {"rrule": "FREQ=WEEKLY;BYDAY=MO", "timezone": "UTC"},
        ),
        ({"schedule": {"cron": "1 1 * * *"}}, {"cron": "1 1 * * *", "timezone": "UTC"}),
    ],
)
def test_the_form_of_the_api(written: dict[str, Any], inner: dict[str, Any]) -> None:
    assert wire(**written) == {"schedule": inner, "active": True}


def test_what_goes_along() -> None:
    found = wire(cron="0 6 * * *", active=False, slug="early", parameters={"day": 1})
    assert found["active"] is False and found["slug"] == "early"
    assert found["parameters"] == {"day": 1}


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ({"cron": "often"}, "not a cron expression"),
        ({"cron": "R R * * *"}, "not a cron expression"),
        ({"cron": "0 6 * * *", "timezone": "Mars/Base"}, "no time zone 'Mars/Base'"),
        ({"interval": 0}, "not an interval"),
        ({"interval": "soon"}, "not an interval"),
        ({"interval": 60, "anchor_date": "yesterday"}, "not a moment"),
        ({"rrule": "FREQ=NEVER"}, "not a recurrence rule"),
        ({"timezone": "UTC"}, "needs one of cron, interval and rrule"),
        ({"cron": "0 6 * * *", "interval": 60}, "this has cron and interval"),
        ({"corn": "0 6 * * *"}, "no 'corn'"),
    ],
)
def test_what_prefect_would_refuse_is_refused_before_anything_is_built(
    written: dict[str, Any], what: str
) -> None:
    with pytest.raises(UsageError, match=what):
        to_wire([written], where="here")


def test_two_of_one_slug_are_refused() -> None:
    with pytest.raises(UsageError, match="two schedules"):
        to_wire([{"cron": "1 1 * * *", "slug": "a"}, {"interval": 5, "slug": "a"}], where="")


def slugs(*crons: str, before: list[Any]) -> list[Any]:
    return with_slugs(to_wire([{"cron": cron} for cron in crons], where=""), before)


def test_a_schedule_keeps_its_slug_whatever_becomes_of_the_others() -> None:
    first = slugs("1 1 * * *", "2 2 * * *", "3 3 * * *", before=[])
    assert [each["slug"] for each in first] == ["schedule-1", "schedule-2", "schedule-3"]
    without = slugs("2 2 * * *", "3 3 * * *", before=first)
    assert [each["slug"] for each in without] == ["schedule-2", "schedule-3"]
    changed = slugs("1 1 * * *", "9 9 * * *", "3 3 * * *", before=first)
    assert [each["slug"] for each in changed] == ["schedule-1", "schedule-2", "schedule-3"]
    turned = slugs("3 3 * * *", "1 1 * * *", "2 2 * * *", before=first)
    assert [each["slug"] for each in turned] == ["schedule-3", "schedule-1", "schedule-2"]
    more = slugs("1 1 * * *", "2 2 * * *", "3 3 * * *", "4 4 * * *", before=first)
    assert more[3]["slug"] == "schedule-4"


def test_a_slug_of_the_projects_own_is_never_taken_by_another() -> None:
    named = to_wire([{"cron": "1 1 * * *", "slug": "schedule-1"}, {"interval": 5}], where="")
    assert [each["slug"] for each in with_slugs(named, [])] == ["schedule-1", "schedule-2"]


def test_what_the_server_fills_in_is_the_same_schedule() -> None:
    there = {
        "slug": "x",
        "active": False,
        "schedule": {"cron": "0 6 * * *", "timezone": "UTC", "day_or": True},
        "parameters": {},
    }
    assert says_the_same(wire(cron="0 6 * * *"), there)
    assert not says_the_same(wire(cron="0 6 * * *", parameters={"day": 1}), there)


def test_in_words() -> None:
    assert in_words(wire(cron="0 6 * * *")) == "cron 0 6 * * *"
    assert in_words(wire(interval=7200, active=False)) == "every 2 hours, paused"
    assert in_words(wire(interval="P1D", timezone="Europe/Berlin")) == "every day (Europe/Berlin)"
