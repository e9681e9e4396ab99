"""Following a run: each state and line once, through troubles, to the end and its last lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from flowtui.agents.waiting import Waiting, WaitingKind
from flowtui.cli.following import Following, exit_code
from flowtui.cli.run_lines import LineFilter
from flowtui.errors import ControlPlaneError, CredentialsError, ExitCode
from flowtui.models import Ability, Problem
from flowtui.run_models import FlowRun, RunLine, StateChange
from tests.tui.memory import GRAPHQL_ABILITIES, MemoryControlPlane

ALL = GRAPHQL_ABILITIES


class Seen:
    """What was shown, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def state(self, change: StateChange) -> None:
        self.told.append(change.state)

    def line(self, line: RunLine, label: str = "") -> None:
        self.told.append(f"{label}: {line.text}" if label else line.text)

    def waiting(self, reasons: Sequence[Waiting]) -> None:
        self.told.append(f"waiting: {', '.join(each.kind for each in reasons)}")

    def trouble(self, problem: Problem) -> None:
        self.told.append(f"trouble: {problem.what}")


class Story:
    """What happens to a run between two looks; time goes on by what the follower waits."""

    def __init__(self, abilities: frozenset[Ability] = ALL, task: str = "") -> None:
        self.plane = MemoryControlPlane()
        self.plane.add_project("team")
        # States are of now: whether last lines may still come depends on it.
        self.plane.clock = self._tick
        self._at = datetime.now(UTC) - timedelta(seconds=5)
        self.run = self.plane.add_run(self.plane.add_version("etl", "team"))
        self.seen = Seen()
        self.seconds = 0.0
        self.steps: list[Callable[[], object]] = []
        self._abilities, self._task = abilities, task

    def _tick(self) -> datetime:
        self._at += timedelta(milliseconds=1)
        return self._at

    def moves_to(self, state: str) -> Callable[[], object]:
        return lambda: self.plane.move_run(self.run.id, state)

    def writes(self, text: str) -> Callable[[], object]:
        return lambda: self.plane.add_line(self.run.id, text)

    async def _pause(self, seconds: float) -> None:
        self.seconds += seconds
        if self.steps:
            self.steps.pop(0)()
        elif self.seconds > 10_000:
            raise AssertionError("it never ends")

    async def follow(self) -> FlowRun:
        following = Following(
            self.plane,
            self.run,
            self.seen,
            abilities=self._abilities,
            lines=LineFilter(task=self._task),
            pause=self._pause,
            seconds=lambda: self.seconds,
        )
        return await following.to_the_end()


async def test_states_and_lines_come_once_in_the_order_they_happened() -> None:
    story = Story()

    def a_lot() -> None:
        for happening in ("Submitted", "Running"):
            story.moves_to(happening)()
        story.writes("one")()
        story.moves_to("Retrying")()

    story.steps = [a_lot, story.writes("two"), story.moves_to("Running")]
    story.steps += [story.writes("Flow run SUCCESS: all"), story.moves_to("Success")]
    ended = await story.follow()
    assert (ended.state, exit_code(ended)) == ("Success", ExitCode.OK)
    assert story.seen.told == [
        "Scheduled", "Submitted", "Running", "one", "Retrying", "two", "Running",
        "Flow run SUCCESS: all", "Success",
    ]  # fmt: skip


async def test_lines_after_the_end_are_waited_for_and_the_last_one_ends_it() -> None:
    story = Story()
    story.steps = [story.moves_to("Running"), story.moves_to("Failed"), story.writes("late")]
    story.steps += [story.writes("Flow run FAILED: some"), story.writes("not looked for")]
    ended = await story.follow()
    assert exit_code(ended) == ExitCode.FAILED
    assert story.seen.told[-2:] == ["late", "Flow run FAILED: some"]
    assert len(story.steps) == 1


