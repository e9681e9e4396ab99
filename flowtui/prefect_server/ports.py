"""Where a server of ours listens: as before, else at Prefect's own port, else anywhere."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from flowtui.addresses import is_loopback
from flowtui.config import load_user
from flowtui.errors import FlowtuiError
from flowtui.models import Interpreter
from flowtui.prefect_server.launch import profile_name, usable_version
from flowtui.prefect_server.running import check_unclaimed

PREFECTS_PORT = 4200


def port_for(interpreter: Interpreter, host: str, wanted: int | None) -> int:
    """The port to listen on; `wanted` 0 or None leaves it to us. Blocking.

    Raises FlowtuiError when the wanted one is taken, or this very server runs already.
    """
    profile = profile_name(usable_version(interpreter))
    check_unclaimed(profile)
    if not wanted:
        return free_port(host) if wanted == 0 else usual_port(profile, host)
    if not _is_free(host, wanted):
        raise FlowtuiError(
            f"port {wanted} is in use",
            where=f"{host}:{wanted}",
            fix="stop what listens there, or choose another with --port (0 picks a free one)",
        )
    return wanted


def usual_port(profile: str, host: str) -> int:
    """The port of the profile's address if it is free, else Prefect's own, else any. Blocking."""
    known = load_user().profiles.get(profile)
    before = None
    if known is not None and is_loopback(known.api_url):
        before = urlsplit(known.api_url).port
    for port in (before, PREFECTS_PORT):
        if port is not None and _is_free(host, port):
            return port
    return free_port(host)


def free_port(host: str) -> int:
    """One that was free a moment ago. Raises FlowtuiError for a host that is not this machine."""
    try:
        with socket.create_server((host, 0), family=_family(host)) as listener:
            return listener.getsockname()[1]
    except OSError as error:
        raise FlowtuiError(
            f"cannot listen: {error.strerror}", where=host, fix="choose another --host"
        ) from None


def _is_free(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port), family=_family(host)):
            return True
    except OSError:
        return False


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
