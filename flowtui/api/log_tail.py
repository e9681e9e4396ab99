"""The log of a run as it grows: each line once, in whatever order and however late lines come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from flowtui.run_models import RunLine

_LOOK_BACK = timedelta(seconds=8)
"""Prefect sends its lines every 5 seconds, several processes of a run each for itself."""
_FAR_BACK, _FAR_EVERY = timedelta(seconds=60), 10
"""Now and then further: clocks of machines differ. Not at each look: that may be many lines."""
_FIRST_WHOLE = 30
"""The look at which the whole log is read again; then after twice as many, and so on."""


class Logs(Protocol):
    """The part of a control plane that is asked."""

    async def run_log(
        self, run_id: str, *, since: datetime | None = None, limit: int | None = None
    ) -> tuple[RunLine, ...]: ...


class LogTail:
    """Remembers which lines of one run were given. Uses no clock but the lines' own."""

    def __init__(self, control_plane: Logs, run_id: str) -> None:
        self._control_plane = control_plane
        self._run_id = run_id
        self._given: set[str] = set()
        self._newest: datetime | None = None
        self._looks = 0
        self._next_whole = _FIRST_WHOLE

    async def more(self) -> tuple[RunLine, ...]:
        """The lines that were not given yet, oldest first. Raises what the control plane raises;
        nothing is lost by that, the next call gives them."""
        found = await self._new(self._since())
        self._looks += 1
        return found

    def _since(self) -> datetime | None:
        """From where on this look reads; None for the whole log."""
        if self._newest is None:
            return None
        if self._looks >= self._next_whole:
            self._next_whole *= 2
            return None
        far = self._looks % _FAR_EVERY == 0
        return self._newest - (_FAR_BACK if far else _LOOK_BACK)

    async def rest(self) -> tuple[RunLine, ...]:
        """As `more`, out of the whole log: for the end of a run."""
        return await self._new(None)

    async def _new(self, since: datetime | None) -> tuple[RunLine, ...]:
        lines = await self._control_plane.run_log(self._run_id, since=since)
        new = tuple(line for line in lines if line.id not in self._given)
        self._given.update(line.id for line in new)
        if lines:
            newest = lines[-1].moment
            self._newest = max(newest, self._newest) if self._newest else newest
        return new
