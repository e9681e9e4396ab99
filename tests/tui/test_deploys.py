"""What is known of a deploy, from its events alone."""

from __future__ import annotations

from flowtui.deploy.events import (
    DeployFinished,
    Level,
    Outcome,
    Progress,
    Stage,
    StageFinished,
    StageStarted,
    log_line,
    problem_found,
)
from flowtui.models import Problem
from flowtui.tui.logs.store import LONGEST_SHOWN, LogStore
from flowtui.tui.view_models.deploys import DeployBook, DeployRecord, Phase, StageState
from tests.tui.memory import flow


def record() -> DeployRecord:
    return DeployRecord(key="d1", flow=flow("etl"), phase=Phase.RUNNING, started=100.0)


def test_a_stage_runs_and_ends() -> None:
    deploy = record()
    deploy.apply(StageStarted(deploy="x", at=100.0, stage=Stage.BUILD, detail="docker build"))
    assert deploy.active_stage is Stage.BUILD
    assert deploy.stages[Stage.BUILD].elapsed(now=103.0) == 3.0
    deploy.apply(StageFinished(deploy="x", stage=Stage.BUILD, outcome=Outcome.SKIPPED, seconds=4.5))
    view = deploy.stages[Stage.BUILD]
    assert (view.state, view.elapsed(now=999.0)) == (StageState.SKIPPED, 4.5)
    assert view.detail == "docker build"
    assert deploy.active_stage is None


def test_a_result_ends_the_stage_that_was_running() -> None:
    deploy = record()
    deploy.apply(StageStarted(deploy="x", at=101.0, stage=Stage.PUSH))
    deploy.apply(
        DeployFinished(
            deploy="x",
            at=105.0,
            flow="etl",
            outcome=Outcome.CANCELLED,
            seconds=5.0,
            exit_code=130,
        )
    )
    assert deploy.phase is Phase.FINISHED
    assert deploy.stages[Stage.PUSH].state is StageState.CANCELLED
    assert deploy.stages[Stage.PUSH].seconds == 4.0
    assert deploy.telling_stage is Stage.PUSH


def test_the_end_of_the_work_without_a_result_is_a_failure() -> None:
    deploy = record()
    deploy.end(Problem("the disk is full"), now=107.0)
    assert deploy.result is not None
    assert (deploy.result.outcome, deploy.result.seconds) == (Outcome.FAILED, 7.0)
    assert deploy.problems == [Problem("the disk is full")]


def test_cancelled_before_its_first_event_is_cancelled() -> None:
    deploy = record()
    deploy.phase = Phase.CANCELLING
    deploy.end(None, now=101.0)
    assert deploy.result is not None
    assert deploy.result.outcome is Outcome.CANCELLED


def test_layers_add_up_to_one_bar_and_never_to_more_than_all() -> None:
    deploy = record()
    for item, current, total in (("a", 150, 100), ("b", 50, 300)):
        deploy.apply(
            Progress(
                deploy="x", stage=Stage.PUSH, item=item, current=current, total=total, unit="bytes"
            )
        )
    bar = deploy.total_progress(Stage.PUSH)
    assert bar is not None
    assert (bar.current, bar.total, bar.fraction) == (150, 400, 0.375)


def test_a_total_that_one_item_does_not_know_is_unknown() -> None:
    deploy = record()
    for item, total in (("a", 100), ("b", None)):
        deploy.apply(
            Progress(deploy="x", stage=Stage.PUSH, item=item, current=10, total=total, unit="bytes")
        )
    bar = deploy.total_progress(Stage.PUSH)
    assert bar is not None
    assert bar.fraction is None


def pushed(deploy: DeployRecord, item: str, status: str, current: int = 0, total: int = 0) -> None:
    deploy.apply(
        Progress(
            deploy="x",
            stage=Stage.PUSH,
            item=item,
            current=current,
            total=total or None,
            unit="bytes",
            status=status,
        )
    )


def test_layers_that_wait_or_are_there_already_do_not_hide_the_bar() -> None:
    deploy = record()
    pushed(deploy, "a", "Preparing")
    pushed(deploy, "b", "Layer already exists")
    bar = deploy.total_progress(Stage.PUSH)
    assert bar is not None
    assert (bar.fraction, bar.waiting) == (None, 1)
    pushed(deploy, "c", "Pushing", 30, 100)
    bar = deploy.total_progress(Stage.PUSH)
    assert bar is not None
    assert (bar.current, bar.total, bar.waiting) == (30, 100, 1)


def test_a_pushed_layer_counts_in_full() -> None:
    deploy = record()
    pushed(deploy, "a", "Pushing", 90, 100)
    pushed(deploy, "b", "Pushing", 10, 100)
    pushed(deploy, "a", "Pushed")
    bar = deploy.total_progress(Stage.PUSH)
    assert bar is not None
    assert (bar.current, bar.total) == (110, 200)


def test_problems_are_kept_and_stand_in_the_log_of_their_stage() -> None:
    deploy = record()
    deploy.apply(problem_found("x", Stage.BUILD, Problem("no space\non device", "here", "prune")))
    assert deploy.problems == [Problem("no space\non device", "here", "prune")]
    assert deploy.logs[Stage.BUILD].lines() == ("no space", "on device")
    line = deploy.logs[Stage.BUILD].line(0)
    assert line is not None
    assert line.level is Level.ERROR


def test_log_lines_go_to_their_stage() -> None:
    deploy = record()
    deploy.apply(log_line("x", Stage.BUILD, "Step 1"))
    deploy.apply(log_line("x", Stage.PUSH, "Pushing"))
    assert deploy.logs[Stage.BUILD].lines() == ("Step 1",)
    assert deploy.logs[Stage.PUSH].lines() == ("Pushing",)


def test_the_ring_keeps_the_newest_lines_and_counts_all() -> None:
    store = LogStore(limit=3)
    for number in range(5):
        store.append(f"line {number}")
    assert store.lines() == ("line 2", "line 3", "line 4")
    assert (store.total, store.first, len(store)) == (5, 2, 3)
    assert store.line(1) is None
    assert store.line(5) is None


def test_a_very_long_line_is_cut_for_display_and_says_so() -> None:
    store = LogStore()
    store.append("x" * 100_000)
    line = store.line(0)
    assert line is not None
    assert len(line.text) == LONGEST_SHOWN
    assert line.text.endswith("…")


def test_colours_do_not_make_a_line_wider() -> None:
    store = LogStore()
    store.append("\x1b[31mred\x1b[0m")
    assert store.longest == 3


def test_only_deploys_that_ran_are_listed_newest_first() -> None:
    book = DeployBook()
    looked_at, first, second = (book.open(flow(name)) for name in ("plan", "one", "two"))
    first.phase = second.phase = Phase.RUNNING
    assert book.ran == (second, first)
    book.forget(looked_at.key)
    book.forget(first.key)
    assert book.get(looked_at.key) is None
    assert book.get(first.key) is first
    assert book.latest_of(flow("one")) is first
