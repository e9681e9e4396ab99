"""`flowtui schedules` on a control plane in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.models import Schedule
from tests.cli.memory_session import MemorySession

WHY = "mine.odd_days is not a filter of Prefect's own"


@pytest.fixture
def session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> MemorySession:
    session = MemorySession(tmp_path, monkeypatch, capsys)
    session.control_plane.add_project("team")
    session.control_plane.add_version("etl", "team")
    return session


def give_schedule(session: MemorySession, schedule: Schedule, problem: str = "") -> None:
    versions = session.control_plane.version_list
    versions[0] = replace(versions[0], schedule=schedule, schedule_problem=problem)


def test_an_active_schedule_that_starts_nothing_says_why(session: MemorySession) -> None:
    give_schedule(session, Schedule.ACTIVE, WHY)
    code, out, err = session.run("schedules", "list")
    assert code == 0
    assert "etl" in out
    assert f"the schedule of “etl” in “team” starts no runs: {WHY}" in err
    (told,) = session.json("schedules", "list")
    assert (told["schedule"], told["schedule_problem"]) == ("active", WHY)


def test_one_that_works_says_nothing_of_it(session: MemorySession) -> None:
    give_schedule(session, Schedule.ACTIVE)
    assert session.run("schedules", "list")[2] == ""
    assert session.json("schedules", "list")[0]["schedule_problem"] is None


def test_switching_on_says_so_at_once(session: MemorySession) -> None:
    give_schedule(session, Schedule.PAUSED, WHY)
    code, _, err = session.run("schedules", "on", "etl")
    assert code == 0
    assert "is on" in err
    assert WHY in err
