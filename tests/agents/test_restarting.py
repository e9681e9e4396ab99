"""When an agent that died is started again."""

from __future__ import annotations

from flowtui.agents.restarting import Death, pause_before_restart


def quick(said: str) -> Death:
    return Death(1.0, said)


def test_pauses_grow_and_stop_growing() -> None:
    deaths: list[Death] = []
    pauses: list[float | None] = []
    for number in range(12):
        deaths.append(quick("ab"[number % 2]))
        pauses.append(pause_before_restart(deaths))
    assert pauses[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(pauses[7:]) == {60}


def test_the_same_death_five_times_in_a_row_is_enough() -> None:
    deaths = [quick(f"cannot connect to port 42, pid {number}") for number in range(4)]
    assert pause_before_restart(deaths) is not None
    assert pause_before_restart([*deaths, quick("cannot connect to port 42, pid 7")]) is None


def test_another_death_between_them_starts_the_count_anew() -> None:
    deaths = [quick("a")] * 4 + [quick("b")] + [quick("a")] * 4
    assert pause_before_restart(deaths) is not None


def test_twenty_deaths_of_any_kind_are_enough() -> None:
    deaths = [quick("ab"[number % 2]) for number in range(20)]
    assert pause_before_restart(deaths[:19]) == 60
    assert pause_before_restart(deaths) is None


def test_an_agent_that_was_steady_is_started_again_at_once() -> None:
    deaths = [quick("a")] * 4 + [Death(3600.0, "a")]
    assert pause_before_restart(deaths) == 1
    assert pause_before_restart([*deaths, quick("a"), quick("a")]) == 2
