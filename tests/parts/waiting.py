"""Waiting for what another process does: looked at again and again, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable

_SECONDS = 180
_PAUSE = 0.2


def until(is_so: Callable[[], bool], what: str, *, told: Callable[[], str] = str) -> None:
    """Return once it is so. AssertionError, with what is `told` then, when it never is."""
    end = time.monotonic() + _SECONDS
    while not is_so():
        assert time.monotonic() < end, f"never came: {what}\n{told()}"
        time.sleep(_PAUSE)
