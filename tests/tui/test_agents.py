"""The agents screen: agents of all, those started here, and why runs are not picked up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowtui.agents.kinds import AgentKind
from flowtui.agents.outlook import Outlook
from flowtui.deploy.events import Level
from flowtui.models import Ability, Problem
from flowtui.tui import clock
from flowtui.tui.screens.agent_dialog import AgentDialog
from flowtui.tui.screens.agent_log import AgentLogScreen
from flowtui.tui.screens.agents import AgentsScreen
from flowtui.tui.screens.dialogs import ConfirmDialog
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.view_models.agents import Stand
from tests.tui.driving import Driver, running
from tests.tui.memory import GRAPHQL_ABILITIES, MemoryWorkspace
from tests.tui.memory_agents import MemoryAgent, MemoryAgents

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, 12, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def in_memory(driver: Driver) -> MemoryAgents:
    agents = MemoryAgents()
    driver.app.agents.make = agents.make
    driver.app.agents.foresee = agents.foresee
    return agents


async def opened(driver: Driver) -> MemoryAgents:
    agents = in_memory(driver)
    await driver.press("8")
    await driver.until(lambda: isinstance(driver.app.screen, AgentsScreen))
    await driver.until(lambda: driver.app.session.agents.queue is not None)
    return agents


async def started(driver: Driver, agents: MemoryAgents, *kind: str) -> MemoryAgent:
    """One of the kind that is suggested, or of the one that these keys lead to."""
    count = len(agents.made)
    await driver.press("n", *kind, "enter", "enter", "enter")
    await driver.until(lambda: len(agents.made) == count + 1)
    await driver.until(lambda: isinstance(driver.app.screen, AgentsScreen))
    return agents.made[-1]


def seen_ago(**ago: float) -> datetime:
    return NOW - timedelta(**ago)


# ------------------------------------------------------------------------------------ what there is


async def test_without_agents_it_leads(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await opened(driver)
        await driver.see("No agent: runs that are started wait", "n starts one")
        version = workspace.server.version_list[0]
        workspace.server.add_run(version)
        await driver.press("r")
        await driver.see("No agent: 1 run waits", "Runs that wait (1)", "--type docker")


async def test_every_agent_with_what_is_known_of_it(workspace: MemoryWorkspace) -> None:
    server = workspace.server
    server.add_agent("prod", "DockerAgent", ("etl", "gpu"), last_seen=seen_ago(seconds=3))
    server.add_agent("away", "LocalAgent", core_version="0.15.13", last_seen=seen_ago(hours=3))
    server.add_agent("gone", "KubernetesAgent", last_seen=seen_ago(days=9))
    async with running(workspace) as driver:
        await opened(driver)
        await driver.see("prod", "docker", "etl, gpu", "1.4.1", "3s ago")
        await driver.see("away", "local", "0.15.13", "silent, 3h ago")
        text = await driver.see("1 agent has been silent for more than a day")
        assert "gone" not in text
        await driver.press("enter")
        await driver.see("Agent prod", "DockerAgent", "2026-11-20", server.agent_list[0].id)
        await driver.press("escape", "G", "enter")
        await driver.see("Agent gone", "KubernetesAgent")


async def test_last_seen_ticks(workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.server.add_agent("prod", last_seen=seen_ago(seconds=3))
    async with running(workspace) as driver:
        await opened(driver)
        await driver.see("3s ago")
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=4))
        await driver.see("7s ago")
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=5))
        await driver.see("silent, 5m ago")


async def test_runs_that_wait_for_the_same_are_one_line(workspace: MemoryWorkspace) -> None:
    server = workspace.server
    first, *_, last = server.version_list
    server.add_agent("prod", "DockerAgent", ("prod",), last_seen=seen_ago(seconds=3))
    for number in range(40):
        server.add_run((first, last)[number % 2], labels=("gpu",))
    server.add_run(first, labels=("prod",), start=NOW + timedelta(hours=2))
    async with running(workspace) as driver:
        await opened(driver)
        text = await driver.see("Runs that wait (41)", "40 runs  labels:", "lacks “gpu”")
        assert text.count("lacks") == 1
        assert "1 run    not due yet" in text
        await driver.press("j", "enter")
        await driver.see("Why 40 runs wait", server.runs[-1].name)


async def test_each_agent_with_the_runs_that_it_has(workspace: MemoryWorkspace) -> None:
    server = workspace.server
    agent = server.add_agent("prod", "DockerAgent", last_seen=seen_ago(seconds=3))
    server.give_run(server.add_run(server.version_list[0]).id, agent)
    server.give_run(server.add_run(server.version_list[0]).id, agent)
    async with running(workspace) as driver:
        await opened(driver)
        await driver.until(lambda: _line(driver, "prod").rstrip("│ ").endswith(" 2"))


def _line(driver: Driver, words: str) -> str:
    lines = (line for line in driver.screen_text().splitlines() if words in line)
    return next(lines, "")


async def test_a_control_plane_without_agents_says_so(workspace: MemoryWorkspace) -> None:
    workspace.server.abilities = GRAPHQL_ABILITIES - {Ability.TELL_AGENTS}
    async with running(workspace) as driver:
        agents = in_memory(driver)
        await driver.press("8")
        await driver.see("This control plane does not tell its agents", "n starts one all the same")
        await driver.press("n", "enter", "enter", "enter")
        await driver.until(lambda: len(agents.made) == 1)


async def test_nothing_is_asked_while_nobody_looks(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await opened(driver)
        groups = {worker.group for worker in driver.app.workers if not worker.is_finished}
        assert "agents" in groups
        await driver.press("escape")
        await driver.until(
            lambda: all(w.is_finished for w in driver.app.workers if w.group == "agents")
        )


# ------------------------------------------------------------------------------------ starting one


async def test_three_enters_start_the_agent_that_fits_here(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        agents = await opened(driver)
        await driver.press("n")
        await driver.see("Suggested: docker, 2 of 2 registered flows are in images")
        await driver.see("Prefect 1.4.1 of the project's .venv", "http://172.17.0.1:4999")
        await driver.press("enter", "enter", "enter")
        await driver.until(lambda: len(agents.made) == 1)
        made = agents.made[0]
        assert (made.spec.kind, made.spec.labels) == (AgentKind.DOCKER, ())
        assert made.spec.name.endswith("-docker")
        await driver.see("Started here", "looking for its Python")
        made.prepares("making an environment with Prefect 1.4.1")
        await driver.see("making an environment with Prefect 1.4.1")
        made.starts()
        await driver.see("starting, process 4711")
        made.gets_ready()
        await driver.see("running, process 4711")


async def test_what_cannot_be_started_says_why_before_it_is_tried(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        agents = await opened(driver)
        agents.outlook = Outlook(problem=Problem("no engine answers", "docker", "start Docker"))
        await driver.press("n")
        await driver.see("no engine answers", "start Docker")
        agents.outlook = Outlook("Prefect 0.9.8 in an environment of flowtui's own")
        await driver.press("down")
        await driver.see("Prefect 0.9.8 in an environment of flowtui's own")
        assert [spec.kind for spec in agents.foreseen] == [AgentKind.DOCKER, AgentKind.LOCAL]


async def test_on_runs_that_wait_it_is_one_that_takes_them(workspace: MemoryWorkspace) -> None:
    server = workspace.server
    server.add_run(server.version_list[0], labels=("gpu", "eu"))
    async with running(workspace) as driver:
        agents = await opened(driver)
        await driver.see("Runs that wait (1)")
        made = await started(driver, agents)
        assert (made.spec.kind, made.spec.labels) == (AgentKind.DOCKER, ("gpu", "eu"))


async def test_labels_and_a_local_agent_without_the_machines_name(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        agents = await opened(driver)
        await driver.press("n", "j", "j", "enter", "enter")
        await driver.type("a, b ,,a")
        await driver.press("enter")
        await driver.until(lambda: len(agents.made) == 1)
        spec = agents.made[0].spec
        assert (spec.kind, spec.labels, spec.hostname_label) == (AgentKind.LOCAL, ("a", "b"), False)
        assert spec.name.endswith("-local")


async def test_a_second_one_gets_another_name(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        agents = await opened(driver)
        first = await started(driver, agents)
        second = await started(driver, agents)
        assert second.spec.name == f"{first.spec.name}-2"


async def test_it_can_be_started_from_the_main_screen(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        in_memory(driver)
        await driver.press("A")
        await driver.until(lambda: isinstance(driver.app.screen, AgentDialog))
        await driver.press("escape")
        assert isinstance(driver.app.screen, MainScreen)


async def test_read_only_starts_and_stops_nothing(workspace: MemoryWorkspace) -> None:
    async with running(workspace, read_only=True) as driver:
        await opened(driver)
        await driver.press("n")
        assert "started with --read-only" in driver.said()
        assert isinstance(driver.app.screen, AgentsScreen)


# -------------------------------------------------------------------------------------- how it does


async def test_its_log_is_live(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        agents = await opened(driver)
        made = await started(driver, agents)
        made.gets_ready()
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, AgentLogScreen))
        made.says("Deploying flow run brave-heron")
        made.says("\x1b[31mno image\x1b[0m", Level.ERROR)
        await driver.see("Deploying flow run brave-heron", "no image", "process 4711")
        await driver.press("escape")
        assert isinstance(driver.app.screen, AgentsScreen)


async def test_one_that_dies_is_told_calmly_and_one_that_gives_up_is_a_problem(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace, size=(120, 30)) as driver:
        agents = await opened(driver)
        made = await started(driver, agents)
        made.gets_ready()
        await driver.see("● 1 agent")
        made.dies("it cannot reach the control plane", restart_in=4, at=NOW.timestamp())
        await driver.see("died; restarting in 4 s: it cannot reach", "! agent died")
        assert driver.said() == ""
        made.gives_up("no module named prefect", "install Prefect there")
        await driver.see("gave up: no module named prefect", "✗ 1 agent gave up")
        assert "install Prefect there" in driver.said()
        await driver.press("escape", "exclamation_mark")
        await driver.see("no module named prefect", "install Prefect there")
        await driver.press("escape", "8")
        await driver.see("gave up: no module named prefect")
        again = len(agents.made)
        await driver.press("R")
        await driver.until(lambda: len(agents.made) == again + 1)
        assert agents.made[-1].spec == made.spec
        await driver.until(lambda: "gave up" not in driver.screen_text())


async def test_the_control_plane_knows_it_too(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(160, 30)) as driver:
        agents = await opened(driver)
        made = await started(driver, agents)
        made.gets_ready()
        workspace.server.add_agent(made.spec.name, "DockerAgent", last_seen=NOW)
        await driver.press("r")
        text = await driver.see("Started here", "0s ago")
        assert text.count(made.spec.name[:20]) == 1
        assert "elsewhere" not in text


# ----------------------------------------------------------------------------------------- stopping


async def test_an_idle_one_stops_at_once(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        agents = await opened(driver)
        made = await started(driver, agents)
        made.gets_ready()
        await driver.see("running, process")
        await driver.press("ctrl+x")
        await driver.until(lambda: made.stops == [False])
        await driver.see("– ", "stopped")
        await driver.press("ctrl+x")
        assert "it has ended already" in driver.said()
        await driver.press("d")
        await driver.see("No agent")


async def test_one_that_works_is_asked_about_and_then_not_waited_for(
    workspace: MemoryWorkspace,
) -> None:
    server = workspace.server
    async with running(workspace) as driver:
        agents = await opened(driver)
        made = await started(driver, agents)
        made.obedient = False
        made.gets_ready()
        agent = server.add_agent(made.spec.name, "DockerAgent", last_seen=NOW)
        server.give_run(server.add_run(server.version_list[0]).id, agent)
        await driver.press("r")
        await driver.see("running, process")
        await driver.press("ctrl+x")
        await driver.see("It has 1 run under way")
        await driver.press("enter")
        assert made.stops == []
        await driver.press("ctrl+x")
        await driver.see("It has 1 run under way")
        await driver.press("down", "enter")
        await driver.until(lambda: made.stops == [False])
        await driver.see("stopping, process")
        await driver.press("ctrl+x")
        await driver.until(lambda: made.stops == [False, True])
        await driver.see("stopped")


async def test_an_agent_of_others_is_not_stopped(workspace: MemoryWorkspace) -> None:
    workspace.server.add_agent("prod", last_seen=seen_ago(seconds=1))
    async with running(workspace) as driver:
        await opened(driver)
        await driver.see("prod")
        await driver.press("ctrl+x")
        assert "stop it where it was started" in driver.said()


async def test_leaving_stops_idle_agents_without_a_question(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        agents = await opened(driver)
        made = await started(driver, agents)
        made.gets_ready()
        await driver.press("q")
        await driver.until(lambda: not driver.app.is_running)
        assert made.stops == [False]
        assert all(own.stand is Stand.STOPPED for own in driver.app.session.agents.own.values())


async def test_leaving_asks_when_agents_have_runs(workspace: MemoryWorkspace) -> None:
    server = workspace.server
    async with running(workspace) as driver:
        agents = await opened(driver)
        made = await started(driver, agents)
        made.gets_ready()
        agent = server.add_agent(made.spec.name, "DockerAgent", last_seen=NOW)
        server.give_run(server.add_run(server.version_list[0]).id, agent)
        await driver.press("q")
        await driver.see("1 run of your agents under way", "flowtui agent start")
        await driver.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, AgentsScreen))
        assert made.stops == []
        await driver.press("q")
        await driver.until(lambda: isinstance(driver.app.screen, ConfirmDialog))
        await driver.press("down", "enter")
        await driver.until(lambda: made.stops == [False])


async def test_hostile_names_are_shown_as_text(workspace: MemoryWorkspace) -> None:
    server = workspace.server
    hostile = "[red]x[/] \x1b]52;c;evil\x07 [@click=app.quit]y[/]"
    server.add_agent(hostile, "LocalAgent", (hostile,), last_seen=seen_ago(seconds=1))
    server.add_run(server.version_list[0], name=hostile, labels=(hostile,))
    async with running(workspace, size=(160, 45)) as driver:
        await opened(driver)
        text = await driver.see("[red]x[/]")
        assert "\x1b" not in text and "\x07" not in text
        await driver.press("enter")
        await driver.see("Agent [red]x[/]")
        await driver.press("escape", "j", "enter")
        await driver.see("Why 1 run waits")
