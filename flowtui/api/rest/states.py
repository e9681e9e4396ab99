"""The words that Prefect 2 and 3 have for states of runs, and how runs are asked for by them.

What a state comes to is its type; its name is one of Prefect's own, or what a flow calls it.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain

from flowtui.api.rest.dialect import Dialect
from flowtui.models import JsonObject

_NAMES = {
    "SCHEDULED": ("Scheduled", "Late", "AwaitingRetry", "AwaitingConcurrencySlot", "Resuming"),
    "PENDING": ("Pending", "Submitting", "InfrastructurePending", "NotReady"),
    "RUNNING": ("Running", "Retrying"),
    "PAUSED": ("Paused", "Suspended"),
    "CANCELLING": ("Cancelling",),
    "CANCELLED": ("Cancelled",),
    "COMPLETED": ("Completed", "Cached", "RolledBack", "Skipped"),
    "FAILED": ("Failed", "TimedOut"),
    "CRASHED": ("Crashed",),
}
"""By type; the first is that of a state that has no name of its own."""
_OF_PREFECT_1 = frozenset(
    {
        *("Submitted", "Queued", "Resume", "Looped", "Success", "Mapped", "Finished", "Aborted"),
        *("TriggerFailed", "ClientFailed", "ValidationFailed"),
    }
)


def state_filter(words: Collection[str], dialect: Dialect) -> JsonObject:
    """Of runs in one of these states. `Completed` finds states of other names as well that come to
    that, but not those of Prefect's own names that were not asked for."""
    asked = frozenset(words) - _OF_PREFECT_1
    types = [state_type for state_type, names in _NAMES.items() if names[0] in asked]
    of_types = frozenset(chain.from_iterable(_NAMES[state_type] for state_type in types))
    others = of_types - asked
    if not types or asked - of_types or (others and not dialect.tells_states_apart):
        return {"name": {"any_": sorted(asked)}}
    by_type: JsonObject = {"any_": types}
    if not others:
        return {"type": by_type}
    return {"type": by_type, "name": {"not_any_": sorted(others)}}
