"""Which runs are listed, in which order, and when to look again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from flowtui.models import Problem
from flowtui.run_models import FlowRun, RunState

PAGE = 100
"""Runs that are read at once."""
MOST = 2_000
"""Runs that are looked through for a filter; who wants more scrolls on."""
MOVING, STILL = 2.0, 15.0
"""Seconds between two looks while something runs or is due, and while nothing does."""
_SLOWEST = 60.0
_SOON = timedelta(seconds=30)


class Shown(StrEnum):
    """Which runs are shown, by how they stand, in the order of the key that goes on to the next."""

    BUT_PLANNED = "all but planned"
    WAITING = "waiting"
    RUNNING = "running"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    PLANNED = "planned"
    """Their time has not come yet: the soonest first."""

    def next(self) -> Shown:
        every = list(Shown)
        return every[(every.index(self) + 1) % len(every)]


_WAITING = (
    *("Scheduled", "Pending", "Submitted", "Queued", "Paused"),
    *("Late", "AwaitingRetry", "AwaitingConcurrencySlot", "Suspended", "Resuming"),
    *("Submitting", "InfrastructurePending", "NotReady"),
)
_STATES: dict[Shown, tuple[str, ...]] = {
    Shown.WAITING: _WAITING,
    Shown.RUNNING: ("Running", "Retrying", "Resume", "Looped", "Cancelling"),
    Shown.FAILED: (
        *("Failed", "TimedOut", "TriggerFailed", "ClientFailed", "ValidationFailed"),
        "Crashed",
    ),
    Shown.SUCCEEDED: (
        *("Success", "Cached", "Mapped", "Skipped", "Finished"),
        *("Completed", "RolledBack"),
    ),
    Shown.CANCELLED: ("Cancelled", "Aborted"),
    Shown.PLANNED: _WAITING,
}


@dataclass(frozen=True, slots=True)
class RunQuery:
    """What is asked of the control plane."""

    shown: Shown = Shown.BUT_PLANNED
    names: frozenset[str] | None = None
    """Flows of these names alone; None for all flows."""

    @property
    def states(self) -> tuple[str, ...] | None:
        return _STATES.get(self.shown)

    @property
    def due(self) -> bool:
        """Runs whose time has come, the latest first; else those to come, the soonest first."""
        return self.shown is not Shown.PLANNED


@dataclass(frozen=True, slots=True)
class RunListing:
    """The runs that were read so far, and how that stands."""

    query: RunQuery = RunQuery()
    runs: tuple[FlowRun, ...] | None = None
    """None until they were read once."""
    complete: bool = False
    """There are no more than these."""
    answered: datetime | None = None
    """When the control plane answered last."""
    failures: int = 0
    """Looks in a row that failed."""
    problem: Problem | None = None
    """Why the last look failed; the runs are those of before."""

    def with_page(self, page: tuple[FlowRun, ...], offset: int, now: datetime) -> RunListing:
        """A page was read from this place on."""
        runs = merged(self.runs or (), page, offset=offset, soonest=not self.query.due)
        reaches = offset + len(page) >= len(self.runs or ())
        if len(page) < PAGE:
            complete = True
        elif reaches and len(runs) > len(self.runs or ()):
            complete = False  # what is new may have pushed others behind it
        else:
            complete = self.complete
        return RunListing(self.query, runs, complete, now)

    def with_failure(self, problem: Problem) -> RunListing:
        return replace(self, failures=self.failures + 1, problem=problem)

    def with_run(self, run: FlowRun) -> RunListing:
        """One run was changed from here: it is shown at once."""
        if self.runs is None:
            return self
        runs = tuple(run if each.id == run.id else each for each in self.runs)
        return replace(self, runs=runs)

    def matching(self, words: str) -> tuple[FlowRun, ...]:
        """Those with every word in what the list shows of them; a leading ! wants it not there."""
        runs = self.runs or ()
        wanted = words.casefold().split()
        return tuple(run for run in runs if _matches(run, wanted)) if wanted else runs


def merged(
    known: Sequence[FlowRun], page: Sequence[FlowRun], *, offset: int, soonest: bool
) -> tuple[FlowRun, ...]:
    """What is known with a page of it read anew: a run that should be on the page and is not has
    gone, or does not match any more."""

    def place(run: FlowRun) -> float:
        at = run.scheduled or run.started or run.created
        seconds = at.timestamp() if at is not None else 0.0
        return seconds if soonest else -seconds

    there = {run.id for run in page}
    first = float("-inf") if offset == 0 or not page else place(page[0])
    last = float("inf") if len(page) < PAGE else place(page[-1])
    # Runs of one moment may be on either side of the page's end: they stay.
    stay = [run for run in known if run.id not in there and not first < place(run) < last]
    return tuple(sorted((*page, *stay), key=place))


def _matches(run: FlowRun, words: Sequence[str]) -> bool:
    about = " ".join(
        (run.flow, run.name, run.project, run.state, run.version_words, run.id, *run.labels)
    ).casefold()
    return all(
        word[1:] not in about if word.startswith("!") and len(word) > 1 else word in about
        for word in words
    )


def moves(run: FlowRun, now: datetime) -> bool:
    """Whether it runs, or is due, or will be within half a minute."""
    due = run.state_start or run.scheduled
    return run.kind is RunState.RUNNING or (
        run.kind is RunState.PLANNED and (due is None or due <= now + _SOON)
    )


def seconds_until_next_look(runs: Collection[FlowRun], failures: int, now: datetime) -> float:
    """Soon where something moves; after failures longer and longer."""
    if failures:
        return min(MOVING * 2.0**failures, _SLOWEST)
    return MOVING if any(moves(run, now) for run in runs) else STILL
