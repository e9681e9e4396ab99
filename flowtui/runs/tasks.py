"""The task runs of a flow run in the order of its graph, mapped ones folded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flowtui.run_models import RunState, TaskRun

NOT_MAPPED = -1


@dataclass(frozen=True, slots=True)
class Counts:
    """How many children of a mapped task are in which kind of state."""

    by_kind: Mapping[RunState, int] = field(default_factory=dict[RunState, int])

    @classmethod
    def of(cls, runs: Sequence[TaskRun]) -> Counts:
        counts: dict[RunState, int] = {}
        for run in runs:
            counts[run.kind] = counts.get(run.kind, 0) + 1
        return cls(counts)

    def __getitem__(self, kind: RunState) -> int:
        return self.by_kind.get(kind, 0)

    @property
    def total(self) -> int:
        return sum(self.by_kind.values())

    @property
    def over(self) -> int:
        return sum(count for kind, count in self.by_kind.items() if kind.is_over)

    @property
    def kind(self) -> RunState:
        """What all of them together come to."""
        if self[RunState.RUNNING] or (self[RunState.PLANNED] and self.over):
            return RunState.RUNNING
        if self[RunState.PLANNED]:
            return RunState.PLANNED
        for kind in (RunState.BAD, RunState.CANCELLED):
            if self[kind]:
                return kind
        return RunState.GOOD


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task of the run, or one child of a mapped task."""

    run: TaskRun
    children: Counts | None = None
    """Of a mapped task, as far as its children were made."""
    unfolded: bool = False
    seconds_from: datetime | None = None
    """When the first child started."""
    seconds_to: datetime | None = None
    """When the last child ended; None while one is not over."""
    ids: frozenset[str] = frozenset()
    """Of all task runs that the line stands for."""

    @property
    def key(self) -> str:
        """Stable while states change."""
        return f"{self.run.slug}\0{self.run.map_index}"

    @property
    def child(self) -> bool:
        return self.run.map_index != NOT_MAPPED

    @property
    def kind(self) -> RunState:
        return self.children.kind if self.children is not None else self.run.kind

    @property
    def label(self) -> str:
        return f"{self.run.task}[{self.run.map_index}]" if self.child else self.run.task

    def seconds(self, now: datetime) -> float | None:
        """How long it took or has been running; of a mapped task from its first child's start."""
        if self.children is None:
            return self.run.seconds(now)
        if self.seconds_from is None:
            return None
        end = self.seconds_to or now
        return (end - self.seconds_from).total_seconds()


def task_lines(
    runs: Sequence[TaskRun], order: Sequence[str], unfolded: Collection[str]
) -> tuple[TaskLine, ...]:
    """By the slugs of the graph in their order, what is not in it after that by its name.

    `unfolded` are slugs of the mapped tasks whose children are shown.
    """
    by_slug: dict[str, list[TaskRun]] = {}
    for run in runs:
        by_slug.setdefault(run.slug, []).append(run)
    places = {slug: number for number, slug in enumerate(order)}
    slugs = sorted(
        by_slug, key=lambda slug: (places.get(slug, len(places)), by_slug[slug][0].task, slug)
    )
    lines: list[TaskLine] = []
    for slug in slugs:
        lines.extend(_of_task(by_slug[slug], slug in unfolded))
    return tuple(lines)


def _of_task(runs: Sequence[TaskRun], unfolded: bool) -> list[TaskLine]:
    itself = next((run for run in runs if run.map_index == NOT_MAPPED), None)
    children = sorted(
        (run for run in runs if run.map_index != NOT_MAPPED), key=lambda run: run.map_index
    )
    if not children:
        return [TaskLine(run, ids=frozenset((run.id,))) for run in runs]
    if itself is None:
        one = children[0]
        itself = TaskRun(f"{one.slug}:mapped", one.task, one.slug, NOT_MAPPED, "Mapped")
    counts = Counts.of(children)
    starts = [run.started for run in children if run.started is not None]
    ends = [run.ended for run in children if run.ended is not None]
    over = counts.over == counts.total
    line = TaskLine(
        itself,
        counts,
        unfolded,
        min(starts, default=None),
        max(ends, default=None) if over else None,
        frozenset((itself.id, *(run.id for run in children))),
    )
    shown = children if unfolded else ()
    return [line, *(TaskLine(run, ids=frozenset((run.id,))) for run in shown)]


@dataclass(frozen=True, slots=True)
class NodeState:
    """How a task stands, for its box in the graph."""

    kind: RunState
    state: str
    over: int = 0
    total: int = 0
    """Children of a mapped task; 0 for every other."""


def node_states(runs: Sequence[TaskRun]) -> dict[str, NodeState]:
    """How each task stands, by its slug."""
    found: dict[str, NodeState] = {}
    for line in task_lines(runs, (), ()):
        counts = line.children
        if counts is None:
            found[line.run.slug] = NodeState(line.kind, line.run.state)
        else:
            found[line.run.slug] = NodeState(line.kind, "Mapped", counts.over, counts.total)
    return found


def first_failure(runs: Sequence[TaskRun]) -> TaskRun | None:
    """The task run that failed first by itself, not because one before it did."""
    failed = [run for run in runs if run.kind is RunState.BAD]
    own = [run for run in failed if run.state != "TriggerFailed"] or failed
    return min(own, key=_ended, default=None)


def _ended(run: TaskRun) -> float:
    moment = run.ended or run.started
    return moment.timestamp() if moment is not None else float("inf")


def task_names(tasks: Sequence[TaskRun]) -> dict[str, str]:
    """By the ids of task runs: the task's name, with the index of a mapped child."""
    return {
        task.id: task.task if task.map_index == NOT_MAPPED else f"{task.task}[{task.map_index}]"
        for task in tasks
    }
