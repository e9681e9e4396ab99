"""Which flows are listed and in which order. Knows nothing of widgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from flowtui.flow_rows import FlowRow
from flowtui.models import FlowState
from flowtui.run_models import FlowRun
from flowtui.tui.view_models.registered import place_of

LastRuns = Mapping[tuple[str, str], FlowRun]
"""The run of each flow that started last, by project and flow (`flow/deployment`)."""


class SortBy(StrEnum):
    """The columns that rows can be sorted by, in the order of the key that goes on to the next."""

    FILE = "file"
    STATE = "state"
    NAME = "name"
    PROJECT = "project"
    VERSION = "version"
    DEPLOYED = "when"
    LAST_RUN = "run"


@dataclass(frozen=True, slots=True)
class Sorting:
    by: SortBy = SortBy.FILE
    reverse: bool = False

    def next(self) -> Sorting:
        """By the next column; times begin with the newest."""
        columns = list(SortBy)
        by = columns[(columns.index(self.by) + 1) % len(columns)]
        return Sorting(by, by in (SortBy.DEPLOYED, SortBy.LAST_RUN))

    def __str__(self) -> str:
        return f"{self.by} reversed" if self.reverse else str(self.by)

    @classmethod
    def read(cls, text: str) -> Sorting:
        """The inverse of `str`; anything else is the order of the files."""
        name, _, rest = text.partition(" ")
        try:
            return cls(SortBy(name), rest == "reversed")
        except ValueError:
            return cls()


_URGENCY = {
    state: number
    for number, state in enumerate(
        (
            FlowState.BROKEN,
            FlowState.DELETED,
            FlowState.CHANGED,
            FlowState.NOT_DEPLOYED,
            FlowState.ELSEWHERE,
            FlowState.UNKNOWN,
            FlowState.UP_TO_DATE,
        )
    )
}
_NEVER = datetime.min.replace(tzinfo=UTC)


def arranged(
    rows: Iterable[FlowRow], words: str, sorting: Sorting, runs: LastRuns
) -> dict[str, FlowRow]:
    """The rows that match, in order, by a key of their own: a flow keeps its key while it moves.

    Two flows of one name in one file get a number each.
    """
    matches = matcher(words)
    seen: Counter[str] = Counter()
    keyed: dict[str, FlowRow] = {}
    for row in rows:
        if matches(row):
            seen[row.key] += 1
            keyed[row.key if seen[row.key] == 1 else f"{row.key}#{seen[row.key]}"] = row
    if sorting.by is SortBy.FILE:
        order = list(keyed.items())
        return dict(reversed(order) if sorting.reverse else order)
    key = _sort_key(sorting.by, runs)
    ordered = sorted(keyed.items(), key=lambda item: key(item[1]), reverse=sorting.reverse)
    return dict(ordered)


def matcher(words: str) -> Callable[[FlowRow], bool]:
    """Whether every word is in a row, and none of those that begin with `!`."""
    parts = words.casefold().split()
    wanted = [part for part in parts if not part.startswith("!")]
    unwanted = [part[1:] for part in parts if part.startswith("!") and len(part) > 1]

    def matches(row: FlowRow) -> bool:
        text = " ".join((str(row.state), row.name, row.location, row.project or "")).casefold()
        return all(word in text for word in wanted) and not any(word in text for word in unwanted)

    return matches


def last_run(row: FlowRow, runs: LastRuns) -> FlowRun | None:
    version = row.version
    return runs.get(place_of(version)) if version is not None else None


def _sort_key(by: SortBy, runs: LastRuns) -> Callable[[FlowRow], tuple[object, ...]]:
    """What rows without a value have comes before everything else."""
    match by:
        case SortBy.STATE:
            return lambda row: (_URGENCY[row.state], row.name.casefold())
        case SortBy.NAME:
            return lambda row: (row.name.casefold(),)
        case SortBy.PROJECT:
            return lambda row: ((row.project or "").casefold(), row.name.casefold())
        case SortBy.VERSION:
            return lambda row: _numbered(row)
        case SortBy.DEPLOYED:
            return lambda row: (_moment(row.version.changed if row.version is not None else None),)
        case SortBy.LAST_RUN:
            return lambda row: (_moment(run.started if (run := last_run(row, runs)) else None),)
        case _:
            return lambda row: (row.location,)


def _numbered(row: FlowRow) -> tuple[int, str]:
    version = row.version
    return (version.version, version.label) if version is not None else (0, "")


def _moment(moment: datetime | None) -> datetime:
    if moment is None:
        return _NEVER
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
