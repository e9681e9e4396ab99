"""The control plane's address as the containers of a Docker agent reach it.

Docker agents from 0.12 on rewrite an address with `localhost` in it to `host.docker.internal` with
the port of `server.port`, and hand every other one on as it is: with `127.0.0.1` a container would
call itself.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from flowtui import addresses, paths
from flowtui.addresses import is_loopback
from flowtui.agents.spec import Place
from flowtui.credentials import Secret
from flowtui.deploy.docker.docker_config import Endpoint, find_endpoint
from flowtui.deploy.docker.host_address import DESKTOP_NAME, HostAddress, host_address
from flowtui.errors import CredentialsError, EngineError, UsageError
from flowtui.json_shapes import mapping

_SECONDS = 5.0


async def docker_place(
    api_url: str,
    token: Secret | None,
    networks: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Place:
    """The control plane at an address that works in containers, with the token it wants there.

    Raises what `reached_by_containers` raises, and CredentialsError without that token.
    """
    place = await reached_by_containers(api_url, networks, environ)
    if token is None and place.wants_token:
        token = await asyncio.to_thread(_servers_token)
        if token is None:
            raise CredentialsError(
                f"the server wants its token from containers at {place.api_url}, and it is not "
                "known here",
                where=str(paths.server_token_file()),
                fix="give it in FLOWTUI_API_KEY: the server was started by another user or with "
                "another FLOWTUI_HOME",
            )
    return replace(place, token=token)


async def reached_by_containers(
    api_url: str, networks: Sequence[str] = (), environ: Mapping[str, str] = os.environ
) -> Place:
    """The same without a token.

    Raises EngineError when the engine does not answer or cannot be given to an agent, UsageError
    when there is no such address: it says how to get one.
    """
    endpoint = await asyncio.to_thread(find_endpoint, environ)
    _check_engine(endpoint)
    if not is_loopback(api_url):
        return Place(api_url, engine_url=endpoint.url)
    if tuple(networks) == ("host",):  # this machine's own loopback, by a name nobody rewrites
        url = api_url.replace("//localhost", "//127.0.0.1", 1)
        return Place(url, engine_url=endpoint.url)
    host = await host_address(environ)
    port = urlsplit(api_url).port or 80
    if host.name == DESKTOP_NAME:
        return Place(f"http://localhost:{port}", engine_url=endpoint.url)
    announced = await served_to_containers(api_url)
    if announced is None:
        return _foreign(api_url, endpoint, host)
    if not announced:
        raise UsageError(
            f"containers cannot reach {api_url}: the server listens on loopback only",
            where=api_url,
            fix="start it as `flowtui server --containers`: it then also listens on "
            f"{host.listen}, where it always wants its token",
        )
    if urlsplit(announced).hostname != host.name:
        raise UsageError(
            f"the server listens for containers on {announced}, and this engine's reach this "
            f"machine as {host.name}",
            where=f"the Docker engine {host.engine_url}",
            fix="start `flowtui server --containers` again, with the same DOCKER_HOST as here",
        )
    return Place(announced, engine_url=endpoint.url, wants_token=True)


async def served_to_containers(api_url: str) -> str | None:
    """The address for containers that an embedded server at `api_url` tells.

    Empty when it serves none. None when something else answers there, or nothing does.
    """
    import httpx

    try:
        async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
            answer = await client.get(addresses.origin(api_url))
            told = mapping(json.loads(answer.content))
    except (httpx.HTTPError, ValueError):
        return None
    if told.get("name") != "flowtui server":
        return None
    return str(told.get("containers") or "")


def _foreign(api_url: str, endpoint: Endpoint, host: HostAddress) -> Place:
    """A control plane of others on this machine: what Docker agents make of `localhost` is the
    best there is, and it works where that server listens on more than loopback."""
    port = urlsplit(api_url).port or 80
    note = (
        f"containers are told http://{DESKTOP_NAME}:{port} for {api_url}: the control plane must "
        f"listen on {host.listen} (or on every address) for that; if runs stay Submitted, it does "
        "not"
    )
    return Place(f"http://localhost:{port}", engine_url=endpoint.url, notes=(note,))


def _servers_token() -> Secret | None:
    """The token that the embedded server made for itself, readable by the same user."""
    try:
        text = paths.server_token_file().read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return Secret(text) if text else None


def _check_engine(endpoint: Endpoint) -> None:
    """An agent reaches its engine through docker-py, by an address alone."""
    if endpoint.scheme == "ssh":
        raise EngineError(
            "Prefect's Docker agent does not reach an engine over ssh",
            where=f"{endpoint.url} (from {endpoint.origin})",
            fix="start the agent on the engine's machine, or set DOCKER_HOST to a local engine",
        )
    if endpoint.tls is not None:
        raise EngineError(
            "Prefect's Docker agent does not reach an engine behind TLS",
            where=f"{endpoint.url} (from {endpoint.origin})",
            fix="start the agent on the engine's machine, or set DOCKER_HOST to a local engine",
        )