async def test_a_log_without_last_words_is_not_waited_for_forever() -> None:
    story = Story()
    story.steps = [story.moves_to("Running"), story.moves_to("Cancelled")]
    ended = await story.follow()
    assert exit_code(ended) == ExitCode.RUN_CANCELLED
    assert story.seconds < 20


async def test_a_run_that_never_started_has_no_last_lines() -> None:
    story = Story()
    story.steps = [story.moves_to("Cancelled")]
    await story.follow()
    assert story.seconds == 1


async def test_why_it_waits_is_told_once_and_again_when_it_changes() -> None:
    story = Story()
    nothing: list[Callable[[], object]] = [lambda: None] * 10

    def agent_comes() -> None:
        story.plane.add_agent(kind="DockerAgent", last_seen=datetime.now(UTC))

    story.steps = [*nothing, agent_comes, *nothing]
    story.steps += [story.moves_to("Cancelled")]
    await story.follow()
    assert story.seen.told == [
        "Scheduled",
        f"waiting: {WaitingKind.NO_AGENT}",
        f"waiting: {WaitingKind.SOON}",
        "Cancelled",
    ]


async def test_one_that_starts_soon_gives_no_reasons() -> None:
    story = Story()
    story.steps = [lambda: None, story.moves_to("Running"), story.moves_to("Cancelled")]
    await story.follow()
    assert story.seen.told == ["Scheduled", "Running", "Cancelled"]


async def test_a_control_plane_that_comes_back_loses_nothing() -> None:
    story = Story()

    def away() -> None:
        story.plane.refusal = ControlPlaneError("nobody answers")
        story.writes("meanwhile")()
        story.moves_to("Running")()

    def back() -> None:
        story.plane.refusal = None

    story.steps = [away, lambda: None, lambda: None, back, story.moves_to("Cancelled")]
    ended = await story.follow()
    assert ended.state == "Cancelled"
    assert story.seen.told == [
        "Scheduled", "trouble: nobody answers", "meanwhile", "Running", "Cancelled",
    ]  # fmt: skip


async def test_one_that_stays_away_is_told_as_an_error() -> None:
    story = Story()

    def away() -> None:
        story.plane.refusal = ControlPlaneError("nobody answers")

    story.steps = [away]
    with pytest.raises(ControlPlaneError, match="nobody answers"):
        await story.follow()
    assert 100 < story.seconds < 200
    assert story.seen.told.count("trouble: nobody answers") == 1


async def test_a_token_that_is_not_accepted_any_more_ends_it_at_once() -> None:
    story = Story()

    def revoked() -> None:
        story.plane.refusal = CredentialsError("revoked")

    story.steps = [revoked]
    with pytest.raises(CredentialsError):
        await story.follow()
    assert story.seconds == 1


async def test_a_run_that_is_deleted_ends_it_at_once() -> None:
    story = Story()
    story.steps = [lambda: story.plane.runs.clear()]
    with pytest.raises(ControlPlaneError, match="the run is gone"):
        await story.follow()
    assert story.seconds == 1


async def test_an_api_that_tells_no_details_is_followed_by_its_states() -> None:
    story = Story(ALL - {Ability.TELL_RUN_DETAILS, Ability.TELL_AGENTS})
    story.steps = [lambda: None, story.moves_to("Running"), story.moves_to("Success")]
    await story.follow()
    assert story.seen.told == ["Scheduled", "Running", "Success"]


async def test_lines_of_one_task_with_children_that_come_later() -> None:
    story = Story(task="load")

    def child_writes(index: int) -> Callable[[], object]:
        def write() -> None:
            child = story.plane.add_task_run(story.run.id, "load", "Running", map_index=index)
            story.plane.add_line(story.run.id, f"row {index}", task_run_id=child.id)

        return write

    story.steps = [child_writes(0), story.writes("of the flow"), child_writes(1)]
    story.steps += [story.moves_to("Cancelled")]
    await story.follow()
    assert story.seen.told == ["Scheduled", "load[0]: row 0", "load[1]: row 1", "Cancelled"]
