"""What a Docker engine that refuses, breaks off or cannot be reached means for a person."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flowtui.errors import EngineError
from flowtui.json_shapes import mapping

if TYPE_CHECKING:
    from flowtui.deploy.docker.docker_config import Endpoint


class EngineRefusedError(EngineError):
    """The engine was reached and said no."""

    def __init__(self, status: int, message: str, *, where: str) -> None:
        super().__init__(f"the Docker engine refuses: {message}", where=where)
        self.status = status
        self.message = message


def where(endpoint: Endpoint) -> str:
    return f"{endpoint.url} (from {endpoint.origin})"


def refusal(status: int, content: bytes, endpoint: Endpoint) -> EngineRefusedError:
    """From an answer with an error status; `content` is the engine's JSON, or a proxy's page."""
    text = content.decode(errors="replace").strip()
    try:
        message = str(mapping(json.loads(text)).get("message", "")) or text
    except ValueError:
        message = text
    return EngineRefusedError(status, message or f"HTTP status {status}", where=where(endpoint))


def not_an_engine(what: str, endpoint: Endpoint) -> EngineError:
    return EngineError(
        f"this is not a Docker engine: {what}",
        where=where(endpoint),
        fix="point DOCKER_HOST at a Docker engine",
    )


def unusable_address(endpoint: Endpoint) -> EngineError:
    return EngineError(
        f"this address of a Docker engine cannot be used: {endpoint.url}",
        where=endpoint.origin,
        fix="use unix:///path/to/docker.sock, tcp://host:port or ssh://user@host:port",
    )


@contextmanager
def reaching(endpoint: Endpoint) -> Generator[None]:
    """Turns httpx's errors into one EngineError that says which engine and what to do."""
    import httpx

    try:
        yield
    except httpx.TransportError as error:
        raise unreachable(error, endpoint) from error


def unreachable(error: Exception, endpoint: Endpoint) -> EngineError:
    import httpx

    place = where(endpoint)
    if isinstance(error, httpx.ReadTimeout):
        return EngineError(
            "the Docker engine does not answer",
            where=place,
            fix="look at the engine's own log (`journalctl -u docker`), or restart it",
        )
    if isinstance(error, (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)):
        return EngineError(
            "the Docker engine closed the connection",
            where=place,
            fix="see whether it still runs (`docker version`), then deploy again"
            if endpoint.tls or endpoint.scheme != "tcp"
            else "see whether it still runs; if it wants TLS, set DOCKER_TLS_VERIFY=1",
        )
    reason = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return EngineError(
            f"the TLS certificate of the Docker engine is not trusted: {reason}",
            where=place,
            fix="put the CA that signed it into ca.pem in DOCKER_CERT_PATH or in the context",
        )
    return EngineError(
        f"cannot reach the Docker engine: {reason}",
        where=place,
        fix="start it, or point DOCKER_HOST or DOCKER_CONTEXT at the right one",
    )
