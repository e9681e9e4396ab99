"""Which runs are asked for, and what may be a run's id: the same whichever API is asked."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

SHORTEST_ID = 8
"""Characters of a run's id that can stand for it."""
_WHOLE_ID = 32
_ID_BEGINNING = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]*)*")


@dataclass(frozen=True, slots=True)
class WantedRuns:
    """The arguments of `ControlPlane.flow_runs`; None leaves a condition out."""

    version_id: str | None = None
    project: str | None = None
    name: str | None = None
    names: Collection[str] | None = None
    states: Collection[str] | None = None
    planned_until: datetime | None = None
    planned_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class IdBeginning:
    """What may be a UUID, or begin one."""

    digits: str
    """Hexadecimal, without hyphens."""

    @classmethod
    def of(cls, text: str) -> IdBeginning | None:
        lower = text.strip().lower()
        if not _ID_BEGINNING.fullmatch(lower):
            return None
        digits = lower.replace("-", "")
        return cls(digits) if SHORTEST_ID <= len(digits) <= _WHOLE_ID else None

    @property
    def is_whole(self) -> bool:
        return len(self.digits) == _WHOLE_ID

    @property
    def first(self) -> str:
        """The first UUID that begins so."""
        return _hyphenated(self.digits.ljust(_WHOLE_ID, "0"))

    @property
    def last(self) -> str:
        """The last UUID that begins so."""
        return _hyphenated(self.digits.ljust(_WHOLE_ID, "f"))


def _hyphenated(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
