"""What can be wrong with a schedule."""

from __future__ import annotations


class ScheduleError(ValueError):
    """The schedule cannot be followed; the text tells a person why."""
