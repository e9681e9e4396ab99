"""Is the engine there, is the registry there: asked for a status line, never for a deploy.

Nothing is pulled, built or unlocked, every answer has a time limit, and what goes wrong is a
problem with its fix, not an exception.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

from flowtui.deploy.docker.docker_config import Endpoint, find_endpoint
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.engine_errors import where
from flowtui.deploy.docker.registry import Registry, registry_host
from flowtui.deploy.docker.registry_credentials import login_source
from flowtui.errors import FlowtuiError
from flowtui.models import Problem

_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The engine that a deploy would use now."""

    endpoint: str = ""
    """Its address, for example `unix:///var/run/docker.sock`; empty when none could be found."""
    origin: str = ""
    """Who named it: `DOCKER_HOST`, `context "build" (DOCKER_CONTEXT)`, `the default socket`."""
    is_local: bool = False
    """True when it shares this machine's files and loopback network."""
    name: str = ""
    """Product and version, for example `Docker 28.2.2`; empty when it was not reached."""
    api_version: str = ""
    data_folder: str = ""
    """Where it keeps images, as it sees its own files; empty when it does not tell."""
    problem: Problem | None = None

    @property
    def reachable(self) -> bool:
        return self.problem is None


@dataclass(frozen=True, slots=True)
class RegistryStatus:
    """One registry, and whether a push to it would have a login."""

    host: str = ""
    """Host and port, `docker.io` for Docker's own; empty for an address that is none."""
    reachable: bool = False
    """It answered as a registry does; it may still refuse the login."""
    wants_login: bool = False
    login: str = ""
    """What holds the login for it, by name (a credential helper or a file); empty for none."""
    problem: Problem | None = None


async def engine_status(
    environ: Mapping[str, str] = os.environ, *, seconds: float = _SECONDS
) -> EngineStatus:
    """Reach the engine that a deploy would use, within `seconds`."""
    try:
        # In a thread: Docker's configuration may lie on a slow disk.
        endpoint = await asyncio.to_thread(find_endpoint, environ)
    except FlowtuiError as error:
        return EngineStatus(problem=error.problem)
    known = EngineStatus(endpoint.url, endpoint.origin, endpoint.is_local)
    try:
        async with (
            asyncio.timeout(seconds),
            await Engine.connect(endpoint, environ) as engine,
        ):
            return EngineStatus(
                known.endpoint,
                known.origin,
                known.is_local,
                name=engine.name,
                api_version=engine.api_version,
                data_folder=await engine.data_folder(),
            )
    except FlowtuiError as error:
        problem = error.problem
    except TimeoutError:
        problem = _silent_engine(endpoint, seconds)
    return EngineStatus(known.endpoint, known.origin, known.is_local, problem=problem)


async def registry_status(
    registry_url: str,
    environ: Mapping[str, str] = os.environ,
    *,
    check_login: bool = False,
    seconds: float = _SECONDS,
) -> RegistryStatus:
    """Reach a registry, named as `registry_url` names it, within `seconds`.

    Without `check_login` no credential is read: a helper's store may ask a person to unlock it.
    With it the login is tried as a push would.
    """
    host = login = ""
    try:
        host = registry_host(registry_url)
        login = await login_source(host, environ)
    except FlowtuiError as error:
        return RegistryStatus(host, problem=error.problem)
    status = RegistryStatus(host, login=login)
    try:
        async with asyncio.timeout(seconds):
            async with Registry(host, None, environ=environ) as anonymous:
                wants_login = await anonymous.wants_login()
            status = RegistryStatus(host, reachable=True, wants_login=wants_login, login=login)
            if check_login and wants_login and login:
                async with await Registry.open(host, environ) as registry:
                    await registry.check()
    except FlowtuiError as error:
        problem = error.problem
    except TimeoutError:
        problem = _silent_registry(status, seconds)
    else:
        problem = _no_login(host) if wants_login and not login else None
    return RegistryStatus(host, status.reachable, status.wants_login, login, problem)


def _silent_engine(endpoint: Endpoint, seconds: float) -> Problem:
    return Problem(
        f"the Docker engine does not answer within {seconds:g} s",
        where(endpoint),
        "see whether it still runs (`docker version`), or point DOCKER_HOST at another one",
    )


def _silent_registry(status: RegistryStatus, seconds: float) -> Problem:
    if status.reachable:
        return Problem(
            f"the login for {status.host} was not settled within {seconds:g} s",
            status.login,
            "see whether it waits for a password (an unlock dialog), or run `docker login`",
        )
    return Problem(
        f"the registry {status.host} does not answer within {seconds:g} s",
        status.host,
        "see whether its address is right, and whether a proxy or firewall is between",
    )


def _no_login(host: str) -> Problem:
    return Problem(
        f"the registry {host} wants a login, and there is none for it",
        "Docker's configuration",
        f"run `docker login {host}`",
    )
