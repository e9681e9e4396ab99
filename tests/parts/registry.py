"""Real registries on free loopback ports: plain, with a password, behind TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.parts.need import missing

_START_SECONDS = 90
USER, PASSWORD = "alice", "wonder-land-7"


@dataclass(frozen=True)
class RunningRegistry:
    """A registry that runs for a test."""

    host: str
    """`127.0.0.1:port`: the `registry_url`."""
    ca: Path | None = None
    """Certificate to trust, for a registry behind TLS."""


@contextmanager
def running_registry(
    *, password: bool = False, tls: bool = False, address: str = "127.0.0.1"
) -> Iterator[RunningRegistry]:
    """A docker-registry of our own until the block ends; with `password` for USER and PASSWORD."""
    program = shutil.which("docker-registry") or shutil.which("registry")
    if program is None:
        missing("registry", "no docker-registry on PATH (Debian: docker-registry)")
    with tempfile.TemporaryDirectory(prefix="flowtui-registry-") as name:
        folder = Path(name)
        port = free_port(address)
        certificate = make_certificate(folder, address) if tls else None
        configuration = folder / "config.yml"
        configuration.write_text(_configuration(folder, f"{address}:{port}", password, certificate))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, "serve", str(configuration)], stdout=log, stderr=log
            )
        try:
            _wait_for(address, port, process, folder / "log")
            yield RunningRegistry(f"{address}:{port}", certificate)
        finally:
            process.terminate()
            process.wait()


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def make_certificate(folder: Path, address: str) -> Path:
    """A self-signed certificate for `address` and localhost; its key is `key.pem` beside it."""
    certificate = folder / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", str(folder / "key.pem"), "-out", str(certificate)),
            *("-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{address}"),
        ],
        check=True,
        capture_output=True,
    )
    return certificate


def _configuration(folder: Path, address: str, password: bool, certificate: Path | None) -> str:
    lines = [
        "version: 0.1",
        "log: {level: warn}",
        "storage:",
        f"  filesystem: {{rootdirectory: {folder / 'store'}}}",
        "  delete: {enabled: true}",
        "http:",
        f"  addr: {address}",
    ]
    if certificate is not None:
        lines.append(f"  tls: {{certificate: {certificate}, key: {folder / 'key.pem'}}}")
    if password:
        import bcrypt

        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
        (folder / "htpasswd").write_text(f"{USER}:{hashed}\n")
        lines.append(f"auth: {{htpasswd: {{realm: test, path: {folder / 'htpasswd'}}}}}")
    return "\n".join(lines) + "\n"


def _wait_for(address: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection((address, port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    missing("registry", f"docker-registry does not start: {log.read_text()[-1000:]}")
