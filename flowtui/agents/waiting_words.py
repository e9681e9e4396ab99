"""Moments, lengths and lists in the reasons why runs wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def moment(moment: datetime) -> str:
    """In local time, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def length(length: timedelta) -> str:
    """`42 s`, `12 min`, `3 h`, `5 days`: the largest unit that fits."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min"
    if seconds < 2 * 86400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} days"
