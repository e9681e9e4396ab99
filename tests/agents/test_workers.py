"""Workers of Prefect 2 and 3: command, environment, and how they are stopped."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.agents.events import AgentEvent, AgentLine, AgentReady, AgentStopped
from flowtui.agents.kinds import AgentKind
from flowtui.agents.launch import Launch
from flowtui.agents.spec import AgentSpec, Place, Runtime
from flowtui.agents.supervision import AgentProcess, Tell
from flowtui.agents.work_pools import for_a_pool
from flowtui.agents.worker_launch import worker_launch, worker_settings
from flowtui.agents.worker_preparing import managed_worker
from flowtui.credentials import Secret
from flowtui.errors import UsageError
from flowtui.models import Interpreter
from tests.tui.memory import MemoryWorkspace
from tests.tui.memory_rest import RestMemoryControlPlane, rest_workspace

URL = "http://127.0.0.1:4200/api"
PROCESS = AgentSpec(AgentKind.PROCESS, name="box", work_pool="my pool")
DOCKER = AgentSpec(AgentKind.DOCKER, work_pool="images")
FAKE = Path(__file__).with_name("fake_worker.py")


def made(
    spec: AgentSpec, version: str = "3.9.1", token: str = "", environ: dict[str, str] | None = None
) -> Launch:
    runtime = Runtime("/project/.venv/bin/python", version, "the project's .venv")
    place = Place(URL, Secret(token) if token else None)
    return worker_launch(spec, runtime, place, Path("/project"), environ or {"PATH": "/usr/bin"})


def test_the_command_has_every_option_and_no_token() -> None:
    spec = replace(PROCESS, work_queues=("a", "b"), limit=3, healthcheck=True)
    launch = made(spec, token="user:s3cret")
    assert Path(launch.command[1]).name == "worker_launcher.py"
    assert " ".join(launch.command[2:]) == (
        "worker start --pool my pool --type process --install-policy never --name box "
        "--work-queue a --work-queue b --limit 3 --with-healthcheck"
    )
    assert "s3cret" not in repr(launch)


@pytest.mark.parametrize(
    ("token", "variable"),
    [("user:s3cret", "PREFECT_API_AUTH_STRING"), ("pnu_1", "PREFECT_API_KEY"), ("", None)],
)
def test_the_token_is_in_the_environment_under_its_own_name(
    token: str, variable: str | None
) -> None:
    found = worker_settings(Place(URL, Secret(token) if token else None))
    expected = {"PREFECT_API_URL": URL} | ({variable: token} if variable else {})
    assert found == expected


def test_nothing_of_the_persons_own_prefect_gets_in() -> None:
    environ = {
        "PATH": "/usr/bin",
        "PREFECT_PROFILE": "cloud",
        "PREFECT_API_KEY": "theirs",
        "PREFECT_HOME": "/home/me/.prefect",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
    }
    found = made(PROCESS, environ=environ).environment
    assert "PREFECT_PROFILE" not in found and "PREFECT_API_KEY" not in found
    assert found["PREFECT_HOME"].endswith("prefect") and "/home/me" not in found["PREFECT_HOME"]
    assert found["PREFECT_RESULTS_PERSIST_BY_DEFAULT"] == "true"
    assert found["DO_NOT_TRACK"] == "1"
    assert found["PATH"] == "/project/.venv/bin:/usr/bin"


def test_containers_are_told_of_no_folder_of_this_machine() -> None:
    found = made(DOCKER).environment
    assert "PREFECT_HOME" not in found and "PREFECT_PROFILES_PATH" in found


def test_a_prefect_without_workers_and_other_types_are_refused() -> None:
    with pytest.raises(UsageError, match="has no workers"):
        made(PROCESS, "2.9.0")
    with pytest.raises(UsageError, match="does not run kubernetes workers"):
        made(AgentSpec(AgentKind.KUBERNETES, work_pool="k8s"))


@pytest.mark.parametrize(
    ("spec", "prefect", "managed"),
    [
        (PROCESS, "3.9.1", None),
        (DOCKER, "3.9.1", None),
        (replace(DOCKER, managed=True), "3.9.1", "3.9.1"),
        (DOCKER, None, "3.9.1"),
        (DOCKER, "1.4.1", "3.9.1"),
    ],
)
def test_what_a_worker_runs_in(spec: AgentSpec, prefect: str | None, managed: str | None) -> None:
    python = Interpreter("/p/python", "3.12.1", prefect, None, "the project's .venv")
    assert managed_worker(spec, python) == managed


@pytest.mark.parametrize(
    ("spec", "prefect", "what"),
    [
        (PROCESS, None, "Prefect is not installed"),
        (PROCESS, "1.4.1", "has no workers"),
        (replace(PROCESS, managed=True), "3.9.1", "never another's"),
    ],
)
def test_a_process_worker_needs_the_projects_own_prefect(
    spec: AgentSpec, prefect: str | None, what: str
) -> None:
    python = Interpreter("/p/python", "3.12.1", prefect, None, "the project's .venv")
    with pytest.raises(UsageError, match=what):
        managed_worker(spec, python)


# ------------------------------------------------------------------------------------ which pool


@pytest.fixture
async def workspace(tmp_path: Path) -> MemoryWorkspace:
    made = rest_workspace(tmp_path)
    await made.connect()
    return made


ANY = AgentSpec(AgentKind.PROCESS)


async def test_the_pool_of_most_deployments_here(workspace: MemoryWorkspace) -> None:
    spec, why = await for_a_pool(workspace, ANY, None, create=False)
    assert (spec.work_pool, spec.kind, why) == (
        "local",
        AgentKind.PROCESS,
        "2 of 3 deployments of flows here go to it",
    )
    spec, _ = await for_a_pool(workspace, ANY, AgentKind.DOCKER, create=False)
    assert (spec.work_pool, spec.kind) == ("images", AgentKind.DOCKER)


async def test_the_only_pool_there_is(workspace: MemoryWorkspace) -> None:
    workspace.server.version_list.clear()
    with pytest.raises(UsageError, match="which work pool"):
        await for_a_pool(workspace, ANY, None, create=False)
    del workspace.server.pool_list[1:]
    spec, why = await for_a_pool(workspace, ANY, None, create=False)
    assert (spec.work_pool, why) == ("local", "there is no other")
    workspace.server.pool_list.clear()
    with pytest.raises(UsageError, match="there is no work pool"):
        await for_a_pool(workspace, ANY, None, create=False)


async def test_a_pool_that_is_named(workspace: MemoryWorkspace) -> None:
    def named(pool: str) -> AgentSpec:
        return replace(ANY, work_pool=pool)

    spec, _ = await for_a_pool(workspace, named("images"), None, create=False)
    assert spec.kind is AgentKind.DOCKER
    with pytest.raises(UsageError, match="a process worker cannot work for it"):
        await for_a_pool(workspace, named("images"), AgentKind.PROCESS, create=False)
    with pytest.raises(UsageError, match="runs no kubernetes workers"):
        await for_a_pool(workspace, named("k8s"), None, create=False)
    with pytest.raises(UsageError, match="there is no work pool “new”"):
        await for_a_pool(workspace, named("new"), None, create=False)
    spec, why = await for_a_pool(workspace, named("new"), AgentKind.DOCKER, create=True)
    assert (spec.work_pool, spec.kind, why) == ("new", AgentKind.DOCKER, "made now, of type docker")
    assert isinstance(workspace.server, RestMemoryControlPlane)
    assert "new" in [pool.name for pool in workspace.server.pool_list]


# -------------------------------------------------------------------------------------- stopping


class Watched:
    """A worker that sees its run to the end for so many seconds once it is asked to stop."""

    def __init__(self, folder: Path, seconds: float) -> None:
        command = (sys.executable, str(FAKE), str(seconds))
        self._launch = Launch(command, folder, "3.9.1", URL, dict(os.environ))
        self.events: list[AgentEvent] = []
        self.process = AgentProcess(
            AgentKind.PROCESS,
            self._prepare,
            self.events.append,
            drains=True,
            log_file=folder / "log",
        )

    async def _prepare(self, _tell: Tell) -> Launch:
        return self._launch

    @property
    def said(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, AgentLine)]

    async def until(self, words: str) -> None:
        async with asyncio.timeout(30):
            while not any(words in line for line in self.said):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_worker_that_is_asked_to_stop_is_waited_for(tmp_path: Path) -> None:
    watched = Watched(tmp_path, 0.1)
    running = asyncio.create_task(watched.process.run())
    await watched.until("started!")
    watched.process.stop()
    end = await running
    assert isinstance(end, AgentStopped) and end.flow_runs_left == 0
    assert any(isinstance(event, AgentReady) for event in watched.events)
    assert watched.said[1:] == ["Stopping: no more runs are taken", "Worker 'box' stopped!"]


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [False, True])
async def test_asked_again_it_ends_at_once(tmp_path: Path, at_once: bool) -> None:
    watched = Watched(tmp_path, 600)
    running = asyncio.create_task(watched.process.run())
    await watched.until("started!")
    if not at_once:
        watched.process.stop()
        await watched.until("Stopping: no more")
    watched.process.stop(at_once=True)
    async with asyncio.timeout(30):
        assert isinstance(await running, AgentStopped)
    assert watched.said[-1] == "Stopping at once"


@pytest.mark.slow
async def test_cancelling_does_not_wait_for_its_runs(tmp_path: Path) -> None:
    watched = Watched(tmp_path, 600)
    running = asyncio.create_task(watched.process.run())
    await watched.until("started!")
    running.cancel()
    async with asyncio.timeout(30):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert watched.process.pid is None
