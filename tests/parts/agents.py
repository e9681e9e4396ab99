"""Prefect's own agents as processes: started as a person would start them, stopped for sure."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from tests.parts.engine import RunningEngine
from tests.parts.prefects import client_environment, prefect_python
from tests.parts.registry import free_port
from tests.parts.waiting import until

_SECONDS = 60
_STOP_SECONDS = 20

# Its command line has no option for the engine's address; its class does.
_START_062 = """
import sys
from prefect.agent.local import LocalAgent
LocalAgent(base_url=sys.argv[1]).start()
"""
_ANY_TOKEN = "none"
_NOTHING: Mapping[str, str] = {}
_RECORDING = Path(__file__).with_name("recording_agent.py")
_RECORDING_062 = Path(__file__).with_name("recording_agent_062.py")
_TRACEBACK = "Traceback (most recent call last)"
_UNWELCOME = re.compile(r"\b(ERROR|CRITICAL)\b")


Backend = Literal["cloud", "server"]
"""What Prefect since 0.10 calls a control plane with keys, and one without."""


@dataclass(frozen=True)
class RunningAgent:
    """An agent that runs until its block ends."""

    version: str
    process: subprocess.Popen[bytes]
    log: Path
    """What it wrote; with Local storage what its flow processes wrote, too."""
    poke_url: str | None
    """Asked, it looks for runs at once; None where it cannot be woken (0.6.2)."""

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until_it_said(self, text: str) -> None:
        """Raises AssertionError with its log when it ends or does not say it in time."""

        def is_so() -> bool:
            assert self.process.poll() is None, self.said()
            return text in self.said()

        until(is_so, text, told=self.said)

    def wake(self) -> None:
        """Let it look for runs now: an idle agent does so each 10 s only."""
        if self.poke_url is not None:
            httpx.get(self.poke_url, timeout=_SECONDS).raise_for_status()


def complaints(log: str, *, expected: Sequence[str] = ()) -> list[str]:
    """What a log tells of errors, but for what holds an `expected` text.

    Of a traceback that is its last line, else the line that says ERROR.
    """
    lines = [line for line in log.splitlines() if line.strip()]
    found: list[str] = []
    for number, line in enumerate(lines):
        rest = lines[number + 1 :]
        if _TRACEBACK in line:
            found.append(next((later for later in rest if not later.startswith(" ")), line))
        elif _UNWELCOME.search(line) and not (rest and _TRACEBACK in rest[0]):
            found.append(line)
    return [line for line in found if not any(text in line for text in expected)]


@contextmanager
def local_agent(
    version: str,
    api_url: str,
    *,
    token: str | None = None,
    name: str = "agent",
    labels: Sequence[str] = (),
    flow_environment: Sequence[str] = (),
    hostname_label: bool = True,
    backend: Backend = "cloud",
) -> Iterator[RunningAgent]:
    """`prefect agent local start` of 0.15.13 or 1.4.1; flows log into its own output.

    `flow_environment` are KEY=VALUE for flow processes. With `backend` server no secret is asked
    of the server: Prefect looks for it in its own configuration only.
    """
    options = ["--show-flow-logs"]
    if not hostname_label:
        options.append("--no-hostname-label")
    options += _common_options(name, labels, flow_environment)
    if backend == "cloud":
        token = token or _ANY_TOKEN
    with _agent(version, api_url, token, "local", options) as agent:
        yield agent


@contextmanager
def docker_agent(
    version: str,
    api_url: str,
    engine: RunningEngine,
    *,
    token: str,
    name: str = "agent",
    labels: Sequence[str] = (),
    flow_environment: Sequence[str] = (),
) -> Iterator[RunningAgent]:
    """A Docker agent on this engine; `api_url` must be one that containers can reach.

    That of 0.6.2 is called LocalAgent, has no name, labels or environment, and leaves its
    containers behind.
    """
    if version == "0.6.2":
        assert not labels and not flow_environment, "0.6.2 knows neither"
        command = [str(prefect_python(version)), "-c", _START_062, engine.url]
        with _started(version, api_url, token, command, poke_url=None) as agent:
            yield agent
        return
    options = ["--base-url", engine.url, "--show-flow-logs"]
    options += _common_options(name, labels, flow_environment)
    with _agent(version, api_url, token, "docker", options) as agent:
        yield agent


@contextmanager
def recording_agent(
    version: str, api_url: str, *, name: str, record: Path
) -> Iterator[RunningAgent]:
    """A local agent without labels that writes the ids of the runs it may start to `record`, one a
    line, and starts no process for them: they are over at once."""
    own = f"http://127.0.0.1:{free_port()}"
    is_old = version == "0.6.2"
    command = [str(prefect_python(version)), str(_RECORDING_062 if is_old else _RECORDING), own]
    more = {"NAME": name, "RECORD": str(record)}
    poke_url = None if is_old else f"{own}/api/poke"
    with _started(version, api_url, _ANY_TOKEN, command, poke_url=poke_url, more=more) as agent:
        yield agent


def _common_options(name: str, labels: Sequence[str], environment: Sequence[str]) -> list[str]:
    options = ["--name", name]
    for label in labels:
        options += ["--label", label]
    for variable in environment:
        options += ["--env", variable]
    return options


@contextmanager
def _agent(
    version: str,
    api_url: str,
    token: str | None,
    kind: Literal["local", "docker"],
    options: Sequence[str],
) -> Iterator[RunningAgent]:
    own = f"http://127.0.0.1:{free_port()}"
    prefect = str(prefect_python(version).parent / "prefect")
    command = [prefect, "agent", kind, "start", "--agent-address", own, *options]
    with _started(version, api_url, token, command, poke_url=f"{own}/api/poke") as agent:
        yield agent


@contextmanager
def _started(
    version: str,
    api_url: str,
    token: str | None,
    command: Sequence[str],
    *,
    poke_url: str | None,
    more: Mapping[str, str] = _NOTHING,
) -> Iterator[RunningAgent]:
    """The process in a session and a home of its own, once it waits for runs."""
    with tempfile.TemporaryDirectory(prefix="flowtui-agent-") as name:
        home, log = Path(name) / "home", Path(name) / "log"
        home.mkdir()
        environment = {
            "PATH": f"{prefect_python(version).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            **client_environment(version, api_url, token),
            **more,
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=home,
                start_new_session=True,
            )
        try:
            agent = RunningAgent(version, process, log, poke_url)
            agent.wait_until_it_said("Waiting for flow runs")
            yield agent
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGINT as Ctrl-C would be, then SIGKILL to all of its session: flow processes outlive it."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
