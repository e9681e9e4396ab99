"""The command and environment of a real agent, by version."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.agents.kinds import AgentKind
from flowtui.agents.launch import Launch, launch
from flowtui.agents.spec import AgentSpec, Place, Runtime
from flowtui.credentials import Secret
from flowtui.errors import UsageError

URL = "http://127.0.0.1:4200"
TOKEN = "a-token-of-this-test"
LOCAL = AgentSpec(AgentKind.LOCAL)
DOCKER = AgentSpec(AgentKind.DOCKER)
OPEN = Place(URL)
CLOSED = Place(URL, Secret(TOKEN))


def made(
    spec: AgentSpec, version: str, place: Place = OPEN, environ: dict[str, str] | None = None
) -> Launch:
    runtime = Runtime("/project/.venv/bin/python", version, "the project's .venv")
    return launch(spec, runtime, place, Path("/project"), environ or {"PATH": "/usr/bin"})


def arguments(spec: AgentSpec, version: str, place: Place = OPEN) -> list[str]:
    return list(made(spec, version, place).command[2:])


@pytest.mark.parametrize(
    ("version", "spec", "command"),
    [
        ("0.6.2", DOCKER, "agent start local"),
        ("0.7.3", DOCKER, "agent start local"),
        ("0.8.0", DOCKER, "agent start docker"),
        ("0.9.8", LOCAL, "agent start local --show-flow-logs"),
        ("0.12.6", DOCKER, "agent start docker"),
        ("0.13.0", LOCAL, "agent local start --show-flow-logs"),
        ("0.15.13", DOCKER, "agent docker start"),
        ("1.4.1", LOCAL, "agent local start"),
    ],
)
def test_the_subcommand_of_each_version(version: str, spec: AgentSpec, command: str) -> None:
    assert " ".join(arguments(spec, version)) == command


def test_the_launcher_runs_in_the_agents_python() -> None:
    found = made(LOCAL, "1.4.1")
    assert found.command[0] == "/project/.venv/bin/python"
    assert Path(found.command[1]).name == "launcher.py"
    assert Path(found.command[1]).exists()
    assert found.environment["PATH"] == "/project/.venv/bin:/usr/bin"


def test_options_of_every_kind() -> None:
    spec = replace(
        DOCKER,
        name="1",
        labels=("a", "b c"),
        pull=False,
        networks=("mine",),
        volumes=("/x:/y",),
        show_flow_logs=True,
    )
    place = replace(OPEN, engine_url="unix:///run/d.sock")
    assert arguments(spec, "1.4.1", place) == [
        "agent", "docker", "start", "--name", "1",
        "--label", "a", "--label", "b c",
        "--no-pull", "--base-url", "unix:///run/d.sock",
        "--volume", "/x:/y", "--network", "mine",
        "--show-flow-logs",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "option", "dropped"),
    [("1.4.1", True, None), ("0.14.0", True, None), ("0.13.19", False, []), ("0.9.8", False, [])],
)
def test_an_unlabelled_local_agent(version: str, option: bool, dropped: list[str] | None) -> None:
    """Before 0.14 a local agent adds labels that no option takes away."""
    found = made(replace(LOCAL, hostname_label=False), version)
    assert ("--no-hostname-label" in found.command) is option
    assert json.loads(found.environment["FLOWTUI_AGENT"])["labels"] == dropped


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (
            "0.9.8",
            {
                "PREFECT__CLOUD__API": URL,
                "PREFECT__CLOUD__GRAPHQL": f"{URL}/graphql/alpha",
                "PREFECT__CLOUD__AUTH_TOKEN": TOKEN,
                "PREFECT__CLOUD__AGENT__AUTH_TOKEN": TOKEN,
            },
        ),
        (
            "0.14.22",
            {
                "PREFECT__BACKEND": "cloud",
                "PREFECT__CLOUD__API": URL,
                "PREFECT__CLOUD__AUTH_TOKEN": TOKEN,
                "PREFECT__CLOUD__AGENT__AUTH_TOKEN": TOKEN,
            },
        ),
        (
            "0.15.13",
            {
                "PREFECT__BACKEND": "cloud",
                "PREFECT__CLOUD__API": URL,
                "PREFECT__CLOUD__API_KEY": TOKEN,
            },
        ),
    ],
)
def test_settings_with_a_token(version: str, expected: dict[str, str]) -> None:
    found = made(LOCAL, version, CLOSED)
    pointing = {
        name: text
        for name, text in found.environment.items()
        if name.startswith("PREFECT__") and not name.endswith("LEVEL")
    }
    assert pointing == expected
    assert TOKEN not in " ".join(found.command)
    assert TOKEN not in repr(found)


@pytest.mark.parametrize("version", ["0.10.7", "0.14.22", "0.15.13", "1.4.1"])
def test_settings_without_a_token(version: str) -> None:
    environment = made(LOCAL, version).environment
    assert environment["PREFECT__BACKEND"] == "server"
    assert environment["PREFECT__SERVER__ENDPOINT"] == URL
    assert environment["PREFECT__CLOUD__API"] == URL
    assert not [name for name in environment if "TOKEN" in name or "KEY" in name]


def test_clients_before_0_10_want_some_token_always() -> None:
    assert made(LOCAL, "0.9.8").environment["PREFECT__CLOUD__AUTH_TOKEN"]


def test_an_address_with_a_path_is_the_graphql_address() -> None:
    place = Place("https://prefect.example.com/graphql")
    assert made(LOCAL, "0.9.8", place).environment["PREFECT__CLOUD__GRAPHQL"] == place.api_url


def test_containers_of_docker_desktop_get_the_right_port() -> None:
    place = Place("http://localhost:4300")
    assert made(DOCKER, "1.4.1", place).environment["PREFECT__SERVER__PORT"] == "4300"


def test_settings_for_another_control_plane_and_secrets_stay_out() -> None:
    environ = {
        "PATH": "/usr/bin",
        "HOME": "/home/me",
        "PREFECT__CLOUD__API_KEY": "of another",
        "PREFECT__SERVER__HOST": "http://elsewhere",
        "FLOWTUI_API_KEY": "ours",
        "FLOWTUI_SERVER_TOKEN": "ours",
        "PREFECT__LOGGING__LEVEL": "DEBUG",
    }
    environment = made(LOCAL, "1.4.1", OPEN, environ).environment
    assert "of another" not in environment.values()
    assert "ours" not in environment.values()
    assert "PREFECT__SERVER__HOST" not in environment
    assert environment["HOME"] == "/home/me"
    assert environment["PREFECT__LOGGING__LEVEL"] == "DEBUG"


def test_variables_for_flows_are_not_in_the_list_of_processes() -> None:
    found = made(replace(LOCAL, env={"PASSWORD": "x=$y"}), "1.4.1")
    assert "x=$y" not in " ".join(found.command)
    assert json.loads(found.environment["FLOWTUI_AGENT"])["env"] == {"PASSWORD": "x=$y"}


def test_where_an_old_agent_finds_the_command_of_the_project() -> None:
    runtime = Runtime("/own/bin/python", "0.9.8", flow_path="/project/.venv/bin")
    found = launch(LOCAL, runtime, OPEN, Path("/project"), {"PATH": "/usr/bin"})
    assert found.environment["PATH"] == "/project/.venv/bin:/own/bin:/usr/bin"


@pytest.mark.parametrize(
    ("spec", "version", "said"),
    [
        (LOCAL, "0.6.1", "this Prefect has no agent"),
        (DOCKER, "2.19.0", "this Prefect has no agent"),
        (DOCKER, "", "this Prefect has no agent"),
        (LOCAL, "0.7.3", "starts containers, not processes"),
        (replace(DOCKER, labels=("a",)), "0.6.7", "has no labels"),
        (replace(DOCKER, networks=("n",)), "0.10.6", "no --network"),
        (AgentSpec(AgentKind.KUBERNETES), "1.4.1", "does not run kubernetes agents"),
    ],
)
def test_what_a_prefect_cannot_do_is_said(spec: AgentSpec, version: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        made(spec, version)
    assert said in str(caught.value)
    assert caught.value.problem.fix


def test_an_agent_with_a_fixed_engine_and_another_in_use() -> None:
    place = replace(OPEN, engine_url="unix:///run/user/1/docker.sock")
    with pytest.raises(UsageError, match="knows one engine only"):
        made(DOCKER, "0.6.2", place)
    assert made(DOCKER, "0.6.2", replace(place, engine_url="unix:///var/run/docker.sock"))
