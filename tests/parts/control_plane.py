"""The embedded server as the process that a user would start."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LAUNCH = """
import os, sys
from datetime import timedelta
from flowtui.errors import FlowtuiError
from flowtui.server.main import ServerSettings, serve
from flowtui.server.services.settings import ServiceSettings
host, port, database, silent_after = sys.argv[1:]
services = ServiceSettings()
if silent_after:
    silent = timedelta(seconds=int(silent_after))
    services = ServiceSettings(check_every=timedelta(seconds=1), silent_after=silent)
token = os.environ.get("FLOWTUI_SERVER_TOKEN")
settings = ServerSettings(host, int(port), database, token, services=services)
try:
    serve(settings, on_ready=lambda ready: print(ready.url, flush=True))
except FlowtuiError as error:
    sys.exit(str(error))
"""
_STOP_SECONDS = 20


@dataclass(frozen=True)
class RunningServer:
    url: str
    process: subprocess.Popen[str]
    log: Path
    """What the server wrote to stderr."""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self.process.kill()
        self.process.wait()


def start_server(
    database: Path | str,
    token: str | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    silent_after: int | None = None,
) -> RunningServer:
    """Start a server and wait until it answers.

    `silent_after` are the seconds after which the process of a run counts as gone. Raises
    RuntimeError with what it said when it ends instead.
    """
    environment = {k: v for k, v in os.environ.items() if k != "FLOWTUI_SERVER_TOKEN"}
    if token is not None:
        environment["FLOWTUI_SERVER_TOKEN"] = token
    descriptor, name = tempfile.mkstemp(prefix="flowtui-server-", suffix=".log")
    log = Path(name)
    with os.fdopen(descriptor, "w") as stderr:
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", _LAUNCH, host, str(port), str(database)),
                str(silent_after or ""),
            ],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environment,
        )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    if not url:
        process.wait()
        message = log.read_text()
        log.unlink()
        raise RuntimeError(message)
    return RunningServer(url, process, log)


def stop_server(server: RunningServer) -> None:
    if server.process.poll() is None:
        server.process.terminate()
        try:
            server.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()
    if server.process.stdout:
        server.process.stdout.close()
    server.log.unlink(missing_ok=True)


@contextmanager
def embedded_server(
    database: Path | str | None = None,
    token: str | None = None,
    *,
    host: str = "127.0.0.1",
    silent_after: int | None = None,
) -> Iterator[RunningServer]:
    """A server on a free port, on the given database or on one of its own; see `start_server`."""
    with tempfile.TemporaryDirectory(prefix="flowtui-server-") as folder:
        own = Path(folder) / "server.db"
        server = start_server(database or own, token, host=host, silent_after=silent_after)
        try:
            yield server
        finally:
            stop_server(server)
