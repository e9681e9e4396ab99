"""Why a run is not picked up, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flowtui.agents.kinds import AgentKind, agent_kind, kinds_for
from flowtui.agents.waiting import Waiting, WaitingKind, is_silent, why_waiting
from flowtui.run_models import Agent, FlowRun

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DOCKER = {"type": "Docker", "registry_url": "reg", "image_name": "img", "image_tag": "1"}
LOCAL = {"type": "Local", "directory": "/flows"}


def a_run(**what: object) -> FlowRun:
    run = FlowRun(
        id="run",
        name="brave-otter",
        flow="etl",
        project="P",
        version=3,
        version_id="v3",
        state="Scheduled",
        state_start=NOW - timedelta(minutes=5),
        scheduled=NOW - timedelta(minutes=5),
        created=NOW - timedelta(minutes=5),
        storage=DOCKER,
    )
    return replace(run, **what)  # pyright: ignore[reportArgumentType]


def an_agent(
    kind: str = "DockerAgent",
    *labels: str,
    seen: timedelta | None = timedelta(seconds=4),
    name: str = "agent",
    core: str = "1.4.1",
) -> Agent:
    return Agent(
        id=f"{name}-id",
        name=name,
        type=kind,
        labels=labels,
        core_version=core,
        last_seen=None if seen is None else NOW - seen,
    )


def only(run: FlowRun, *agents: Agent) -> Waiting:
    (reason,) = why_waiting(run, agents, NOW)
    return reason


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (an_agent("LocalAgent"), AgentKind.LOCAL),
        (an_agent("LocalAgent", core="0.7.3"), AgentKind.DOCKER),
        (an_agent("LocalAgent", core="0.6.2"), AgentKind.DOCKER),
        (an_agent("LocalAgent", core="0.8.0"), AgentKind.LOCAL),
        (an_agent("", core="0.6.7"), AgentKind.DOCKER),
        (an_agent("", core="0.9.8"), AgentKind.UNKNOWN),
        (an_agent("LocalAgent", core=""), AgentKind.LOCAL),
        (an_agent("DockerAgent"), AgentKind.DOCKER),
        (an_agent("KubernetesAgent"), AgentKind.KUBERNETES),
        (an_agent("MyOwnAgent"), AgentKind.UNKNOWN),
        (an_agent(""), AgentKind.UNKNOWN),
    ],
)
def test_what_an_agent_starts(agent: Agent, kind: AgentKind) -> None:
    assert agent_kind(agent) is kind


@pytest.mark.parametrize(
    ("run", "kinds"),
    [
        (a_run(), {"docker", "kubernetes", "ecs", "vertex"}),
        (a_run(storage=LOCAL), {"local"}),
        (a_run(storage={"type": "S3"}), {"local", "docker", "kubernetes", "ecs", "vertex"}),
        (a_run(storage=None), {"local", "docker", "kubernetes", "ecs", "vertex"}),
        (a_run(run_config={"type": "UniversalRun"}), {"docker", "kubernetes", "ecs", "vertex"}),
        (a_run(run_config={"type": "DockerRun"}), {"docker"}),
        (a_run(storage=LOCAL, run_config={"type": "DockerRun"}), {"docker"}),
        (a_run(run_config={"type": "KubernetesRun"}), {"kubernetes"}),
        (a_run(storage=LOCAL, run_config={"type": "LocalRun"}), {"local"}),
        (a_run(run_config={"type": "LocalRun"}), set()),
    ],
)
def test_which_agents_can_execute_a_run(run: FlowRun, kinds: set[str]) -> None:
    assert {kind.value for kind in kinds_for(run)} == kinds


@pytest.mark.parametrize("state", ["Running", "Success", "Failed", "Cancelled", "Cancelling"])
def test_a_run_that_runs_or_is_over_waits_for_nothing(state: str) -> None:
    assert why_waiting(a_run(state=state), (), NOW) == ()


def test_no_agent_at_all() -> None:
    reason = only(a_run())
    assert reason.kind is WaitingKind.NO_AGENT
    assert reason.fix == "flowtui agent start --type docker"


def test_a_label_in_the_command_is_quoted() -> None:
    reason = only(a_run(labels=("big box", "x")))
    assert reason.fix == "flowtui agent start --type docker --label 'big box' --label x"


def test_an_unlabelled_run_in_local_storage_needs_an_agent_without_its_machines_name() -> None:
    reason = only(a_run(storage=LOCAL))
    assert reason.fix == "flowtui agent start --type local --no-hostname-label"


def test_everything_fits() -> None:
    reason = only(a_run(), an_agent(name="worker"))
    assert reason.kind is WaitingKind.SOON
    assert "“worker” (docker)" in reason.what
    assert reason.fix == ""


def test_an_agent_with_more_labels_than_the_run_takes_it() -> None:
    run = a_run(labels=("a", "b"))
    assert only(run, an_agent("DockerAgent", "c", "b", "a")).kind is WaitingKind.SOON


@pytest.mark.parametrize("run_labels", [("a",), ("a", "b")])
def test_missing_labels_are_named_of_the_agent_that_is_nearest(run_labels: tuple[str, ...]) -> None:
    run = a_run(labels=(*run_labels, "gpu"))
    far, near = an_agent(name="far"), an_agent("DockerAgent", "a", "b", name="near")
    reason = only(run, far, near)
    assert reason.kind is WaitingKind.LABELS
    assert "agent “near” (docker) with “a” and “b” lacks “gpu”" in reason.what
    assert reason.fix.startswith("flowtui agent start --type docker --label a")


def test_a_labelled_run_and_an_agent_without_labels() -> None:
    reason = only(a_run(labels=("gpu",)), an_agent())
    assert reason.kind is WaitingKind.LABELS
    assert "“gpu”" in reason.what
    assert "has none" in reason.what


def test_labels_in_local_storage_hint_at_the_machine() -> None:
    run = a_run(storage=LOCAL, labels=("box-a",))
    reason = only(run, an_agent("LocalAgent", "box-b"))
    assert reason.kind is WaitingKind.LABELS
    assert "the name of the machine that stores it" in reason.what


def test_an_unlabelled_run_and_a_default_local_agent() -> None:
    reason = only(a_run(storage=LOCAL), an_agent("LocalAgent", "box"))
    assert reason.kind is WaitingKind.UNLABELLED_RUN
    assert "“box”" in reason.what
    assert "its machine's name" in reason.what
    assert reason.fix == "flowtui agent start --type local --no-hostname-label"


def test_no_agent_of_that_kind() -> None:
    reason = only(a_run(), an_agent("LocalAgent", "box"))
    assert reason.kind is WaitingKind.NO_AGENT_OF_KIND
    assert "storage Docker needs a docker, kubernetes, ecs or vertex agent" in reason.what
    assert "take it and fail it" not in reason.what
    assert reason.fix == "flowtui agent start --type docker"


def test_an_agent_of_another_kind_whose_labels_fit_will_fail_the_run() -> None:
    reason = only(a_run(labels=("box",)), an_agent("LocalAgent", "box"))
    assert reason.kind is WaitingKind.NO_AGENT_OF_KIND
    assert "would take it and fail it" in reason.what


def test_the_local_agent_of_old_prefects_is_a_docker_agent() -> None:
    assert only(a_run(), an_agent("LocalAgent", core="0.6.2")).kind is WaitingKind.SOON


def test_a_run_config_names_the_kind() -> None:
    reason = only(a_run(run_config={"type": "KubernetesRun"}, labels=("k",)), an_agent())
    assert reason.kind is WaitingKind.NO_AGENT_OF_KIND
    assert "run config KubernetesRun needs a kubernetes agent" in reason.what
    assert reason.fix == "prefect agent kubernetes start --label k"


def test_a_run_config_that_contradicts_the_storage_suits_no_agent() -> None:
    reason = only(a_run(run_config={"type": "LocalRun"}), an_agent(), an_agent("LocalAgent"))
    assert reason.kind is WaitingKind.NO_AGENT_OF_KIND
    assert "no agent can run it" in reason.what


def test_an_agent_that_is_silent() -> None:
    reason = only(a_run(), an_agent(seen=timedelta(minutes=12), name="worker"))
    assert reason.kind is WaitingKind.AGENT_SILENT
    assert "“worker” (docker) would take it" in reason.what
    assert "12 min ago" in reason.what
    assert reason.fix == "flowtui agent start --type docker"


def test_a_silent_agent_matters_more_than_one_whose_labels_differ() -> None:
    reason = only(a_run(), an_agent("DockerAgent", "x"), an_agent(seen=timedelta(hours=3)))
    assert reason.kind is WaitingKind.AGENT_SILENT
    assert "3 h ago" in reason.what


def test_silent_agents_that_would_not_take_it_are_as_good_as_none() -> None:
    gone = an_agent("LocalAgent", "box", seen=timedelta(days=3), name="old")
    reason = only(a_run(), gone, replace(gone, last_seen=None, name="never"))
    assert reason.kind is WaitingKind.NO_AGENT
    assert "all 2 known agents are silent" in reason.what
    assert "3 days ago" in reason.what


@pytest.mark.parametrize(("seconds", "silent"), [(0, False), (59, False), (61, True)])
def test_when_an_agent_counts_as_silent(seconds: int, silent: bool) -> None:
    assert is_silent(an_agent(seen=timedelta(seconds=seconds)), NOW) is silent


def test_an_agent_never_seen_is_silent() -> None:
    assert is_silent(an_agent(seen=None), NOW)


def test_an_archived_version() -> None:
    reason = only(a_run(version_archived=True), an_agent())
    assert reason.kind is WaitingKind.ARCHIVED
    assert "version 3 of “etl”" in reason.what


def test_a_run_of_the_future() -> None:
    reason = only(a_run(state_start=NOW + timedelta(hours=3)), an_agent())
    assert reason.kind is WaitingKind.NOT_DUE
    assert "in 3 h" in reason.what


def test_a_run_of_the_future_that_no_agent_would_take_then() -> None:
    first, second = why_waiting(a_run(state_start=NOW + timedelta(days=3)), (), NOW)
    assert first.kind is WaitingKind.NOT_DUE
    assert second.kind is WaitingKind.NO_AGENT


def test_a_run_due_in_a_moment_is_asked_for_already() -> None:
    run = a_run(state_start=NOW + timedelta(seconds=8))
    assert only(run, an_agent()).kind is WaitingKind.SOON


def test_a_run_that_an_agent_has_just_taken() -> None:
    taken = a_run(state="Submitted", state_start=NOW - timedelta(seconds=20), agent_id="w-id")
    taken = replace(taken, scheduled=None, created=None)
    reason = only(taken, an_agent(name="w"))
    assert reason.kind is WaitingKind.TAKEN
    assert "“w” (docker) took it and is starting it" in reason.what


def test_a_run_that_was_taken_long_ago() -> None:
    reason = only(a_run(state="Submitted"), an_agent())
    assert reason.kind is WaitingKind.TAKEN
    assert "5 min ago" in reason.what
    assert "flowtui server --containers" in reason.fix
    assert "containers" not in only(a_run(state="Submitted", storage=LOCAL)).fix


@pytest.mark.parametrize("state", ["Paused", "Pending"])
def test_a_state_that_no_agent_is_given(state: str) -> None:
    reason = only(a_run(state=state), an_agent())
    assert reason.kind is WaitingKind.HELD
    assert state in reason.what
