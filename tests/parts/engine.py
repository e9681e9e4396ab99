"""A private Docker engine: its images survive in the test cache, everything else is temporary."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.parts.cache import cache_root
from tests.parts.need import missing

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

    def containers(self) -> list[str]:
        """All containers of this engine, running or not."""
        return self.docker("ps", "--all", "--quiet").split()


@contextmanager
def running_engine() -> Iterator[RunningEngine]:
    """A dockerd of our own until the block ends.

    The data root (images) is in the cache and serves one engine at a time; a second test session
    on the same machine waits for the first. Set FLOWTUI_TEST_DOCKER_HOST to use a running engine.
    """
    given = os.environ.get("FLOWTUI_TEST_DOCKER_HOST")
    if given:
        yield RunningEngine(Path(given.removeprefix("unix://")), "bridge")
        return
    program = shutil.which("dockerd") or shutil.which("dockerd", path="/usr/sbin:/usr/local/sbin")
    if program is None or shutil.which("docker") is None:
        missing("Docker engine", "no dockerd and docker on PATH (Debian: docker.io)")
    if os.geteuid() != 0:
        missing(
            "Docker engine", "dockerd needs root; set FLOWTUI_TEST_DOCKER_HOST to a running one"
        )
    with _data_root() as data, tempfile.TemporaryDirectory(prefix="flowtui-engine-") as folder:
        process, engine = _started(program, data, Path(folder))
        try:
            _remove_leftovers(engine)
            yield engine
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            subprocess.run(["umount", "--recursive", folder], capture_output=True, check=False)


@contextmanager
def _data_root() -> Iterator[Path]:
    folder = cache_root() / "engine"
    folder.mkdir(exist_ok=True)
    with (cache_root() / ".engine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _started(
    program: str, data: Path, folder: Path
) -> tuple[subprocess.Popen[bytes], RunningEngine]:
    said = ""
    remembered = data.parent / ".engine-flags.json"
    known = tuple(json.loads(remembered.read_text())) if remembered.exists() else None
    flag_sets = (known,) if known in _FLAG_SETS else _FLAG_SETS
    if Path("/var/run/docker.sock").exists():
        flag_sets = _FLAG_SETS[-1:]  # the machine's own engine has the bridge
    for number, flags in enumerate(flag_sets):
        process, log = _launch(program, data, folder / str(number), flags)
        path = folder / str(number) / "docker.sock"
        if _answers(process, path):
            remembered.write_text(json.dumps(flags))
            return process, RunningEngine(path, "bridge" if flags == () else "host")
        process.terminate()
        process.wait()
        said = log.read_text()[-2000:]
    remembered.unlink(missing_ok=True)
    return missing("Docker engine", f"dockerd does not start: {said}")


def _launch(
    program: str, data: Path, folder: Path, flags: tuple[str, ...]
) -> tuple[subprocess.Popen[bytes], Path]:
    folder.mkdir()
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                program,
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


def _answers(process: subprocess.Popen[bytes], path: Path) -> bool:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(path))
                client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                if b"200 OK" in client.recv(200):
                    return True
            except OSError:
                pass
        time.sleep(0.05)
    return False


def _remove_leftovers(engine: RunningEngine) -> None:
    """Containers of a session that was killed."""
    if left := engine.containers():
        engine.docker("rm", "--force", *left)
