"""What time it is for everything on the screen. Call it as `clock.now()`: tests hold it still."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def seconds() -> float:
    """Since the epoch."""
    return now().timestamp()
