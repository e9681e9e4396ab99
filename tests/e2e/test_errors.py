"""Each fault gives one clear message, the right exit code, and no traceback."""

from __future__ import annotations

import base64
import json
import socket
import stat
from pathlib import Path

import pytest

from flowtui.errors import ExitCode
from tests.e2e.conftest import Project, Ran, store_in_docker
from tests.parts.base_images import prefect_image, python_image
from tests.parts.control_plane import embedded_server
from tests.parts.engine import RunningEngine
from tests.parts.registry import PASSWORD, USER, RunningRegistry

pytestmark = [pytest.mark.real, pytest.mark.long(2)]

_FLOW = "from prefect import Flow\nflow = Flow('plain')\n"


def _check(ran: Ran, code: ExitCode, *words: str) -> None:
    everything = ran.stdout + ran.stderr
    assert ran.code == code, everything
    assert "Traceback" not in everything
    problems = [event for event in ran.events if event["event"] in ("problem", "error")]
    assert len(problems) == 1, problems
    text = " ".join(str(problems[0][key]) for key in ("what", "where", "fix"))
    for word in words:
        assert word in text, text
    assert problems[0]["fix"], text


def _nothing_registered(project: Project, name: str = "plain") -> None:
    assert project.versions(name) == []


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def local(project: Project, python_141: Path) -> Project:
    """A project that needs no engine."""
    project.configure(python_141, 'type = "local"')
    project.write("flow.py", _FLOW)
    return project


@pytest.fixture
def docker(
    project: Project,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
    python_141: Path,
) -> Project:
    """A project whose images are built and pushed."""
    store_in_docker(project, docker_engine, plain_registry, python_141, namespace="e")
    project.write("flow.py", _FLOW)
    return project


def test_no_engine(project: Project, python_141: Path, tmp_path: Path) -> None:
    project.configure(python_141, 'registry_url = "127.0.0.1:5000"')
    project.write("flow.py", _FLOW)
    project.environment["DOCKER_HOST"] = f"unix://{tmp_path / 'no.sock'}"
    _check(project.deploy("flow.py"), ExitCode.ENGINE, "no.sock", "DOCKER_HOST")
    _nothing_registered(project)


def test_a_context_that_does_not_exist(project: Project, python_141: Path) -> None:
    project.configure(python_141, 'registry_url = "127.0.0.1:5000"')
    project.write("flow.py", _FLOW)
    project.environment["DOCKER_CONTEXT"] = "typo"
    _check(project.deploy("flow.py"), ExitCode.ENGINE, "typo")


def test_no_registry_named(docker: Project, python_141: Path, docker_engine: RunningEngine) -> None:
    docker.configure(python_141, f'base_image = "{prefect_image(docker_engine, "1.4.1")}"')
    _check(docker.deploy("flow.py"), ExitCode.USAGE, "registry", "--registry-url", "--no-push")


def test_a_registry_that_is_not_there(docker: Project) -> None:
    ran = docker.deploy("flow.py", "--registry-url", f"127.0.0.1:{_unused_port()}/x")
    _check(ran, ExitCode.ENGINE, "127.0.0.1")
    assert "build" not in ran.stages
    _nothing_registered(docker)


def test_a_registry_without_credentials(
    docker: Project, password_registry: RunningRegistry
) -> None:
    ran = docker.deploy("flow.py", "--registry-url", f"{password_registry.host}/x")
    _check(ran, ExitCode.ENGINE, password_registry.host, "docker login")
    assert "build" not in ran.stages


def test_a_registry_with_wrong_and_then_right_credentials(
    docker: Project, password_registry: RunningRegistry, tmp_path: Path
) -> None:
    config = tmp_path / "docker"
    config.mkdir()
    docker.environment["DOCKER_CONFIG"] = str(config)

    def log_in(password: str) -> None:
        auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
        (config / "config.json").write_text(
            json.dumps({"auths": {password_registry.host: {"auth": auth}}})
        )

    log_in("not-the-password")
    ran = docker.deploy("flow.py", "--registry-url", f"{password_registry.host}/x")
    _check(ran, ExitCode.ENGINE, password_registry.host)
    assert "not-the-password" not in ran.stdout + ran.stderr
    log_in(PASSWORD)
    ran = docker.deploy("flow.py", "--registry-url", f"{password_registry.host}/x")
    assert ran.code == ExitCode.OK, ran.stdout


