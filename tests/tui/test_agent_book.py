"""What is known of agents, from what they and the control plane told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flowtui.agents.events import (
    AgentDied,
    AgentEvent,
    AgentGaveUp,
    AgentLine,
    AgentPreparing,
    AgentReady,
    AgentStarted,
    AgentStopped,
)
from flowtui.agents.kinds import AgentKind
from flowtui.agents.spec import AgentSpec
from flowtui.agents.waiting import WaitingKind
from flowtui.run_models import Agent, FlowRun
from flowtui.tui.view_models.agents import (
    AgentBook,
    OwnAgent,
    RunQueue,
    Stand,
    waiting_groups,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DOCKER = {"type": "Docker"}


def own(name: str = "mine", *, labels: tuple[str, ...] = (), key: str = "agent-1") -> OwnAgent:
    spec = AgentSpec(AgentKind.DOCKER, name=name, labels=labels)
    return OwnAgent(key, spec, "http://127.0.0.1:4200", NOW.timestamp())


def agent(name: str = "mine", *, labels: tuple[str, ...] = (), seen: float = 1.0) -> Agent:
    last_seen = NOW + timedelta(seconds=seen)
    return Agent(f"id-{name}", name, "DockerAgent", labels, "1.4.1", last_seen)


def run(number: int, **different: object) -> FlowRun:
    made = FlowRun(
        id=f"r{number}",
        name=f"run-{number}",
        flow="etl",
        project="p",
        version=1,
        version_id="v1",
        state="Scheduled",
        scheduled=NOW - timedelta(minutes=number),
        state_start=NOW - timedelta(minutes=number),
        storage=DOCKER,
        core_version="1.4.1",
    )
    return replace(made, **different)  # type: ignore[arg-type]


STARTED = AgentStarted(pid=7, prefect="1.4.1", python="python", api_url="http://x", attempt=1)


@pytest.mark.parametrize(
    ("events", "stand"),
    [
        ((), Stand.PREPARING),
        ((AgentPreparing(text="making it"),), Stand.PREPARING),
        ((STARTED,), Stand.STARTING),
        ((STARTED, AgentLine(text="hello")), Stand.STARTING),
        ((STARTED, AgentReady(pid=7)), Stand.RUNNING),
        ((STARTED, AgentDied(status=1, reason="no", restart_in=2)), Stand.RESTARTING),
        ((STARTED, AgentDied(status=1, reason="no", restart_in=2), STARTED), Stand.STARTING),
        ((STARTED, AgentGaveUp(what="no")), Stand.GAVE_UP),
        ((STARTED, AgentReady(pid=7), AgentStopped()), Stand.STOPPED),
    ],
)
def test_how_it_stands_follows_from_what_it_told(
    events: tuple[AgentEvent, ...], stand: Stand
) -> None:
    mine = own()
    for event in events:
        mine.apply(event)
    assert mine.stand is stand


def test_once_it_is_to_stop_only_its_end_changes_that() -> None:
    mine = own()
    mine.apply(STARTED)
    mine.asked_to_stop()
    mine.apply(AgentReady(pid=7))
    assert mine.stand is Stand.STOPPING
    mine.apply(AgentStopped(flow_runs_left=2))
    assert (mine.stand, mine.flow_runs_left, mine.pid) == (Stand.STOPPED, 2, None)


def test_all_that_happens_is_in_its_log() -> None:
    mine = own()
    for event in (
        AgentPreparing(text="making it"),
        STARTED,
        AgentLine(text="it works"),
        AgentDied(status=1, reason="it fell", restart_in=4),
        AgentGaveUp(what="no more"),
    ):
        mine.apply(event)
    assert mine.log.lines() == (
        "making it",
        "process 7: Prefect 1.4.1 for http://x",
        "it works",
        "it fell; starting it again in 4 s",
        "no more",
    )


def test_only_one_that_gave_up_is_a_problem() -> None:
    book = AgentBook()
    mine = book.own["agent-1"] = own()
    mine.apply(AgentDied(status=1, reason="it fell", restart_in=4))
    assert book.problems() == ()
    mine.apply(AgentGaveUp(what="no more", fix="mend it"))
    (problem,) = book.problems()
    assert (problem.what, problem.where, problem.fix) == ("no more", "agent mine", "mend it")


@pytest.mark.parametrize(
    ("told", "is_it"),
    [
        (agent(), True),
        (agent(labels=("more",)), True),
        (agent("other"), False),
        (agent(seen=-86_400), False),
        (replace(agent(), type="LocalAgent"), False),
        (replace(agent(), last_seen=None), False),
    ],
)
def test_an_agent_of_ours_is_known_again_by_its_name(told: Agent, *, is_it: bool) -> None:
    assert own().is_agent(told) is is_it


def test_ours_is_not_listed_twice_and_names_are_not_given_twice() -> None:
    book = AgentBook(queue=RunQueue((agent(), agent("other"))))
    assert [each.name for each in book.others()] == ["mine", "other"]
    book.own["agent-1"] = own()
    assert [each.name for each in book.others()] == ["other"]
    assert book.free_name("new") == "new"
    assert book.free_name("mine") == "mine-2"


def test_runs_of_each_agent_where_the_control_plane_tells() -> None:
    mine = agent()
    assert RunQueue((mine,)).runs_of(mine) == 0
    told = RunQueue((mine,), under_way=(run(1, agent_id=mine.id), run(2, agent_id="else")))
    assert told.runs_of(mine) == 1
    assert RunQueue((mine,), under_way=(run(1), run(2))).runs_of(mine) is None


def test_the_same_reason_is_one_group_whatever_the_moments_in_it() -> None:
    waiting = tuple(run(number) for number in range(1, 41))
    (group,) = waiting_groups(RunQueue((), waiting), NOW)
    assert (group.kind, len(group.runs)) == (WaitingKind.NO_AGENT, 40)
    assert group.runs[0].name == "run-40"


def test_runs_that_are_due_at_different_times_are_one_group() -> None:
    later = [NOW + timedelta(hours=number) for number in range(1, 6)]
    waiting = tuple(run(n, scheduled=due, state_start=due) for n, due in enumerate(later))
    (group,) = waiting_groups(RunQueue((agent(),), waiting), NOW)
    assert (group.kind, len(group.runs), group.runs[0].name) == (WaitingKind.NOT_DUE, 5, "run-0")


def test_submitted_runs_are_one_group_whenever_they_were_taken() -> None:
    waiting = tuple(run(n, state="Submitted", agent_id="id-mine") for n in (2, 30, 300))
    (group,) = waiting_groups(RunQueue((agent(),), waiting), NOW)
    assert (group.kind, len(group.runs)) == (WaitingKind.TAKEN, 3)


def test_different_labels_are_different_groups_and_what_needs_doing_comes_first() -> None:
    queue = RunQueue(
        (agent(labels=("a", "b2")),),
        (
            run(1, labels=("a",)),
            run(2, labels=("gpu1",)),
            run(3, labels=("gpu2",)),
            run(4, labels=("gpu2",)),
            run(5, labels=("gpu2",), version_archived=True),
        ),
    )
    groups = waiting_groups(queue, NOW)
    assert [(group.kind, len(group.runs)) for group in groups] == [
        (WaitingKind.LABELS, 2),
        (WaitingKind.LABELS, 1),
        (WaitingKind.ARCHIVED, 1),
        (WaitingKind.SOON, 1),
    ]
