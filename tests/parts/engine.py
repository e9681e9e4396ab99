"""A private Docker engine: its images stay in the test cache, everything else is temporary."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tests.parts.cache import cache_root
from tests.parts.need import missing
from tests.parts.packages import program

_START_SECONDS = 90
_FLAG_SETS: tuple[tuple[str, ...], ...] = (
    (),
    ("--iptables=false", "--ip-masq=false"),
    ("--iptables=false", "--ip-masq=false", "--bridge=none"),
)
"""From all features to what a small kernel still gives; the first that starts is taken."""


@dataclass(frozen=True)
class RunningEngine:
    """An engine that runs for this test session."""

    socket: Path
    network: str
    """`bridge` when containers have a way out through it, else `host` or `none`."""

    @property
    def url(self) -> str:
        """What DOCKER_HOST takes."""
        return f"unix://{self.socket}"

    def docker(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run the docker command line against this engine: the independent witness of tests."""
        done = subprocess.run(
            ["docker", "--host", self.url, *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            env={**os.environ, "DOCKER_BUILDKIT": "0"},
        )
        if done.returncode != 0:
            raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr.decode()}")
        return done.stdout.decode().strip()

    def gateway(self) -> str:
        """The address of this machine that containers of the default network reach."""
        if self.docker("network", "ls", "--quiet", "--filter", "name=^bridge$") == "":
            missing("bridge network", "containers of this engine cannot reach a server here")
        template = "{{(index .IPAM.Config 0).Gateway}}"
        return self.docker("network", "inspect", "bridge", "--format", template)

    def with_variable(self, text: str, *, running: bool = False) -> list[str]:
        """Ids of containers, all or those that run, with `text` in their environment."""
        found: list[str] = []
        for container in self.docker("ps", "--quiet", *([] if running else ["--all"])).split():
            with contextlib.suppress(RuntimeError):  # it is gone in the meantime
                if text in self.docker("inspect", "--format", "{{.Config.Env}}", container):
                    found.append(container)
        return found

    def remove_with_variable(self, text: str) -> None:
        """Remove containers, whatever they do, that have `text` in their environment."""
        for container in self.with_variable(text):
            with contextlib.suppress(RuntimeError):  # its agent was quicker
                self.docker("rm", "--force", container)

    def containers(self, mark: str) -> list[str]:
        """Containers, running or not, with `mark` in their command, name or labels.

        Other test sessions may use the same engine: there is no count of all of them.
        """
        line = "{{.ID}} {{.Command}} {{.Names}} {{.Labels}}"
        listed = self.docker("ps", "--all", "--no-trunc", "--format", line)
        return [found for found in listed.splitlines() if mark in found]


@contextmanager
def running_engine() -> Iterator[RunningEngine]:
    """A dockerd of our own until the block ends.

    Its data root (images) is in the cache. Test sessions at the same time share one engine: the
    first starts it, the last ends it. Set FLOWTUI_TEST_DOCKER_HOST to use a running one instead.
    """
    given = os.environ.get("FLOWTUI_TEST_DOCKER_HOST")
    if given:
        yield RunningEngine(Path(given.removeprefix("unix://")), "bridge")
        return
    dockerd = program("dockerd")
    if dockerd is None or program("docker") is None:
        missing("Docker engine", "no dockerd and docker on PATH (Debian: docker.io)")
    if os.geteuid() != 0:
        missing(
            "Docker engine", "dockerd needs root; set FLOWTUI_TEST_DOCKER_HOST to a running one"
        )
    with (cache_root() / ".engine-users.lock").open("w") as users:
        with _alone():
            fcntl.flock(users, fcntl.LOCK_SH)
            engine = _shared() or _started(dockerd)
        try:
            yield engine
        finally:
            with _alone():
                fcntl.flock(users, fcntl.LOCK_UN)
                _end_if_last(users)


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time starts or ends the engine."""
    with (cache_root() / ".engine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _state() -> Path:
    return cache_root() / ".engine.json"


def _shared() -> RunningEngine | None:
    """The engine that another session runs, or that a killed one left behind."""
    if not _state().exists():
        return None
    state = json.loads(_state().read_text())
    engine = RunningEngine(Path(state["folder"]) / "docker.sock", state["network"])
    if _answers(engine.socket):
        return engine
    _end(state)
    return None


def _end_if_last(users: TextIO) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if _state().exists():
        _end(json.loads(_state().read_text()))


def _end(state: dict[str, Any]) -> None:
    """End the engine that we started, known by its pid and its own command line."""
    pid, folder = state["pid"], state["folder"]
    command = Path(f"/proc/{pid}/cmdline")
    try:
        if folder in command.read_text():
            os.kill(pid, signal.SIGTERM)
            end = time.monotonic() + 30
            while command.exists() and command.read_text() and time.monotonic() < end:
                _reap(pid)
                time.sleep(0.05)
    except (FileNotFoundError, ProcessLookupError):
        pass
    subprocess.run(["umount", "--recursive", folder], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)
    _state().unlink()


def _reap(pid: int) -> None:
    """Take the exit status of our own child; of another session's engine there is none to take."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _started(dockerd: str) -> RunningEngine:
    data = cache_root() / "engine"
    data.mkdir(exist_ok=True)
    flag_sets = _FLAG_SETS
    if Path("/var/run/docker.sock").exists():
        flag_sets = _FLAG_SETS[-1:]  # the machine's own engine has the bridge
    said = ""
    for flags in flag_sets:
        folder = Path(tempfile.mkdtemp(prefix="flowtui-engine-"))
        process, log = _launch(dockerd, data, folder, flags)
        network = "bridge" if flags == () else "host"
        state = {"pid": process.pid, "folder": str(folder), "network": network}
        _state().write_text(json.dumps(state))
        if _answers(folder / "docker.sock", process):
            engine = RunningEngine(folder / "docker.sock", network)
            _remove_leftovers(engine)
            return engine
        said = log.read_text()[-2000:]
        _end(state)
    return missing("Docker engine", f"dockerd does not start: {said}")


def _launch(
    dockerd: str, data: Path, folder: Path, flags: tuple[str, ...]
) -> tuple[subprocess.Popen[bytes], Path]:
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                dockerd,
                f"--data-root={data}",
                f"--exec-root={folder / 'exec'}",
                f"--pidfile={folder / 'pid'}",
                f"--host=unix://{folder / 'docker.sock'}",
                *flags,
            ],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return process, log


def _answers(path: Path, starting: subprocess.Popen[bytes] | None = None) -> bool:
    """True when an engine answers at this socket; one that is `starting` is waited for."""
    end = time.monotonic() + _START_SECONDS
    while True:
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.connect(str(path))
            client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            if b"200 OK" in client.recv(200):
                return True
        if starting is None or starting.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(0.05)


def _remove_leftovers(engine: RunningEngine) -> None:
    """Containers of a session that was killed."""
    if left := engine.docker("ps", "--all", "--quiet").split():
        engine.docker("rm", "--force", *left)