def test_a_credential_helper_does_its_job_and_a_missing_one_is_named(
    docker: Project,
    password_registry: RunningRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tmp_path / "docker"
    config.mkdir()
    docker.environment["DOCKER_CONFIG"] = str(config)
    (config / "config.json").write_text(
        json.dumps({"credHelpers": {password_registry.host: "flowtui-test"}})
    )
    ran = docker.deploy("flow.py", "--registry-url", f"{password_registry.host}/h")
    _check(ran, ExitCode.ENGINE, "docker-credential-flowtui-test")

    programs = tmp_path / "bin"
    programs.mkdir()
    helper = programs / "docker-credential-flowtui-test"
    answer = json.dumps({"ServerURL": password_registry.host, "Username": USER, "Secret": PASSWORD})
    helper.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{answer}'\n")
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    ran = docker.deploy("flow.py", "--registry-url", f"{password_registry.host}/h")
    assert ran.code == ExitCode.OK, ran.stdout


def test_a_control_plane_that_is_not_there(local: Project) -> None:
    local.api_url = f"http://127.0.0.1:{_unused_port()}"
    _check(local.deploy("flow.py"), ExitCode.CONTROL_PLANE, local.api_url)


def test_a_wrong_token_and_a_missing_one(local: Project, tmp_path: Path) -> None:
    with embedded_server(tmp_path / "t.sqlite", token="the-right-token-123456") as server:
        local.api_url = server.url
        _check(local.deploy("flow.py"), ExitCode.CREDENTIALS, server.url)
        local.environment["FLOWTUI_API_KEY"] = "a-wrong-token-9876543"
        ran = local.deploy("flow.py")
        _check(ran, ExitCode.CREDENTIALS, server.url)
        assert "a-wrong-token" not in ran.stdout + ran.stderr
        local.environment["FLOWTUI_API_KEY"] = "the-right-token-123456"
        assert local.run("projects", "create", "My Project").code == ExitCode.OK
        assert local.deploy("flow.py").code == ExitCode.OK


def test_a_package_that_is_missing_in_the_image(
    docker: Project, docker_engine: RunningEngine, plain_registry: RunningRegistry
) -> None:
    from tests.parts.prefects import prefect_python

    python = prefect_python("1.4.1", "humanize==4.9.0")
    base = prefect_image(docker_engine, "1.4.1")
    docker.configure(
        python,
        f'base_image = "{base}"\nregistry_url = "{plain_registry.host}/e"\n'
        "python_dependencies = []",
    )
    docker.write(
        "flow.py",
        "import humanize\nfrom prefect import Flow, task\n"
        "@task\ndef show():\n    return humanize.naturalsize(1)\n"
        "with Flow('plain') as flow:\n    show()\n",
    )
    ran = docker.deploy("flow.py")
    _check(ran, ExitCode.FAILED, "humanize", "python_dependencies")
    assert ran.stages["health check"] == "failed"
    assert docker_engine.containers(ran.result["deploy"]) == []
    _nothing_registered(docker)


def test_a_helper_module_that_is_missing_in_the_image(docker: Project) -> None:
    """Imported only when the flow is unpickled: nothing on disk tells of it."""
    docker.write("hidden_helper.py", "def work():\n    return 1\n")
    docker.write(
        "flow.py",
        "from importlib import import_module\nimport sys\nfrom prefect import Flow, task\n"
        "helper = import_module('hidden' + '_helper')\n"
        "class Late:\n"
        "    def __reduce__(self):\n"
        "        return (import_module, ('gone_' + 'helper',))\n"
        "late = Late()\n"
        "@task\ndef show():\n    return late\n"
        "with Flow('plain') as flow:\n    show()\n",
    )
    ran = docker.deploy("flow.py")
    _check(ran, ExitCode.FAILED, "gone_helper")
    _nothing_registered(docker)


def test_a_python_that_differs_in_the_image(docker: Project, docker_engine: RunningEngine) -> None:
    base = python_image(docker_engine, "3.9")
    docker.write("flow.py", _FLOW)
    ran = docker.deploy("flow.py", "--base-image", base, "--extra-dockerfile-command", "ENV A=1")
    _check(ran, ExitCode.FAILED, "3.9", "3.11")
    _nothing_registered(docker)


def test_a_syntax_error(local: Project) -> None:
    local.write("flow.py", "from prefect import Flow\nflow = Flow('plain'\n")
    ran = local.deploy("flow.py")
    assert ran.code == ExitCode.FAILED
    assert "flow.py:2" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


def test_two_flows_with_one_name(local: Project) -> None:
    local.write("other.py", _FLOW)
    _check(local.deploy("."), ExitCode.USAGE, "plain", "flow.py:2", "other.py:2")


def test_two_dynamic_names_that_turn_out_to_be_one(local: Project) -> None:
    local.write(
        "flow.py",
        "from prefect import Flow\nname = 'pla' + str('in')\na = Flow(name)\nb = Flow(name)\n",
    )
    ran = local.deploy("flow.py:a")
    _check(ran, ExitCode.FAILED, "plain")


def test_a_flow_file_that_hangs_on_import(local: Project, python_141: Path) -> None:
    local.write("flow.py", f"import time\ntime.sleep(600)\n{_FLOW}")
    toml = local.root / "flowtui.toml"
    toml.write_text(f"load_timeout = 2\n{toml.read_text()}")
    ran = local.deploy("flow.py")
    _check(ran, ExitCode.FAILED, "flow.py", "2 s")


def test_an_exception_on_import_shows_the_users_own_line(local: Project) -> None:
    local.write("flow.py", f"x = {{}}\nx['missing']\n{_FLOW}")
    _check(local.deploy("flow.py"), ExitCode.FAILED, "KeyError", "flow.py:2")


def test_a_project_that_does_not_exist_is_offered_and_created_on_request(local: Project) -> None:
    ran = local.deploy("flow.py", "--project", "My Projct")
    _check(ran, ExitCode.CONTROL_PLANE, "My Projct", "--create-project", "“My Project”")
    ran = local.deploy("flow.py", "--project", "Brand New", "--create-project")
    assert ran.code == ExitCode.OK, ran.stdout
    assert local.versions("plain")[0]["project"]["name"] == "Brand New"


def test_no_prefect_in_the_interpreter(local: Project, docker_engine: RunningEngine) -> None:
    from tests.parts.prefects import find_python

    python = find_python("3.10")
    assert python is not None
    local.configure(Path(python), 'type = "local"')
    _check(local.deploy("flow.py"), ExitCode.FAILED, "Prefect is not installed", "3.10")


def test_a_flow_of_prefect_3_is_seen_and_told_apart(local: Project) -> None:
    local.write("flow.py", "from prefect import flow\n@flow(name='modern')\ndef m(): ...\n")
    _check(
        local.deploy("flow.py"),
        ExitCode.FAILED,
        "“modern” is a flow of Prefect 2 and 3",
        "flow.py:3",
    )
