"""The processes that `flowtui demo` starts and ends: registry, embedded server, agent."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowtui import paths
from flowtui.agents.events import AgentStarted
from flowtui.agents.kinds import AgentKind
from flowtui.agents.session import end_session, flow_processes
from flowtui.child_processes import end_with_parent
from flowtui.errors import ControlPlaneError, EngineError
from flowtui.models import Problem

_FOLDER = "demo"
_QUIET = subprocess.DEVNULL


@contextmanager
def registry(program: str) -> Generator[str]:
    """Debian's registry on a free loopback port; what is pushed stays in the data folder."""
    folder = paths.data_dir() / _FOLDER / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    port = _remembered_port("registry")
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: {json.dumps(str(folder / 'store'))}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    with (folder / "registry.log").open("w") as log:
        process = subprocess.Popen(
            [program, "serve", str(config)],
            stdout=log,
            stderr=log,
            stdin=_QUIET,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )
    with _ended(process):
        _wait_for_port(port, process, folder / "registry.log")
        yield f"127.0.0.1:{port}"


@contextmanager
def embedded_server() -> Generator[str]:
    """`flowtui server` on the port of the last demo. Yields its address."""
    database = paths.data_dir() / _FOLDER / "server.sqlite"
    database.parent.mkdir(parents=True, exist_ok=True)
    log_file = database.with_name("server.log")
    port = str(_remembered_port("server"))
    command = [sys.executable, "-m", "flowtui", "server", "--port", port, "--json"]
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [*command, "--database", str(database)],
            stdout=subprocess.PIPE,
            stderr=log,
            stdin=_QUIET,
            start_new_session=True,
            preexec_fn=end_with_parent(),
            text=True,
        )
    with _ended(process):
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise ControlPlaneError(
                "the embedded server did not start", where=str(log_file), fix="its log says why"
            )
        yield json.loads(line)["url"]


@dataclass(frozen=True)
class DemoAgent:
    """`flowtui agent start` as a child: the real agent is a child of that."""

    process: subprocess.Popen[Any]
    events: Path
    """What happens to it, as JSON lines."""

    def problem(self) -> Problem | None:
        """Why it ended, None while it runs."""
        if self.process.poll() is None:
            return None
        told = [event for event in self._told() if event.get("what")]
        if told:
            last = told[-1]
            return Problem(
                f"the agent ended: {last['what']}",
                str(last.get("where") or ""),
                str(last.get("fix") or ""),
            )
        what = f"the agent ended with status {self.process.returncode}"
        return Problem(what, str(self.events), "its log says why")

    def flow_processes(self) -> tuple[int, ...]:
        """What still executes a run that it took."""
        return tuple(pid for session in self.sessions() for pid in flow_processes(session))

    def sessions(self) -> tuple[int, ...]:
        """Of the real agent, each time that it was started."""
        started = (event for event in self._told() if event.get("event") == AgentStarted.kind)
        return tuple(int(event["pid"]) for event in started)

    def last_lines(self, count: int = 10) -> tuple[str, ...]:
        """What it wrote last."""
        return tuple(str(each["text"]) for each in self._told() if each.get("text"))[-count:]

    def _told(self) -> Iterator[dict[str, Any]]:
        for line in self.events.read_text(errors="replace").splitlines():
            if line.startswith("{") and line.endswith("}"):
                yield json.loads(line)


@contextmanager
def agent(kind: AgentKind, folder: Path, server: str) -> Generator[DemoAgent]:
    """A real agent of the project's Prefect; it ends with the block, and with this process."""
    events = paths.data_dir() / _FOLDER / "agent.jsonl"
    command = [sys.executable, "-m", "flowtui", "agent", "start", "--type", str(kind)]
    command += ["--name", "demo", "--api-url", server, "--json"]
    if kind is AgentKind.DOCKER:
        command.append("--no-pull")  # the images were built on this very engine
    with events.open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=log,
            stderr=log,
            stdin=_QUIET,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )
    started = DemoAgent(process, events)
    try:
        with _ended(process):
            yield started
    finally:
        # Without the server of the demo no flow can come to its end.
        for session in started.sessions():
            end_session(session)


@contextmanager
def _ended(process: subprocess.Popen[Any]) -> Generator[None]:
    """The child does not outlive the block."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=25)  # an agent finishes what it has begun
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _remembered_port(name: str) -> int:
    """The port of the last demo where it is free, so that a second demo finds nothing changed."""
    file = paths.data_dir() / _FOLDER / f"{name}.port"
    last = int(file.read_text()) if file.exists() else 0
    with socket.socket() as probe:
        # As a server does it: connections of the last demo that are winding up do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", last))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(str(port))
    return port


def _wait_for_port(port: int, process: subprocess.Popen[Any], log: Path) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise EngineError("the registry did not start", where=str(log), fix="its log says why")
