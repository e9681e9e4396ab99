"""Reaches a Docker engine on another machine through the person's own `ssh`."""

from __future__ import annotations

import asyncio
import os
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from flowtui.deploy.docker.docker_config import DEFAULT_SOCKET, Endpoint
from flowtui.deploy.docker.engine_errors import unusable_address, where
from flowtui.deploy.uncancelled import uncancelled
from flowtui.errors import EngineError

_CONNECT_SECONDS = 15.0
_END_SECONDS = 2.0
"""From SIGTERM to SIGKILL."""


@asynccontextmanager
async def ssh_tunnel(endpoint: Endpoint) -> AsyncGenerator[Path]:
    """A unix socket here that is the engine's socket there, as long as the context lasts.

    Raises EngineError for an address that cannot be used, and with what ssh said when there is no
    connection.
    """
    address = _address(endpoint)
    with tempfile.TemporaryDirectory(prefix="flowtui-ssh-", ignore_cleanup_errors=True) as folder:
        socket, said = Path(folder) / "docker.sock", Path(folder) / "said"
        process = await _started(_command(address, socket), said, endpoint)
        try:
            await _listening(process, socket, said, endpoint)
            yield socket
        finally:
            await uncancelled(_ended(process))


def _address(endpoint: Endpoint) -> SplitResult:
    try:
        address = urlsplit(endpoint.url)
        unusable = not address.hostname or address.password or address.port == 0
    except ValueError:
        raise unusable_address(endpoint) from None
    words = (address.username or "", address.hostname or "")
    if unusable or any(word.startswith("-") for word in words):
        raise unusable_address(endpoint)
    return address


def _command(address: SplitResult, socket: Path) -> list[str]:
    remote = address.path if address.path.strip("/") else DEFAULT_SOCKET
    # A shared master connection would keep the forwarding when this ssh has ended.
    options = ["BatchMode=yes", "ExitOnForwardFailure=yes", "ControlPath=none"]
    options.append(f"ConnectTimeout={int(_CONNECT_SECONDS) - 5}")
    return [
        "ssh",
        "-nNT",
        *(word for option in options for word in ("-o", option)),
        *("-L", f"{socket}:{remote}"),
        *(("-p", str(address.port)) if address.port else ()),
        *(("-l", address.username) if address.username else ()),
        "--",
        address.hostname or "",
    ]


async def _started(command: list[str], said: Path, endpoint: Endpoint) -> Process:
    """`said` is the file for what ssh writes: a helper that it leaves behind may keep it open."""
    try:
        with open(said, "wb") as stderr:  # noqa: ASYNC230, PTH123
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
    except FileNotFoundError as error:
        raise EngineError(
            "the Docker engine is behind ssh, and there is no ssh program here",
            where=where(endpoint),
            fix="install openssh-client, or set DOCKER_HOST to another engine",
        ) from error


async def _listening(process: Process, socket: Path, said: Path, endpoint: Endpoint) -> None:
    """Return when ssh has made the socket: it does so when it is connected."""
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            # Nothing tells when ssh makes the socket: it is looked for.
            while process.returncode is None and not os.path.exists(socket):  # noqa: ASYNC110, ASYNC240, PTH110
                await asyncio.sleep(0.02)
    except TimeoutError:
        reason = f"no connection within {_CONNECT_SECONDS:.0f} s"
    else:
        if process.returncode is None:
            return
        words = (await asyncio.to_thread(said.read_bytes))[:4096].decode(errors="replace").strip()
        reason = words or f"ssh ended with exit status {process.returncode}"
    host = endpoint.url.removeprefix("ssh://").partition("/")[0]
    raise EngineError(
        f"cannot reach the Docker engine's machine by ssh: {reason}",
        where=where(endpoint),
        fix=f"make `ssh {host} true` work without a password prompt",
    )


async def _ended(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
