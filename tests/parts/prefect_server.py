"""Real Prefect 2 and 3 servers and workers: started as a person would start them, stopped for sure.

A new server starts on a copy of an empty database that was migrated once per machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from tests.parts.cache import key_of, made_once
from tests.parts.prefects import prefect_python
from tests.parts.processes import of_session, wait_until_ended
from tests.parts.registry import free_port
from tests.parts.waiting import until

PREFECT3, PREFECT2 = "3.9.1", "2.20.27"
_STOP_SECONDS = 30
_BUSY_ANSWERS = 100
_BUSY_PAUSE = 0.1
_NOTHING: Mapping[str, str] = {}
_QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_UI_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
}

WorkerType = Literal["process", "docker"]


class _Patient(httpx.HTTPTransport):
    """On SQLite a server answers 503 while another request writes, and did nothing then."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(_BUSY_ANSWERS):
            answer = super().handle_request(request)
            if answer.status_code != 503:
                break
            answer.close()
            time.sleep(_BUSY_PAUSE)
        return answer


@dataclass(frozen=True)
class PrefectServer:
    """A server that runs until its block ends."""

    version: str
    api_url: str
    """`http://127.0.0.1:port/api`: what PREFECT_API_URL takes."""
    auth: str | None
    """`user:password` of HTTP Basic, or None."""
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        return int(self.api_url.rpartition(":")[2].partition("/")[0])

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point Prefect's own client at it."""
        found = {"PREFECT_API_URL": self.api_url}
        return {**found, "PREFECT_API_AUTH_STRING": self.auth} if self.auth else found

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def client(self) -> httpx.Client:
        """The independent witness of tests: plain requests, sent again only to a busy server."""
        user, _, password = (self.auth or "").partition(":")
        auth = httpx.BasicAuth(user, password) if self.auth else None
        return httpx.Client(base_url=self.api_url, auth=auth, timeout=120, transport=_Patient())


@dataclass(frozen=True)
class PrefectWorker:
    """A worker that runs until its block ends."""

    name: str
    pool: str
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def running_prefect_server(
    version: str = PREFECT3, *, auth: str | None = None, settings: Mapping[str, str] = _NOTHING
) -> Iterator[PrefectServer]:
    """`prefect server start` of this version on a free port, healthy.

    `auth` is `user:password` for HTTP Basic; `settings` are more `PREFECT_…` variables.
    """
    empty = _migrated_database(version)
    with tempfile.TemporaryDirectory(prefix="flowtui-prefect-") as name:
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        shutil.copy(empty / "prefect.db", home / "prefect.db")
        more = {**({"PREFECT_SERVER_API_AUTH_STRING": auth} if auth else {}), **settings}
        with _served(version, home, folder / "log", auth, more) as server:
            yield server


@contextmanager
def prefect_worker(
    server: PrefectServer,
    pool: str,
    kind: WorkerType = "process",
    *,
    name: str = "worker",
    api_url: str | None = None,
    environment: Mapping[str, str] = _NOTHING,
) -> Iterator[PrefectWorker]:
    """`prefect worker start` of the server's version, once it is there; it polls each second.

    `api_url` puts something between the two (a proxy); `environment` goes over its own.
    """
    with tempfile.TemporaryDirectory(prefix="flowtui-worker-") as folder:
        home, log = Path(folder) / "home", Path(folder) / "log"
        home.mkdir()
        command = ["worker", "start", "--pool", pool, "--type", kind, "--name", name]
        own = {
            **server.environment,
            **({"PREFECT_API_URL": api_url} if api_url else {}),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            **environment,
        }
        with _process(server.version, command, home, log, own) as process:
            worker = PrefectWorker(name, pool, process, log)

            def is_so() -> bool:
                assert process.poll() is None, worker.said()
                return "started!" in worker.said() and name in _workers(server, pool)

            until(is_so, f"worker {name} started", told=worker.said)
            yield worker


def _workers(server: PrefectServer, pool: str) -> list[str]:
    """Names of those that the server knows: the first heartbeat comes after the first words."""
    with server.client() as client:
        answer = client.post(f"/work_pools/{pool}/workers/filter", json={})
    return [each["name"] for each in answer.json()] if answer.is_success else []


def prefect_command(
    server: PrefectServer, *arguments: str, folder: Path, environment: Mapping[str, str] = _NOTHING
) -> str:
    """What Prefect's own command line says, run in `folder` against the server.

    Raises AssertionError with its output when it fails.
    """
    command = [str(_program(server.version)), "--no-prompt", *arguments]
    with tempfile.TemporaryDirectory(prefix="flowtui-prefect-cli-") as home:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**_environment(server.version, Path(home)), **server.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def _migrated_database(version: str) -> Path:
    """The folder of a database on which this version's server was ready once."""

    def make(folder: Path) -> None:
        with _served(version, folder, folder / "log", None, _NOTHING):
            pass

    python = prefect_python(version)
    return made_once(f"prefect-servers/{version}-{key_of(str(python))}", make)


@contextmanager
def _served(
    version: str, home: Path, log: Path, auth: str | None, settings: Mapping[str, str]
) -> Iterator[PrefectServer]:
    port = free_port()
    command = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with _process(version, command, home, log, settings) as process:
        server = PrefectServer(version, f"http://127.0.0.1:{port}/api", auth, process, log)
        with server.client() as client:

            def is_healthy() -> bool:
                assert process.poll() is None, server.said()
                with contextlib.suppress(httpx.TransportError):
                    return client.get("/health").status_code == 200
                return False

            until(is_healthy, f"Prefect {version} is healthy", told=server.said)
        yield server


@contextmanager
def _process(
    version: str, arguments: list[str], home: Path, log: Path, more: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """One `prefect …` in a session and a home of its own; at the end nothing of it is left."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(_program(version)), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**_environment(version, home), **more},
            cwd=home,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)


def _program(version: str) -> Path:
    return prefect_python(version).parent / "prefect"


def _environment(version: str, home: Path) -> dict[str, str]:
    return {
        "PATH": f"{_program(version).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "PREFECT_HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        **_QUIET,
    }


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGINT as Ctrl-C would be, then SIGKILL to all of its session: flow processes outlive it."""
    children = [pid for pid in of_session(process.pid) if pid != process.pid]
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for child in children:
        wait_until_ended(child)
