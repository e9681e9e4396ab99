"""Whether an agent that died is started again, and when: decided from how it died before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

STEADY_SECONDS = 60.0
"""An agent that worked this long was all right: what comes after it is counted anew."""
SAME_DEATHS = 5
MOST_DEATHS = 20
LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Death:
    """An end that nobody asked for."""

    worked: float
    """Seconds that it asked for runs; 0 for one that never came so far. Dying may take long:
    1.4.1 tries for a minute to reach a control plane that is not there."""
    said: str
    """What it said about why."""


def pause_before_restart(deaths: Sequence[Death]) -> float | None:
    """Seconds to wait: 1, 2, 4, … up to a minute. None: it is not worth another start.

    That is so when it died at once `SAME_DEATHS` times in a row for the same reason, or
    `MOST_DEATHS` times for any.
    """
    row = _row(deaths)
    same = 0
    for death in reversed(row):
        if _essence(death.said) != _essence(row[-1].said):
            break
        same += 1
    if same >= SAME_DEATHS or len(row) >= MOST_DEATHS:
        return None
    return min(2.0 ** max(len(row) - 1, 0), LONGEST_PAUSE)


def _row(deaths: Sequence[Death]) -> list[Death]:
    """The deaths since it was last steady."""
    row: list[Death] = []
    for death in reversed(deaths):
        if death.worked >= STEADY_SECONDS:
            break
        row.append(death)
    return row[::-1]


def _essence(said: str) -> str:
    """Without what differs each time: moments, process ids, addresses in memory."""
    return re.sub(r"0x[0-9a-f]+|\d+", "#", said)
