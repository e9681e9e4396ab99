"""The frame of the background services: when they run, and what an error in one does."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest

from flowtui.server.database import Database
from flowtui.server.services.background import Background, Round, Service, running
from tests.server.conftest import Clock


def recorder(name: str, seconds: int, rounds: list[tuple[str, Round]]) -> Service:
    return Service(
        name, timedelta(seconds=seconds), lambda _database, turn: rounds.append((name, turn))
    )


def test_each_runs_at_its_interval(database: Database, clock: Clock) -> None:
    start = clock()
    rounds: list[tuple[str, Round]] = []
    services = [recorder("often", 5, rounds), recorder("seldom", 20, rounds)]
    background = Background(database, services, clock=clock)
    for _ in range(5):
        assert background.seconds_to_wait() == 0
        background.run_due()
        background.run_due()
        assert background.seconds_to_wait() == 5
        clock.go(seconds=5)
    assert [name for name, _ in rounds] == [
        "often", "seldom", "often", "often", "often", "often", "seldom"
    ]  # fmt: skip
    assert {turn.listening_since for _, turn in rounds} == {start}
    assert rounds[-1][1].now == start + timedelta(seconds=20)


def test_a_long_interval_is_waited_for_in_short_looks(database: Database, clock: Clock) -> None:
    background = Background(database, [recorder("seldom", 3600, [])], clock=clock)
    background.run_due()
    assert background.seconds_to_wait() == 10


def test_an_error_ends_one_round_of_one_service(
    database: Database, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    rounds: list[tuple[str, Round]] = []

    def fail(_database: Database, _turn: Round) -> None:
        rounds.append(("broken", _turn))
        raise RuntimeError("no such luck")

    broken = Service("broken", timedelta(seconds=5), fail)
    background = Background(database, [broken, recorder("sound", 5, rounds)], clock=clock)
    with caplog.at_level(logging.ERROR):
        background.run_due()
        clock.go(seconds=5)
        background.run_due()
    assert [name for name, _ in rounds] == ["broken", "sound"] * 2
    assert "the service 'broken' failed" in caplog.text
    assert "no such luck" in caplog.text


@pytest.mark.parametrize("seconds", [8 * 3600, -3600], ids=["slept", "put back"])
def test_a_jump_of_the_clock_is_noticed(database: Database, clock: Clock, seconds: int) -> None:
    start = clock()
    rounds: list[tuple[str, Round]] = []
    background = Background(database, [recorder("one", 5, rounds)], clock=clock)
    background.run_due()
    clock.go(seconds=seconds)
    background.run_due()
    clock.go(seconds=5)
    background.run_due()
    assert [turn.listening_since for _, turn in rounds] == [
        start, start + timedelta(seconds=seconds), start + timedelta(seconds=seconds)
    ]  # fmt: skip


def test_a_service_that_takes_long_is_no_jump(database: Database, clock: Clock) -> None:
    start = clock()
    rounds: list[tuple[str, Round]] = []
    slow = Service("slow", timedelta(seconds=5), lambda _database, _turn: clock.go(seconds=600))
    background = Background(database, [slow, recorder("one", 5, rounds)], clock=clock)
    background.run_due()
    clock.go(seconds=5)
    background.run_due()
    assert [turn.listening_since for _, turn in rounds] == [start, start]


def test_the_thread_ends_with_what_it_served(database: Database) -> None:
    ran = threading.Event()
    threads: list[str] = []

    def note(_database: Database, _turn: Round) -> None:
        threads.append(threading.current_thread().name)
        ran.set()

    before = threading.active_count()
    service = Service("one", timedelta(milliseconds=1), note)
    with running(Background(database, [service])):
        assert ran.wait(60)
    assert set(threads) == {"services"}
    assert threading.active_count() == before


def test_an_error_outside_ends_the_thread_too(database: Database) -> None:
    before = threading.active_count()
    with pytest.raises(KeyError), running(Background(database, [])):
        raise KeyError("x")
    assert threading.active_count() == before
