"""The embedded server as a process: `serve` blocks until it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import uvicorn

from flowtui import paths
from flowtui.errors import FlowtuiError, UsageError
from flowtui.models import Problem
from flowtui.server.app import Door, build_app
from flowtui.server.database import open_database
from flowtui.server.services import services
from flowtui.server.services.background import Background, running
from flowtui.server.services.settings import ServiceSettings
from flowtui.server.tokens import VARIABLE

DEFAULT_PORT = 4200
"""Prefect Server's own: its clients and Docker agents assume it."""
_GRACE_SECONDS = 5
_IDLE_SECONDS = 75
"""Longer than clients keep a connection that nobody uses (httpx: 5): one that the server closes
just as a client sends on it is an error there."""
_BACKLOG = 128
_EVERYWHERE = ("0.0.0.0", "::")


def default_database() -> Path:
    return paths.server_database()


@dataclass(frozen=True)
class Containers:
    """How containers of a Docker engine are to reach the server."""

    name: str
    """What they call this machine: an address of it, or `host.docker.internal`."""
    listen: str
    """What to listen on for that, beside the server's own address; empty: nothing more."""
    token: str = field(repr=False)
    """What they have to send, also where the server's own address needs nothing."""
    required: bool = True
    """False: where that address cannot be had, the server does without."""


@dataclass(frozen=True)
class Ready:
    """A server that answers."""

    url: str
    containers_url: str = ""
    """Where containers reach it; empty: nowhere."""
    containers_problem: Problem | None = None
    """Why they do not, where that was wanted."""


@dataclass(frozen=True)
class ServerSettings:
    """How to serve. Raises nothing itself; `serve` checks."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    """0 picks a free one."""
    database: Path | str = field(default_factory=default_database)
    """A file, or a URL: postgresql://user@host/name."""
    token: str | None = field(default=None, repr=False)
    containers: Containers | None = None
    services: ServiceSettings = field(default_factory=ServiceSettings)


class _Server(uvicorn.Server):
    """Calls back once requests are answered."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()


def serve(settings: ServerSettings, *, on_ready: Callable[[Ready], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is called once requests are answered.

    Raises UsageError (not loopback without a token, unknown host) and FlowtuiError (port in use,
    database unreachable).
    """
    address = _resolve(settings)
    _require_token(settings, address)
    database = open_database(settings.database)
    try:
        with ExitStack() as listening:
            listener = listening.enter_context(_listen(address))
            listeners = [listener]
            port = listener.getsockname()[1]
            ready = Ready(_url(settings.host, port))
            if settings.containers is not None:
                ready, more = _for_containers(settings.containers, address, ready, port)
                listeners += [listening.enter_context(each) for each in more]
            app = build_app(database, _door(settings), ready.containers_url)
            config = uvicorn.Config(
                app,
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
            background = Background(database, services(settings.services))
            with running(background):
                _run(_Server(config, lambda: on_ready(ready)), listeners)
    finally:
        database.close()


def _door(settings: ServerSettings) -> Door:
    beyond = settings.containers.token if settings.containers is not None else None
    return Door(settings.token, settings.token is None, token_beyond_loopback=beyond)


def _for_containers(
    wanted: Containers, own: _Address, ready: Ready, port: int
) -> tuple[Ready, list[socket.socket]]:
    """What is told of the way for containers, and the listener that this way needs."""
    reached = replace(ready, containers_url=_url(wanted.name, port))
    if not wanted.listen or own.ip in (wanted.listen, *_EVERYWHERE):
        return reached, []
    family = socket.AF_INET6 if ":" in wanted.listen else socket.AF_INET
    try:
        return reached, [_listen(_Address(family, wanted.listen, port))]
    except FlowtuiError as error:
        if wanted.required:
            raise
        return replace(ready, containers_problem=error.problem), []


@dataclass(frozen=True)
class _Address:
    family: socket.AddressFamily
    ip: str
    port: int


def _resolve(settings: ServerSettings) -> _Address:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise UsageError(
            f"{settings.host} is not an address of this machine", fix="bind to 127.0.0.1"
        ) from None
    return _Address(family, str(address[0]), settings.port)


def _require_token(settings: ServerSettings, address: _Address) -> None:
    """By the address itself: a name may mean anything."""
    if settings.token is not None or ipaddress.ip_address(address.ip).is_loopback:
        return
    raise UsageError(
        f"a server on {settings.host} can be reached by others, so it needs a token",
        fix=f"set {VARIABLE}, or bind to 127.0.0.1",
    )


def _listen(address: _Address) -> socket.socket:
    where = f"{address.ip}:{address.port}"
    try:
        listener = socket.create_server(
            (address.ip, address.port), family=address.family, backlog=_BACKLOG
        )
    except OverflowError:
        raise UsageError(
            f"{address.port} is not a port", where=where, fix="ports go from 0 to 65535"
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise FlowtuiError(
                f"port {address.port} is in use",
                where=where,
                fix="stop what listens there, or choose another with --port (0 picks a free one)",
            ) from None
        raise FlowtuiError(
            f"cannot listen: {error.strerror}", where=where, fix="choose another --host or --port"
        ) from None
    # asyncio does this for listeners that it makes itself. Without it the body of each answer
    # waits 40 ms for the client to confirm the head; connections take it from the listener.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _run(server: uvicorn.Server, listeners: list[socket.socket]) -> None:
    """uvicorn raises the signal that stopped it again when it is done; by then it has done its
    work, so the second one is let go."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    stoppers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, _ignore) for number in stoppers}
    try:
        asyncio.run(server.serve(sockets=listeners))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    return None
