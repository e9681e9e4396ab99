"""What is sent of a deployment: never what somebody changed elsewhere, never twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.deploy.change import Aspect, Sign
from flowtui.deploy.deployment.merge import ASPECTS, merge
from flowtui.deploy.deployment.schedules import to_wire, with_slugs


def payload(**changes: Any) -> dict[str, Any]:
    return {
        "flow_name": "etl",
        "name": "default",
        "entrypoint": "etl.py:etl",
        "path": None,
        "pull_steps": [{"set_working_directory": {"directory": "/a"}}],
        "work_pool_name": "pool",
        "work_queue_name": "default",
        "job_variables": {},
        "parameters": {},
        "parameter_openapi_schema": {"properties": {"day": {"type": "integer", "default": 1}}},
        "enforce_parameter_schema": True,
        "description": "",
        "tags": [],
        "version": "aaaa",
        "schedules": [],
        "paused": False,
        "concurrency_limit": None,
        **changes,
    }


def schedule(cron: str = "0 6 * * *", slug: str = "schedule-1", **more: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "active": True,
        "schedule": {"cron": cron, "timezone": "UTC"},
        **more,
    }


# ------------------------------------------------------------------- what the web UI may change

ELSEWHERE: dict[str, tuple[Any, Any]] = {
    "description": ("", "written in the web UI"),
    "paused": (False, True),
    "tags": (["ours"], ["ours", "theirs"]),
    "parameters": ({"day": 1}, {"day": 1, "who": "them"}),
    "job_variables": ({"env": {"A": "1"}}, {"env": {"A": "2", "B": "3"}, "cpu": 2}),
    "schedules": ([schedule()], [schedule(active=False), schedule("5 5 * * *", "theirs")]),
    "concurrency_limit": (None, 3),
    "work_queue_name": ("default", "slow"),
    "enforce_parameter_schema": (True, False),
}


@pytest.mark.parametrize("field", ELSEWHERE)
def test_what_was_changed_elsewhere_is_left_and_told(field: str) -> None:
    ours, theirs = ELSEWHERE[field]
    base = payload(**{field: ours})
    merged = merge(base, base, payload(**{field: theirs}))
    assert merged.fields == {}
    assert merged.changes.found
    assert all(change.kept for change in merged.changes.found)


@pytest.mark.parametrize("field", ELSEWHERE)
def test_an_edit_elsewhere_survives_a_change_of_something_else(field: str) -> None:
    ours, theirs = ELSEWHERE[field]
    base = payload(**{field: ours})
    wanted = payload(**{field: ours}, entrypoint="etl.py:other")
    merged = merge(base, wanted, payload(**{field: theirs}))
    assert merged.fields == {"entrypoint": "etl.py:other"}


def test_what_the_project_changed_wins_over_an_edit_of_the_same_field() -> None:
    base = payload(description="one")
    merged = merge(base, payload(description="two"), payload(description="theirs"))
    assert merged.fields == {"description": "two"}
    (change,) = merged.changes.found
    assert (change.before, change.after, change.kept) == ("theirs", "two", False)
    assert change.aspect is Aspect.DESCRIPTION


def test_one_key_of_the_parameters_is_changed_and_the_others_stay() -> None:
    base = payload(parameters={"day": 1, "who": "us"})
    wanted = payload(parameters={"day": 2, "who": "us"})
    merged = merge(base, wanted, payload(parameters={"day": 1, "who": "them", "new": 1}))
    assert merged.fields == {"parameters": {"day": 2, "who": "them", "new": 1}}


def test_a_key_that_the_project_gave_up_goes_and_one_of_others_stays() -> None:
    base = payload(job_variables={"cpu": 1, "env": {"A": "1", "B": "2"}})
    wanted = payload(job_variables={"env": {"A": "1"}})
    current = payload(job_variables={"cpu": 1, "env": {"A": "1", "B": "2", "C": "3"}})
    merged = merge(base, wanted, current)
    assert merged.fields == {"job_variables": {"env": {"A": "1", "C": "3"}}}


def test_a_value_of_the_environment_is_never_shown() -> None:
    base = payload(job_variables={"env": {"TOKEN": "old"}})
    wanted = payload(job_variables={"env": {"TOKEN": "new"}})
    (change,) = merge(base, wanted, base).changes.found
    assert "old" not in change.before and "new" not in change.after


def test_tags_are_a_set() -> None:
    base = payload(tags=["a", "b"])
    merged = merge(base, payload(tags=["b", "c"]), payload(tags=["theirs", "b", "a"]))
    assert merged.fields == {"tags": ["theirs", "b", "c"]}


def test_a_changed_default_is_told_by_the_parameters_name() -> None:
    wanted = payload(
        parameter_openapi_schema={"properties": {"day": {"type": "integer", "default": 2}}}
    )
    merged = merge(payload(), wanted, payload())
    (change,) = merged.changes.found
    assert (change.name, change.before, change.after) == (
        "day",
        "integer, default 1",
        "integer, default 2",
    )
    assert set(merged.fields) == {"parameter_openapi_schema"}


def test_another_pool_brings_its_queue_along() -> None:
    base = payload(work_queue_name="fast")
    wanted = payload(work_pool_name="other", work_queue_name=None)
    merged = merge(base, wanted, payload(work_queue_name="fast"))
    assert merged.fields == {"work_pool_name": "other", "work_queue_name": "default"}


# ------------------------------------------------------------------------------- schedules


def test_one_of_others_that_says_the_same_is_not_taken_away() -> None:
    base, wanted = payload(schedules=[schedule(slug="a")]), payload(schedules=[])
    theirs = schedule(slug="b")
    assert merge(base, wanted, payload(schedules=[schedule(slug="a"), theirs])).fields == {
        "schedules": [theirs]
    }
    assert merge(base, wanted, payload(schedules=[theirs])).fields == {}


def test_a_new_time_keeps_the_pause_of_the_web_ui() -> None:
    base = payload(schedules=[schedule()])
    wanted = payload(schedules=[schedule("0 7 * * *")])
    merged = merge(base, wanted, payload(schedules=[schedule(active=False)]))
    (sent,) = merged.fields["schedules"]  # type: ignore[misc]
    assert sent["schedule"]["cron"] == "0 7 * * *" and sent["active"] is False


def test_a_schedule_that_was_deleted_elsewhere_stays_deleted_until_the_project_changes_it() -> None:
    base = payload(schedules=[schedule()])
    merged = merge(base, base, payload())
    assert merged.fields == {} and merged.changes.found[0].kept
    again = merge(base, payload(schedules=[schedule("0 7 * * *")]), payload())
    assert again.fields == {"schedules": [schedule("0 7 * * *")]}


def test_a_schedule_that_the_project_gave_up_goes_and_theirs_stays() -> None:
    base = payload(schedules=[schedule(), schedule("1 1 * * *", "two")])
    theirs = schedule("9 9 * * *", "theirs")
    current = payload(schedules=[*base["schedules"], theirs])
    merged = merge(base, payload(schedules=[schedule()]), current)
    assert merged.fields == {"schedules": [schedule(), theirs]}
    signs = {change.name: change.sign for change in merged.changes.found if not change.kept}
    assert signs == {"two": Sign.REMOVED}


def test_what_the_server_fills_in_is_no_difference() -> None:
    ours = to_wire([{"interval": 60}], where="")
    ours = with_slugs(ours, [])
    there = [
        {
            **ours[0],
            "schedule": {
                "interval": 60.0,
                "anchor_date": "2026-01-01T00:00:00Z",
                "timezone": "UTC",
            },
            "parameters": {},
        }
    ]
    base = payload(schedules=ours)
    assert merge(base, base, payload(schedules=there)).fields == {}
    assert merge(base, base, payload(schedules=there)).changes.found == ()


def test_a_schedule_without_a_slug_is_known_by_what_it_says() -> None:
    there = {**schedule(), "slug": None}
    base = payload(schedules=[schedule()])
    assert merge(base, base, payload(schedules=[there])).changes.found == ()
    wanted = payload(schedules=[schedule("0 7 * * *")])
    merged = merge(base, wanted, payload(schedules=[there]))
    (sent,) = merged.fields["schedules"]  # type: ignore[misc]
    assert sent["schedule"]["cron"] == "0 7 * * *"


# ----------------------------------------------------------- a deployment of another machine's


def test_a_default_replaces_nothing_that_was_deployed_elsewhere() -> None:
    theirs = payload(
        description="theirs", tags=["x"], parameters={"day": 7}, schedules=[schedule()], paused=True
    )
    assert merge(None, payload(), theirs).fields == {}


def test_what_the_project_says_itself_is_wanted_where_nothing_is_known() -> None:
    wanted = payload(description="ours", parameters={"day": 2}, tags=["a"])
    theirs = payload(description="theirs", parameters={"day": 7, "who": "x"}, tags=["x"])
    merged = merge(None, wanted, theirs, said={"description", "parameters.day", "tags"})
    assert merged.fields == {
        "description": "ours",
        "parameters": {"day": 2, "who": "x"},
        "tags": ["x", "a"],
    }


def test_the_code_of_another_machine_is_replaced_as_one() -> None:
    image = {"image": "r/etl@sha256:1"}
    wanted = payload(version="bbbb", entrypoint="b.py:b", job_variables=image)
    merged = merge(None, wanted, payload(job_variables={"image": "r/etl@sha256:2", "cpu": 1}))
    assert merged.fields == {
        "version": "bbbb",
        "entrypoint": "b.py:b",
        "job_variables": {**image, "cpu": 1},
    }
    known = merge(wanted, wanted, payload(job_variables={"image": "x"}), same_code=False)
    assert set(known.fields) == {"version", "entrypoint", "job_variables"}


# ------------------------------------------------------------------------------- properties

_NAMES = st.sampled_from(["a", "b", "c"])
_VALUES = st.one_of(st.integers(0, 2), st.booleans(), st.sampled_from(["x", "y"]), st.none())
_CRONS = st.sampled_from(["0 1 * * *", "0 2 * * *", "0 3 * * *"])


@st.composite
def _schedules(draw: st.DrawFn) -> list[dict[str, Any]]:
    slugs = draw(st.lists(_NAMES, unique=True, max_size=3))
    return [
        {
            "slug": slug,
            "active": draw(st.booleans()),
            "schedule": {"cron": draw(_CRONS), "timezone": "UTC"},
            "parameters": draw(st.dictionaries(_NAMES, st.integers(0, 1), max_size=1)),
        }
        for slug in slugs
    ]


_PAYLOADS = st.fixed_dictionaries(
    {
        "entrypoint": st.sampled_from(["a.py:a", "b.py:b"]),
        "version": st.sampled_from(["1", "2"]),
        "pull_steps": st.sampled_from([[], [{"x": {"directory": "/1"}}]]),
        "work_pool_name": st.sampled_from(["p", "q"]),
        "work_queue_name": st.sampled_from(["default", "slow", None]),
        "job_variables": st.dictionaries(
            _NAMES, st.one_of(_VALUES, st.dictionaries(_NAMES, _VALUES, max_size=2)), max_size=3
        ),
        "parameters": st.dictionaries(_NAMES, _VALUES, max_size=3),
        "parameter_openapi_schema": st.sampled_from([{}, {"properties": {"a": {"type": "x"}}}]),
        "enforce_parameter_schema": st.booleans(),
        "description": st.sampled_from(["", "one", "two", None]),
        "tags": st.lists(_NAMES, unique=True, max_size=3),
        "schedules": _schedules(),
        "paused": st.booleans(),
        "concurrency_limit": st.one_of(st.none(), st.integers(1, 3)),
    }
)


@pytest.mark.slow
@given(_PAYLOADS, _PAYLOADS)
def test_an_unchanged_project_never_sends_anything(
    base: dict[str, Any], current: dict[str, Any]
) -> None:
    merged = merge(base, base, current)
    assert merged.fields == {}
    assert all(change.kept for change in merged.changes.found)


@pytest.mark.slow
@given(st.one_of(st.none(), _PAYLOADS), _PAYLOADS, _PAYLOADS, st.sets(st.sampled_from([*ASPECTS])))
def test_what_is_applied_is_not_sent_again(
    base: dict[str, Any] | None, wanted: dict[str, Any], current: dict[str, Any], said: set[str]
) -> None:
    merged = merge(base, wanted, current, said=said)
    applied = {**current, **merged.fields}
    assert merge(wanted, wanted, applied, said=said).fields == {}
    again = merge(base, wanted, applied, said=said)
    assert again.fields == {}, "an answer that was lost must not change what is sent"


@pytest.mark.slow
@given(_PAYLOADS, _PAYLOADS, _PAYLOADS)
def test_a_field_is_sent_only_where_the_project_changed_it(
    base: dict[str, Any], wanted: dict[str, Any], current: dict[str, Any]
) -> None:
    merged = merge(base, wanted, current)
    for name in merged.fields:
        if name in ("work_pool_name", "work_queue_name"):
            continue  # one goes along with the other
        assert base[name] != wanted[name]
    sent = merged.fields.get("parameters")
    if sent is not None:
        for key in {*base["parameters"], *wanted["parameters"], *current["parameters"]}:
            if base["parameters"].get(key, "-") is wanted["parameters"].get(key, "-"):
                assert sent.get(key, "-") is current["parameters"].get(key, "-")  # type: ignore
