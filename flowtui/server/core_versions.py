"""What a Prefect can do by its version, where the server must know."""

from __future__ import annotations

from flowtui.releases import release

_KNOWS_CANCELLED = (0, 7, 3)
_CANCELS_ITSELF = (0, 13, 0)


def knows_cancelled(core_version: str | None) -> bool:
    """Whether a process of this version can load a state of the type Cancelled."""
    return _is_at_least(core_version, _KNOWS_CANCELLED)


def cancels_itself(core_version: str | None) -> bool:
    """Whether a process of this version sees that its run is Cancelling, and ends."""
    return _is_at_least(core_version, _CANCELS_ITSELF)


def _is_at_least(core_version: str | None, oldest: tuple[int, ...]) -> bool:
    """True also for a version that says nothing: old ones always do."""
    known = release(core_version or "")
    return not known or known >= oldest
