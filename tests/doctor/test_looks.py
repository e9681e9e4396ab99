"""What the doctor says about folders, settings, the project's Python and the environment."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from flowtui.cli import run
from flowtui.credentials import credentials_file
from flowtui.doctor import containers, control_plane, installation, project, terminal
from flowtui.doctor.checks import Check, State, examine
from flowtui.doctor.examinations import examinations
from flowtui.doctor.processes import command_words
from flowtui.doctor.report import Report
from flowtui.doctor.subject import Subject
from flowtui.source import watch_limits
from tests.deploy.docker_logins import log_in
from tests.parts.engine import RunningEngine
from tests.parts.need import missing
from tests.parts.prefects import prefect_python
from tests.parts.registry import RunningRegistry, free_port

TOKEN = "tok-doctor-secret-771"


def named(checks: object, name: str) -> Check:
    assert isinstance(checks, (list, tuple))
    return next(check for check in checks if check.name == name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text('from prefect import Flow\nwith Flow("a") as flow:\n    pass\n')
    return tmp_path


async def test_the_whole_report_of_a_folder_without_anything(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWTUI_API_KEY", TOKEN)
    monkeypatch.setenv("FLOWTUI_API_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/no.sock")
    subject = Subject(folder)
    asked = examinations(subject)
    report = Report.of(asked, [finding async for finding in examine(asked)])
    await subject.close()
    told = {check.name: check for check in report.checks}
    assert told["reached"].state is State.BAD and "refused" in told["reached"].value
    assert told["token"].value == "from: environment (FLOWTUI_API_KEY)"
    assert told["engine"].state is State.WARNING and "no Docker engine" in told["engine"].value
    assert told["flows"].value.startswith("1 in 1 files")
    assert told["loading"].state is State.UNKNOWN
    assert "FLOWTUI_API_KEY is set" in told["environment"].value
    assert all(check.fix for check in report.checks if check.state is State.BAD)
    assert TOKEN not in report.text() + str(report.data())


async def test_settings_that_are_broken_are_one_bad_line(folder: Path) -> None:
    (folder / "flowtui.toml").write_text("projekt = 1\n")
    subject = Subject(folder)
    asked = examinations(subject)
    report = Report.of(asked, [finding async for finding in examine(asked)])
    told = {check.name: check for check in report.checks}
    assert told["project settings"].state is State.BAD
    assert "flowtui.toml" in told["project settings"].value and told["project settings"].fix
    assert told["interpreter"].state is told["reached"].state is State.UNKNOWN


async def test_a_folder_that_cannot_be_made_is_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path / "file"))
    data = named(await installation.folders(), "data")
    assert data.state is State.BAD and "is not a folder" in data.value


async def test_a_folder_of_somebody_else_is_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWTUI_HOME", "/proc/self")
    if os.access("/proc/self", os.W_OK):
        missing("folder that cannot be written", "root may write everywhere")
    assert named(await installation.folders(), "data").state is State.BAD


async def test_a_token_file_that_others_can_read_is_bad(folder: Path) -> None:
    file = credentials_file()
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    file.chmod(0o644)
    check = named(await installation.settings(Subject(folder)), "token file")
    assert check.state is State.BAD and "chmod 600" in check.fix
    file.chmod(0o600)
    file.parent.chmod(0o700)
    assert named(await installation.settings(Subject(folder)), "token file").state is State.OK


async def test_values_of_variables_that_may_hold_a_secret_are_not_shown() -> None:
    environ = {
        "FLOWTUI_PROFILE": "prod",
        "HTTPS_PROXY": "http://me:secret@proxy",
        "FLOWTUI_LATER": "secret",
        "UNRELATED": "secret",
    }
    (check,) = await installation.environment(environ)
    assert check.value.splitlines() == [
        "FLOWTUI_PROFILE=prod",
        "HTTPS_PROXY is set",
        "FLOWTUI_LATER is set",
    ]


async def test_a_python_without_prefect_is_bad_where_flows_are(folder: Path) -> None:
    (folder / "flowtui.toml").write_text(f'python = "{sys.executable}"\n')
    check = named(await project.interpreter(Subject(folder)), "its Prefect")
    assert check.state is State.BAD and check.fix
    (folder / "a.py").unlink()
    check = named(await project.interpreter(Subject(folder)), "its Prefect")
    assert check.state is State.WARNING


async def test_no_engine_is_no_problem_where_storage_is_local(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"DOCKER_HOST": f"unix://{folder}/no.sock"}
    for kind, state in (("local", State.OK), ("docker", State.BAD)):
        (folder / "flowtui.toml").write_text(f'[storage]\ntype = "{kind}"\n')
        (check,) = await containers.engine(Subject(folder, environ=environ))
        assert check.state is state


async def test_every_registry_of_the_settings_is_asked_once(folder: Path) -> None:
    host = f"127.0.0.1:{free_port()}"
    (folder / "flowtui.toml").write_text(
        f'[storage]\nregistry_url = "{host}"\n[flows.a.storage]\nregistry_url = "{host}"\n'
    )
    (check,) = await containers.registries(Subject(folder))
    assert check.state is State.BAD and host in check.value


async def test_no_keyring_is_a_warning_with_a_way_out(folder: Path) -> None:
    (check,) = await control_plane.keyring(Subject(folder))
    assert check.state is State.WARNING and "no keyring service" in check.value
    assert "FLOWTUI_API_KEY" in check.fix


async def test_a_terminal_that_cannot_do_anything_is_told() -> None:
    checks = await terminal.surroundings({"TERM": "dumb", "TMUX": "x", "SSH_CONNECTION": "y"})
    assert named(checks, "terminal").state is State.WARNING
    assert named(checks, "reached by").value == "ssh and tmux"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["/usr/bin/python", "-m", "flowtui", "server", "--port", "1"], "flowtui server"),
        (["python", "/v/bin/prefect", "agent", "docker", "--token", "x"], "prefect agent docker"),
        (["/v/bin/prefect", "agent", "start", "docker", "-t", "x"], "prefect agent docker"),
        (["vim", "flowtui"], ""),
        (["flowtui", "doctor"], ""),
        ([""], ""),
    ],
)
def test_processes_are_named_without_their_arguments(line: list[str], words: str) -> None:
    assert command_words(line) == words


def test_watches_in_use_are_counted(tmp_path: Path) -> None:
    limits = tmp_path / "sys/fs/inotify"
    limits.mkdir(parents=True)
    (limits / "max_user_watches").write_text("100\n")
    (limits / "max_user_instances").write_text("9\n")
    for process, watches in (("11", 2), ("12", 3)):
        (tmp_path / process / "fd").mkdir(parents=True)
        (tmp_path / process / "fdinfo").mkdir()
        (tmp_path / process / "fd/4").symlink_to("anon_inode:inotify")
        (tmp_path / process / "fd/5").symlink_to("/dev/null")
        (tmp_path / process / "fdinfo/4").write_text("pos:\t0\n" + "inotify wd:1 ino:2\n" * watches)
    assert watch_limits.read(tmp_path) == watch_limits.WatchLimits(5, 100, 2, 9)
    assert watch_limits.read(tmp_path / "nothing") is None


@pytest.mark.real
async def test_the_real_engine_and_registry(
    folder: Path, docker_engine: RunningEngine, password_registry: RunningRegistry, own_home: Path
) -> None:
    log_in(own_home, password_registry.host)
    (folder / "flowtui.toml").write_text(f'[storage]\nregistry_url = "{password_registry.host}"\n')
    subject = Subject(folder)
    checks = await containers.engine(subject)
    assert named(checks, "engine").state is State.OK
    assert "GB free at" in named(checks, "room for images").value
    (registry,) = await containers.registries(subject)
    assert registry.state is State.OK and "config.json" in registry.value


@pytest.mark.real
async def test_flows_are_loaded_when_that_is_asked_for(folder: Path) -> None:
    python = prefect_python("1.4.1")
    (folder / "flowtui.toml").write_text(f'python = "{python}"\n')
    (folder / "b.py").write_text('from prefect import Flow\nimport nowhere\nflow = Flow("b")\n')
    good, broken = await project.loads(Subject(folder))
    assert (good.name, good.state) == ("loading a", State.OK)
    assert broken.state is State.BAD and "nowhere" in broken.value
    assert named(await project.interpreter(Subject(folder)), "its Prefect").state is State.OK


async def test_the_command_gives_one_document_and_exit_code_1_for_what_is_bad(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLOWTUI_API_URL", f"http://127.0.0.1:{free_port()}")
    assert await asyncio.to_thread(exit_of, ["doctor", str(folder), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False and {check["group"] for check in told["checks"]} >= {"docker"}


def exit_of(arguments: list[str]) -> int:
    try:
        return run(arguments)
    except SystemExit as end:
        return int(end.code or 0)
