"""Where the probe runs, and how it ended there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where the flow is looked at."""

    words: str
    """For example `in the image`."""
    in_image: bool
    seconds: float
    """The time limit."""
    memory: int
    """Bytes; 0 where there is no limit."""
    verb: str = "unpickled"
    """What is done with the flow there."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a probe ended, wherever it ran."""

    stdout: bytes
    exit_code: int
    """As a shell has it: 128 + n for signal n."""
    out_of_memory: bool = False
