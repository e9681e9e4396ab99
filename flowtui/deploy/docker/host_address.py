"""How a container reaches the machine that flowtui runs on: by engine, measured and read.

Docker on Linux: the gateway of its bridge is this machine. Docker Desktop: a name of its own, that
leads to this machine's loopback. A rootless engine's bridge is in a network of its own, so this
machine's address in its own network is left. An engine on another machine has no way back.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from flowtui.addresses import is_loopback
from flowtui.deploy.docker.docker_config import Endpoint, find_endpoint
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.engine_errors import EngineRefusedError, where
from flowtui.errors import EngineError
from flowtui.json_shapes import items, mapping

DESKTOP_NAME = "host.docker.internal"
_BRIDGES = ("bridge", "podman")
_SECONDS = 8.0
_SOMEWHERE_ELSE = ("192.0.2.1", 9)
"""An address of documentation: asking for the way to it sends nothing."""


@dataclass(frozen=True, slots=True)
class HostAddress:
    """This machine as a container sees it."""

    name: str
    """An IP address, or `host.docker.internal`."""
    listen: str
    """What a server has to listen on for that; empty where loopback is enough."""
    engine_url: str
    open_to_network: bool = False
    """Whether other machines reach that address too."""


async def host_address(
    environ: Mapping[str, str] = os.environ, *, seconds: float = _SECONDS
) -> HostAddress:
    """Ask the engine that a deploy would use.

    Raises EngineError when it does not answer, or when its containers cannot reach this machine.
    """
    endpoint = await asyncio.to_thread(find_endpoint, environ)
    if _is_remote(endpoint):
        raise EngineError(
            "the Docker engine runs on another machine: its containers cannot reach a control "
            "plane that listens on this machine's loopback",
            where=where(endpoint),
            fix="use a control plane that both machines reach: flowtui server --host ADDRESS",
        )
    try:
        async with asyncio.timeout(seconds), await Engine.connect(endpoint, environ) as engine:
            return await _asked(engine, endpoint)
    except TimeoutError:
        raise EngineError(
            f"the Docker engine does not answer within {seconds:g} s",
            where=where(endpoint),
            fix="see whether it still runs (`docker version`)",
        ) from None


async def _asked(engine: Engine, endpoint: Endpoint) -> HostAddress:
    about = await engine.about()
    if _is_desktop(str(about.get("OperatingSystem") or "")):
        return HostAddress(DESKTOP_NAME, "", endpoint.url)
    if any("rootless" in str(option) for option in items(about.get("SecurityOptions"))):
        address = await asyncio.to_thread(_own_address)
        if address is None:
            raise EngineError(
                "containers of a rootless engine reach this machine by its address in a network, "
                "and it has none",
                where=where(endpoint),
                fix="connect it to a network, or run the flow's containers with --network host",
            )
        return HostAddress(address, address, endpoint.url, open_to_network=True)
    for bridge in _BRIDGES:
        gateway = await _gateway(engine, bridge)
        if gateway:
            return HostAddress(gateway, gateway, endpoint.url)
    raise EngineError(
        "the Docker engine has no bridge network: its containers have no way to this machine",
        where=where(endpoint),
        fix="start the engine with its default bridge, or the agent with --network host",
    )


def _is_remote(endpoint: Endpoint) -> bool:
    if endpoint.scheme == "tcp":
        host = urlsplit(endpoint.url).hostname or ""
        return not is_loopback(f"//[{host}]" if ":" in host else f"//{host}")
    return endpoint.scheme == "ssh"


def _is_desktop(operating_system: str) -> bool:
    """Every engine on macOS runs in a virtual machine that knows Docker Desktop's name."""
    return operating_system.startswith("Docker Desktop") or sys.platform == "darwin"


async def _gateway(engine: Engine, network: str) -> str:
    """The address of this machine in a network of the engine; empty where it has none."""
    try:
        found = await engine.network(network)
    except EngineRefusedError as refusal:
        if refusal.status == 404:
            return ""
        raise
    for config in items(mapping(found.get("IPAM")).get("Config")):
        told = mapping(config)
        if told.get("Gateway"):
            return str(told["Gateway"])
        try:
            subnet = ipaddress.ip_network(str(told.get("Subnet")))
        except ValueError:
            continue
        return str(subnet[1])  # an engine that chose the gateway itself took the first one
    return ""


def _own_address() -> str | None:
    """This machine's address on the way out of it. Blocking, sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(_SOMEWHERE_ELSE)
        except OSError:
            return None
        return str(way.getsockname()[0])
