"""What differs between the Prefect releases that serialized a schedule."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """How `schedule.next()` of one release behaves.

    Read in the wheels of 0.6.1, 0.9.8, 0.12.6, 0.13.19, 0.14.22, 0.15.13 and 1.4.1.
    """

    knows_clock_changes: bool
    """False up to 0.14: those need croniter 0.3, which computes with the UTC offset of the last
    moment and corrects the next day, and pendulum 2, which takes the later of two equal local
    times."""
    leaves_repetition: bool
    """From 1.0 a cron clock that gives the same moment again is moved on, and ends after 1,000."""
    tells_parameters_apart: bool
    """From 0.13 two clocks at the same moment give two runs if their parameters or labels
    differ."""
    compares_adjusted: bool
    """From 0.9 a moment equal to the one before it, as that was adjusted, is dropped."""


def release_of(core_version: str | None) -> Release:
    """The rules of a core version; a missing or unreadable one counts as the newest."""
    numbers = re.findall(r"\d+", core_version or "")[:2]
    version = tuple(int(number) for number in numbers) or (1, 4)

    def since(*first: int) -> bool:
        return version >= first

    return Release(
        knows_clock_changes=since(0, 15),
        leaves_repetition=since(1, 0),
        tells_parameters_apart=since(0, 13),
        compares_adjusted=since(0, 9),
    )
