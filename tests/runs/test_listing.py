"""Which runs are listed, in which order, and when to look again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flowtui.models import Problem
from flowtui.run_models import FlowRun, RunState, kind_of
from flowtui.runs.listing import (
    MOST,
    MOVING,
    PAGE,
    STILL,
    RunListing,
    RunQuery,
    Shown,
    merged,
    seconds_until_next_look,
)

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def run(number: int, state: str = "Success", **more: object) -> FlowRun:
    """The higher the number the later it was planned."""
    made = FlowRun(
        f"id-{number}", f"run-{number}", "etl", "My Project", 1, "v1", state,
        scheduled=NOW - timedelta(hours=1) + timedelta(seconds=number),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def numbers(runs: tuple[FlowRun, ...]) -> list[int]:
    return [int(each.id.removeprefix("id-")) for each in runs]


def runs(first: int, last: int) -> tuple[FlowRun, ...]:
    return tuple(run(number) for number in range(first, last, -1))


def test_pages_come_one_after_the_other() -> None:
    listing = RunListing().with_page(runs(250, 150), 0, NOW)
    assert not listing.complete
    listing = listing.with_page(runs(150, 50), 100, NOW)
    assert (len(listing.runs or ()), listing.complete) == (200, False)
    listing = listing.with_page(runs(50, 0), 200, NOW)
    assert numbers(listing.runs or ()) == list(range(250, 0, -1))
    assert listing.complete


def test_new_runs_come_to_the_top_and_push_nothing_away() -> None:
    listing = RunListing().with_page(runs(200, 100), 0, NOW).with_page(runs(100, 0), 100, NOW)
    assert not listing.complete, "a full page may have another one behind it"
    again = listing.with_page(runs(205, 105), 0, NOW)
    assert numbers(again.runs or ()) == list(range(205, 0, -1))


def test_a_run_that_does_not_match_any_more_goes() -> None:
    known = runs(200, 0)
    page = tuple(each for each in runs(200, 99) if each.id != "id-150")
    assert len(page) == PAGE
    assert 150 not in numbers(merged(known, page, offset=0, soonest=False))
    assert numbers(merged(known, page, offset=0, soonest=False))[-1] == 1, "not looked at again"


def test_of_a_short_page_the_rest_goes_too() -> None:
    assert numbers(merged(runs(50, 0), runs(50, 40), offset=0, soonest=False)) == list(
        range(50, 40, -1)
    )
    assert merged(runs(50, 0), (), offset=0, soonest=False) == ()


def test_runs_of_one_moment_are_not_lost_at_the_end_of_a_page() -> None:
    same = tuple(replace(run(n), scheduled=NOW) for n in range(150))
    known = merged(same[:100], same[100:], offset=100, soonest=False)
    assert len(known) == 150
    assert len(merged(known, same[:100], offset=0, soonest=False)) == 150


def test_what_is_planned_comes_soonest_first() -> None:
    query = RunQuery(Shown.PLANNED)
    listing = RunListing(query).with_page(tuple(run(n) for n in range(5)), 0, NOW)
    assert numbers(listing.runs or ()) == [0, 1, 2, 3, 4]


def test_exactly_a_page_stays_known_to_be_all_there_is() -> None:
    listing = RunListing().with_page(runs(100, 0), 0, NOW)
    listing = listing.with_page(runs(10, 0), 90, NOW)
    assert listing.complete
    assert listing.with_page(runs(100, 0), 0, NOW).complete
    assert not listing.with_page(runs(101, 1), 0, NOW).complete


def test_a_failure_keeps_the_runs() -> None:
    listing = RunListing().with_page(runs(5, 0), 0, NOW)
    failed = listing.with_failure(Problem("gone")).with_failure(Problem("gone"))
    assert (failed.runs, failed.failures, failed.answered) == (listing.runs, 2, NOW)
    assert failed.with_page(runs(5, 0), 0, NOW).problem is None


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", [3, 2, 1]),
        ("failed", [2]),
        ("ETL run-3", [3]),
        ("!failed", [3, 1]),
        ("gpu", [1]),
        ("v1 success !gpu", [3]),
        ("id-2", [2]),
        ("nothing", []),
    ],
)
def test_words_are_looked_for_in_what_is_shown(words: str, found: list[int]) -> None:
    listed = (run(3), run(2, "Failed"), run(1, labels=("gpu",)))
    assert numbers(RunListing().with_page(listed, 0, NOW).matching(words)) == found


def test_the_states_of_a_filter_are_those_of_its_kind() -> None:
    kinds = {
        Shown.WAITING: RunState.PLANNED,
        Shown.RUNNING: RunState.RUNNING,
        Shown.FAILED: RunState.BAD,
        Shown.SUCCEEDED: RunState.GOOD,
        Shown.CANCELLED: RunState.CANCELLED,
        Shown.PLANNED: RunState.PLANNED,
    }
    for shown, kind in kinds.items():
        assert {kind_of(state) for state in RunQuery(shown).states or ()} == {kind}
    assert RunQuery().states is None
    assert [shown for shown in Shown if not RunQuery(shown).due] == [Shown.PLANNED]


def test_the_key_goes_through_all_filters_and_around() -> None:
    shown, seen = Shown.BUT_PLANNED, []
    for _ in Shown:
        shown = shown.next()
        seen.append(shown)
    assert sorted(seen) == sorted(Shown)
    assert seen[-1] is Shown.BUT_PLANNED


def test_looks_are_close_where_something_moves_and_far_where_nothing_answers() -> None:
    def seconds(*listed: FlowRun, failures: int = 0) -> float:
        return seconds_until_next_look(listed, failures, NOW)

    later = NOW + timedelta(hours=1)
    assert seconds() == STILL
    assert seconds(run(1)) == STILL
    assert seconds(run(1), run(2, "Running")) == MOVING
    assert seconds(run(1, "Scheduled")) == MOVING, "it is due"
    assert seconds(run(1, "Scheduled", scheduled=later)) == STILL
    assert seconds(run(1, "Scheduled", scheduled=NOW, state_start=later)) == STILL
    waits = [seconds(run(2, "Running"), failures=failures) for failures in range(1, 9)]
    assert waits == sorted(waits)
    assert waits[0] > MOVING
    assert waits[-1] == 60.0


def test_a_run_changed_here_is_shown_at_once() -> None:
    listing = RunListing().with_page(runs(3, 0), 0, NOW)
    changed = listing.with_run(run(2, "Cancelled"))
    assert [each.state for each in changed.runs or ()] == ["Success", "Cancelled", "Success"]
    assert RunListing().with_run(run(1)).runs is None
    assert MOST >= PAGE
