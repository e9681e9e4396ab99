"""As fast as the terminal shows, no faster; a key never waits long; nothing ever freezes."""

from __future__ import annotations

import pytest

from flowtui.tui.terminal import pace as paces
from flowtui.tui.terminal.pace import LOCAL_HZ, SSH_HZ, Pace, base_rate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal:
    """A link of so many bytes per second and a pace that uses it."""

    def __init__(self, rate: float = 30_000, way: float = 0.01, base: float = LOCAL_HZ) -> None:
        self.clock = Clock()
        self.waiting = 0
        self.speed: float | None = None
        self.pace = Pace(base=base, link=self, clock=self.clock)
        self._rate, self._way = rate, way

    def frame(self, size: int) -> None:
        self.pace.sent(size)
        self.clock.now += size / self._rate + self._way
        self.pace.answered()

    def known(self) -> Terminal:
        self.frame(20)
        self.frame(9_000)
        self.clock.now += 10
        return self


class Log:
    pass


def test_logs_are_painted_less_often_over_ssh() -> None:
    assert base_rate({}) == LOCAL_HZ
    assert base_rate({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}) == SSH_HZ < LOCAL_HZ


def test_the_width_of_the_way_is_told_from_its_length() -> None:
    pace = Terminal(rate=30_000, way=0.2).known().pace
    assert pace.throughput == pytest.approx(30_000, rel=0.01)
    assert pace.answer_time == pytest.approx(0.5)


def test_a_frame_is_as_large_as_the_terminal_shows_in_a_moment() -> None:
    slow, fast = Terminal(rate=30_000).known(), Terminal(rate=5_000_000).known()
    assert slow.pace.allowance() == pytest.approx(30_000 * paces.FRAME_SECONDS, rel=0.01)
    assert fast.pace.allowance() > 100_000
    assert Terminal(rate=10).known().pace.allowance() == paces.LEAST_FRAME


def test_while_a_frame_is_unanswered_nothing_is_sent_but_the_answer_to_a_key() -> None:
    terminal = Terminal().known()
    pace = terminal.pace
    pace.sent(1_000)
    assert pace.allowance() == 0
    pace.key_pressed()
    room = pace.allowance()
    assert 0 < room < 2_000
    pace.sent(room)
    assert pace.allowance() == 0
    pace.answered()
    pace.answered()
    assert pace.allowance() > room


def test_answers_that_never_come_do_not_freeze_the_screen() -> None:
    terminal = Terminal().known()
    terminal.pace.sent(500)
    assert terminal.pace.allowance() == 0
    assert 0 < terminal.pace.patience() <= paces.ANSWER_LIMIT
    terminal.clock.now += paces.ANSWER_LIMIT
    assert terminal.pace.allowance() > 0
    assert not terminal.pace.answers


def test_a_terminal_that_does_not_answer_is_judged_by_what_it_takes() -> None:
    terminal = Terminal()
    pace = terminal.pace
    pace.sent(9_000)
    assert pace.allowance() == paces.FIRST_FRAME
    terminal.waiting = 4_000
    assert pace.allowance() == 0
    terminal.waiting, terminal.speed = 0, 20_000.0
    assert pace.allowance() == 20_000 * paces.FRAME_SECONDS


def test_an_answer_nobody_waited_for_harms_nothing() -> None:
    terminal = Terminal()
    terminal.pace.answered()
    assert terminal.pace.answers
    assert terminal.pace.allowance() == paces.FIRST_FRAME


def turns(terminal: Terminal, log: Log, seconds: float, size: int) -> int:
    """Turns that a log takes in so long, looked at every tenth of a second; each is a frame."""
    taken, busy_until = 0, 0.0
    for _ in range(round(seconds * 10)):
        terminal.clock.now += 0.1
        if terminal.pace.unanswered and terminal.clock.now >= busy_until:
            terminal.pace.answered()
        if terminal.pace.take_turn(log):
            taken += 1
            terminal.pace.sent(size)
            busy_until = terminal.clock.now + size / terminal._rate
    return taken


def test_a_log_takes_its_turns_at_the_base_rate_while_the_terminal_keeps_up() -> None:
    log = Log()
    assert turns(Terminal().known(), log, 10, 500) == 100
    assert turns(Terminal(base=SSH_HZ).known(), log, 10, 500) == 50


def test_the_rate_is_halved_while_the_terminal_does_not_keep_up_and_recovers() -> None:
    terminal, log = Terminal().known(), Log()
    assert turns(terminal, log, 12, 15_000) <= 20
    assert terminal.pace.rate <= 2.5
    for _ in range(4):
        turns(terminal, log, 5, 100_000)
    assert terminal.pace.rate == paces.LEAST_HZ
    turns(terminal, log, 20, 100)
    assert terminal.pace.rate == LOCAL_HZ


def test_each_log_has_its_own_turn() -> None:
    terminal = Terminal().known()
    one, other = Log(), Log()
    assert terminal.pace.take_turn(one)
    assert terminal.pace.take_turn(other)
    assert not terminal.pace.take_turn(one)
