"""A start that is typed in local time, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from flowtui.runs.start import read_start

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
"""10:30 in Berlin."""


@pytest.mark.parametrize(
    ("text", "moment", "words"),
    [
        ("14:00", "2026-11-25T13:00:00", "in 3h, Wed 25 Nov 14:00:00 CET"),
        ("9:15", "2026-11-26T08:15:00", "in 22h, Thu 26 Nov 09:15:00 CET"),
        ("2026-12-24 08:00", "2026-12-24T07:00:00", "in 28d, Thu 24 Dec 08:00:00 CET"),
        ("2027-07-01T08:00:30", "2027-07-01T06:00:30", "Thu 1 Jul 08:00:30 CEST"),
        ("10 min", "2026-11-25T09:40:00", "in 10m, Wed 25 Nov 10:40:00 CET"),
        ("+90s", "2026-11-25T09:31:30", "in 1m, Wed 25 Nov 10:31:30 CET"),
        ("in 2 hours", "2026-11-25T11:30:00", "in 2h, Wed 25 Nov 12:30:00 CET"),
    ],
)
def test_local_times_and_lengths(text: str, moment: str, words: str) -> None:
    start = read_start(text, NOW, BERLIN)
    assert start.problem == ""
    assert start.moment == datetime.fromisoformat(f"{moment}+00:00")
    assert words in start.words


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "14:30"),
        ("soon", "not a time"),
        ("25:00", "no such"),
        ("2026-02-30 10:00", "no such"),
        ("2026-11-25 10:29", "over"),
        ("2027-03-28 02:30", "clocks go forward"),
        ("9999-12-31 23:59", ""),
    ],
)
def test_what_is_no_time_says_why(text: str, problem: str) -> None:
    start = read_start(text, NOW, BERLIN)
    if problem:
        assert start.moment is None
        assert problem in start.problem


def test_a_time_that_comes_twice_says_which_is_meant() -> None:
    start = read_start("2027-10-31 02:30", NOW, BERLIN)
    assert start.moment == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert "twice" in start.words


def test_the_local_zone_is_the_one_of_this_machine() -> None:
    start = read_start("2026-12-24 08:00", NOW)
    assert start.moment is not None
    assert start.moment.astimezone().strftime("%H:%M") == "08:00"
