"""Task runs in the order of the graph, mapped ones folded with counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowtui.run_models import RunState, TaskRun
from flowtui.runs.tasks import (
    Counts,
    NodeState,
    first_failure,
    node_states,
    task_lines,
)

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def task(name: str, state: str = "Success", index: int = -1, **more: object) -> TaskRun:
    return TaskRun(f"{name}-{index}", name, f"{name}-1", index, state, **more)  # type: ignore[arg-type]


MAPPED = (
    task("load", "Pending"),
    task("double", "Mapped"),
    task("double", "Success", 1, started=NOW, ended=NOW + timedelta(seconds=5)),
    task("double", "Success", 0, started=NOW - timedelta(seconds=5), ended=NOW),
    task("double", "Running", 2, started=NOW),
    task("extract"),
    task("aside"),
)
ORDER = ("extract-1", "double-1", "load-1")


def test_in_the_order_of_the_graph_and_what_is_not_in_it_last() -> None:
    lines = task_lines(MAPPED, ORDER, ())
    assert [line.label for line in lines] == ["extract", "double", "load", "aside"]


def test_a_mapped_task_is_one_line_with_counts() -> None:
    line = task_lines(MAPPED, ORDER, ())[1]
    assert line.children is not None
    assert (line.children.total, line.children.over) == (3, 2)
    assert line.kind is RunState.RUNNING
    assert line.seconds(NOW) == 5
    assert line.ids == {"double--1", "double-0", "double-1", "double-2"}


def test_unfolded_its_children_follow_by_their_index() -> None:
    lines = task_lines(MAPPED, ORDER, {"double-1"})
    assert [line.label for line in lines][1:5] == ["double", "double[0]", "double[1]", "double[2]"]
    assert len({line.key for line in lines}) == len(lines)


def test_children_without_their_parent_have_one_made() -> None:
    lines = task_lines((task("double", "Failed", 0),), (), ())
    assert [(line.label, line.kind) for line in lines] == [("double", RunState.BAD)]


@pytest.mark.parametrize(
    ("states", "kind"),
    [
        (("Pending", "Pending"), RunState.PLANNED),
        (("Success", "Pending"), RunState.RUNNING),
        (("Success", "Running"), RunState.RUNNING),
        (("Success", "Failed"), RunState.BAD),
        (("Success", "Cancelled"), RunState.CANCELLED),
        (("Success", "Skipped"), RunState.GOOD),
    ],
)
def test_what_children_come_to(states: tuple[str, ...], kind: RunState) -> None:
    assert Counts.of([task("x", state, n) for n, state in enumerate(states)]).kind is kind


def test_a_task_of_one_slug_twice_is_two_lines() -> None:
    runs = (task("x"), TaskRun("other", "x", "x-1", -1, "Failed"))
    assert len(task_lines(runs, (), ())) == 2


def test_states_for_the_boxes_of_the_graph() -> None:
    assert node_states(MAPPED)["double-1"] == NodeState(RunState.RUNNING, "Mapped", 2, 3)
    assert node_states(MAPPED)["load-1"] == NodeState(RunState.PLANNED, "Pending")


def test_the_first_failure_is_one_of_its_own() -> None:
    early, late = NOW, NOW + timedelta(seconds=9)
    runs = (
        task("after", "TriggerFailed", ended=early),
        task("second", "Failed", ended=late),
        task("first", "TimedOut", ended=early + timedelta(seconds=1)),
        task("good"),
    )
    found = first_failure(runs)
    assert found is not None
    assert found.task == "first"
    assert first_failure((task("good"),)) is None
    only = first_failure(runs[:1])
    assert only is not None
    assert only.task == "after"


def test_ten_thousand_children_are_one_line() -> None:
    runs = [task("double", "Success", n, started=NOW, ended=NOW) for n in range(10_000)]
    assert len(task_lines([task("double", "Mapped"), *runs], (), ())) == 1
    assert node_states(runs)["double-1"].total == 10_000
