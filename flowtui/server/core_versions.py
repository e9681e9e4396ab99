"""What a Prefect can do by its version, where the server must know."""

from __future__ import annotations

import re

_KNOWS_CANCELLED = (0, 7, 3)
_CANCELS_ITSELF = (0, 13, 0)


def numbers(version: str) -> tuple[int, ...]:
    """`0.6.1+dev` → (0, 6, 1)."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def knows_cancelled(core_version: str | None) -> bool:
    """Whether a process of this version can load a state of the type Cancelled."""
    return core_version is None or numbers(core_version) >= _KNOWS_CANCELLED


def cancels_itself(core_version: str | None) -> bool:
    """Whether a process of this version sees that its run is Cancelling, and ends."""
    return core_version is None or numbers(core_version) >= _CANCELS_ITSELF
