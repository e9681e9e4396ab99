"""Version numbers of old packages, as far as they decide what a thing can do."""

from __future__ import annotations

import re


def release(version: str) -> tuple[int, ...]:
    """The leading numbers: `(0, 15, 13)` of `0.15.13+1.g52b`; empty for what has none."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
