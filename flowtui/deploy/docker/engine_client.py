"""The HTTP client for one engine: over a unix socket, TCP with or without TLS, or ssh."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flowtui.deploy.docker.docker_config import DEFAULT_SOCKET, Endpoint
from flowtui.deploy.docker.engine_errors import unusable_address, where
from flowtui.deploy.docker.ssh_tunnel import ssh_tunnel
from flowtui.errors import EngineError

if TYPE_CHECKING:
    import httpx


@asynccontextmanager
async def engine_client(
    endpoint: Endpoint, environ: Mapping[str, str]
) -> AsyncGenerator[httpx.AsyncClient]:
    """A client whose paths are the engine's. Raises EngineError for what is known to fail."""
    if endpoint.scheme == "tcp":
        async with _over_tcp(endpoint) as client:
            yield client
    elif endpoint.scheme == "ssh":
        async with ssh_tunnel(endpoint) as socket, _over_socket(socket) as client:
            yield client
    else:
        socket = Path(endpoint.url.removeprefix("unix://"))
        _check_socket(socket, endpoint, environ)
        async with _over_socket(socket) as client:
            yield client


def _over_tcp(endpoint: Endpoint) -> httpx.AsyncClient:
    import httpx

    scheme = "https" if endpoint.tls else "http"
    try:
        url = httpx.URL(f"{scheme}://{endpoint.url.removeprefix('tcp://')}")
    except httpx.InvalidURL:
        raise unusable_address(endpoint) from None
    if not url.host or not 0 < (url.port or 80) < 2**16:
        raise unusable_address(endpoint)
    return httpx.AsyncClient(base_url=url, verify=_tls_context(endpoint), trust_env=False)


def _over_socket(socket: Path) -> httpx.AsyncClient:
    import httpx

    # There is no TLS on a socket; reading all the certificates for it takes 25 ms each time.
    transport = httpx.AsyncHTTPTransport(uds=str(socket), verify=False)
    return httpx.AsyncClient(transport=transport, base_url="http://docker", trust_env=False)


def _tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    files = endpoint.tls
    try:
        context = ssl.create_default_context(cafile=str(files.ca) if files and files.ca else None)
        if files is not None and not files.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if files is not None and files.cert is not None and files.key is not None:
            context.load_cert_chain(files.cert, files.key)
    except (OSError, ssl.SSLError) as error:
        raise EngineError(
            f"the TLS certificates for the Docker engine cannot be used: {error}",
            where=where(endpoint),
            fix="check ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH or in the context",
        ) from error
    return context


def _check_socket(socket: Path, endpoint: Endpoint, environ: Mapping[str, str]) -> None:
    """Raise the error that helps when a unix socket cannot be used."""
    there = _exists(socket, hidden=True)
    by_effective = os.access in os.supports_effective_ids
    if there and os.access(socket, os.R_OK | os.W_OK, effective_ids=by_effective):
        return
    if there:
        raise EngineError(
            "no permission to use the Docker engine",
            where=where(endpoint),
            fix="add yourself to the group docker (`sudo usermod -aG docker $USER`, then log in "
            "again), or use a rootless engine",
        )
    others = [other for other in _other_sockets(environ) if other != socket and _exists(other)]
    found = "".join(f"; found a socket at {other}: DOCKER_HOST=unix://{other}" for other in others)
    raise EngineError(
        "no Docker engine: its socket does not exist",
        where=where(endpoint),
        fix="start the engine (`sudo systemctl start docker`), set DOCKER_HOST, or deploy with "
        f"--storage local{found}",
    )


def _exists(path: Path, *, hidden: bool = False) -> bool:
    """`hidden` is the answer for a path in a folder that we may not look into."""
    try:
        return path.exists()
    except PermissionError:
        return hidden
    except OSError:
        return False


def _other_sockets(environ: Mapping[str, str]) -> tuple[Path, ...]:
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    return (
        Path(DEFAULT_SOCKET),
        runtime / "docker.sock",
        Path.home() / ".docker/run/docker.sock",
        runtime / "podman/podman.sock",
        Path("/run/podman/podman.sock"),
    )
