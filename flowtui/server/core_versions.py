"""What a Prefect can do by its version, where the server must know."""

from __future__ import annotations

from flowtui.releases import release

_KNOWS_CANCELLED = (0, 7, 3)
_CANCELS_ITSELF = (0, 13, 0)
_TAKES_RUNS_ONE_BY_ONE = (0, 8)


def knows_cancelled(core_version: str | None) -> bool:
    """Whether a process of this version can load a state of the type Cancelled."""
    return _is_at_least(core_version, _KNOWS_CANCELLED)


def cancels_itself(core_version: str | None) -> bool:
    """Whether a process of this version sees that its run is Cancelling, and ends."""
    return _is_at_least(core_version, _CANCELS_ITSELF)


def takes_runs_one_by_one(core_version: str | None) -> bool:
    """Whether an agent of this version that is refused one run still starts the others that it was
    handed with it. Up to 0.7.3 it starts none of them, though it has submitted some."""
    return _is_at_least(core_version, _TAKES_RUNS_ONE_BY_ONE)


def _is_at_least(core_version: str | None, oldest: tuple[int, ...]) -> bool:
    """True also for a version that says nothing: old ones always do."""
    known = release(core_version or "")
    return not known or known >= oldest
