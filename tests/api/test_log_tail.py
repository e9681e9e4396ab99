"""The tail of a log gives each line once, whatever order and however late lines come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.api.log_tail import LogTail
from flowtui.errors import ControlPlaneError
from flowtui.run_models import RunLine

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Log:
    """Lines that arrived so far; `asked` is what was asked for."""

    def __init__(self) -> None:
        self.lines: list[RunLine] = []
        self.asked: list[datetime | None] = []
        self.refusal: ControlPlaneError | None = None

    def arrives(self, *seconds: float) -> tuple[str, ...]:
        for at in seconds:
            moment = START + timedelta(seconds=at)
            self.lines.append(RunLine(f"l{len(self.lines)}", moment, "INFO", "prefect", "text"))
        return tuple(line.id for line in self.lines[-len(seconds) :])

    async def run_log(
        self, run_id: str, *, since: datetime | None = None, limit: int | None = None
    ) -> tuple[RunLine, ...]:
        self.asked.append(since)
        if self.refusal is not None:
            raise self.refusal
        found = sorted(self.lines, key=lambda line: line.moment)
        return tuple(line for line in found if since is None or line.moment >= since)


def ids(lines: Sequence[RunLine]) -> tuple[str, ...]:
    return tuple(line.id for line in lines)


async def test_new_lines_late_lines_and_equal_moments_each_come_once() -> None:
    log = Log()
    tail = LogTail(log, "run")
    assert await tail.more() == ()
    first = log.arrives(10, 10, 10)
    assert ids(await tail.more()) == first
    assert await tail.more() == ()
    equal = log.arrives(10, 10)
    assert ids(await tail.more()) == equal
    late = log.arrives(5)
    newer = log.arrives(12)
    assert ids(await tail.more()) == late + newer, "the oldest first"
    assert await tail.rest() == ()


async def test_only_the_end_of_a_long_log_is_read_again() -> None:
    log = Log()
    tail = LogTail(log, "run")
    log.arrives(*range(0, 3600, 60))
    await tail.more()
    log.arrives(3601)
    assert len(await tail.more()) == 1
    assert log.asked[0] is None
    assert log.asked[1] is not None
    assert START + timedelta(seconds=3500) < log.asked[1] < START + timedelta(seconds=3541)


async def test_a_machine_whose_clock_is_behind_is_heard_too() -> None:
    log = Log()
    tail = LogTail(log, "run")
    log.arrives(3600)
    await tail.more()
    slow = log.arrives(0)
    assert await tail.more() == ()
    heard: list[RunLine] = []
    for _ in range(60):
        heard += await tail.more()
    assert ids(heard) == slow
    slower = log.arrives(1)
    assert ids(await tail.rest()) == slower


async def test_a_look_that_failed_loses_nothing() -> None:
    log = Log()
    tail = LogTail(log, "run")
    lines = log.arrives(1, 2)
    log.refusal = ControlPlaneError("gone")
    with pytest.raises(ControlPlaneError):
        await tail.more()
    log.refusal = None
    assert ids(await tail.more()) == lines


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(0, 200, allow_nan=False), max_size=5), max_size=12))
async def test_every_line_once_in_any_order(batches: list[list[float]]) -> None:
    log = Log()
    tail = LogTail(log, "run")
    given_: list[RunLine] = []
    for batch in batches:
        log.arrives(*batch)
        given_ += await tail.more()
    given_ += await tail.rest()
    assert sorted(ids(given_)) == sorted(ids(log.lines))
