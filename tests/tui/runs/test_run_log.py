"""The log of a run: names before the lines, one task's lines alone, outside text made safe."""

from __future__ import annotations

from datetime import UTC, datetime

from flowtui.deploy.events import Level
from flowtui.run_models import RunLine
from flowtui.tui.logs.run_log import RunLog

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
NAMES = {"t1": "extract", "t2": "double[12]"}


def line(text: str, task_run: str = "", level: str = "INFO", logger: str = "prefect.x") -> RunLine:
    return RunLine(f"id-{text}", NOW, level, logger, text, task_run)


def texts(log: RunLog, *task_runs: str) -> list[str]:
    return [each.rstrip() for each in log.of(task_runs).lines()]


def test_each_line_has_its_task_before_it() -> None:
    log = RunLog()
    log.add([line("one", "t1"), line("two", "t2"), line("three")], NAMES)
    log.add([line("four", "unknown", logger="prefect.Task: late")], NAMES)
    assert texts(log) == [
        "extract         one",
        "double[12]      two",
        "x               three",
        "late            four",
    ]


def test_the_lines_of_chosen_tasks_are_kept_up() -> None:
    log = RunLog()
    log.add([line("one", "t1"), line("two", "t2"), line("a\nb", "t1")], NAMES)
    assert texts(log, "t1") == ["one", "a", "b"]
    log.add([line("three", "t1"), line("four", "t2")], NAMES)
    assert texts(log, "t1") == ["one", "a", "b", "three"]
    assert log.of(("t1",)) is log.of(("t1",)), "the view keeps its place in it"
    assert texts(log, "t1", "t2") == ["one", "two", "a", "b", "three", "four"]
    assert len(texts(log)) == 6


def test_levels_are_prefects_own() -> None:
    log = RunLog()
    levels = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "", "warn", "NOISE")
    log.add([line(str(n), level=level) for n, level in enumerate(levels)], {})
    found = [log.store.line(number) for number in range(len(levels))]
    assert [each.level for each in found if each is not None] == [
        Level.DEBUG, Level.INFO, Level.WARNING, Level.ERROR, Level.ERROR, Level.INFO,
        Level.WARNING, Level.INFO,
    ]  # fmt: skip


def test_names_of_wide_letters_and_control_sequences_do_no_harm() -> None:
    log = RunLog()
    names = {"t1": "日本語の長い名前です", "t2": "\x1b[2Jevil\nname"}
    log.add([line("\x1b[31mred\x1b[0m\x1b]0;title\x07 \x1b[2J", "t1"), line("x", "t2")], names)
    assert texts(log, "t1")[0].startswith("\x1b[31mred\x1b[0m")
    for each in log.store.lines():
        assert "\x1b]" not in each
        assert "\x1b[2J" not in each


def test_the_ring_lets_old_lines_go_for_chosen_tasks_too() -> None:
    log = RunLog(limit=10)
    log.add([line(str(n), "t1" if n % 2 else "t2") for n in range(25)], NAMES)
    assert texts(log, "t1") == ["15", "17", "19", "21", "23"]
