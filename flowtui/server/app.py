"""GraphQL over HTTP as Prefect's clients speak it: POST on every path, answers with status 200.

A browser page must not drive this server, which may have no token: a POST has to be JSON (a form
or a simple request cannot be), must not come from another origin, and without a token the name in
`Host` must be this machine's (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import logging
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NoReturn, cast
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from flowtui import __version__
from flowtui.server.database import CONNECTIONS, Database
from flowtui.server.execute import Answer, Executor, Request, refusal
from flowtui.server.operations import Act, Caller
from flowtui.server.operations.account import opens

_WRITERS = 2
"""Writes are serial anyway: one is worked out while another is written. However many wait, those
who only read wait for few of them."""
_WRITES = b"mutation"
MAX_BODY_BYTES = 64 * 1024 * 1024
_DISCARD_BYTES = 512 * 1024 * 1024
"""A body that is too large is read to here, so that the client hears why; then it is cut off."""
_BEARER = "bearer "
_OWN_NAMES = frozenset({"localhost", "host.docker.internal"})

log = logging.getLogger("flowtui.server")


class _BadRequestError(Exception):
    def __init__(self, message: str, status: int = 200, code: str = "BAD_REQUEST") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Door:
    """Who may come in."""

    token: str | None
    check_host: bool
    """True where nothing but the name in `Host` tells our own clients from a rebound web page."""
    token_beyond_loopback: str | None = None
    """What connections to any other address of this machine need, where loopback needs nothing."""

    def at(self, address: str) -> Door:
        """The door of a connection that came in at this address of this machine."""
        if self.token is not None or self.token_beyond_loopback is None or is_own_name(address):
            return self
        return Door(self.token_beyond_loopback, check_host=False)


def build_app(database: Database, door: Door, containers_url: str = "") -> Starlette:
    """`containers_url` is told to whoever asks what this is: the address that containers reach."""
    executor = Executor(database)
    writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="graphql-write")
    readers = ThreadPoolExecutor(CONNECTIONS - _WRITERS, thread_name_prefix="graphql-read")

    async def about(_request: HttpRequest) -> Response:
        about = {"name": "flowtui server", "version": __version__, "graphql": "POST here"}
        return _json({**about, "containers": containers_url})

    async def health(_request: HttpRequest) -> Response:
        return _json({"status": "ok", "version": __version__})

    async def graphql(http: HttpRequest) -> Response:
        here = door.at(_address_of(http))
        try:
            _check_origin(http, here)
            body = await _body(http)
        except _BadRequestError as error:
            return _json(refusal(str(error), error.code), error.status)
        except ClientDisconnect:
            return Response(status_code=400)
        workers = writers if _WRITES in body else readers
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(workers, _answer, executor, here, http.headers, body)

    return Starlette(
        routes=[
            Route("/health", health, methods=["GET"]),
            Route("/", about, methods=["GET"]),
            Route("/{path:path}", graphql, methods=["POST"]),
        ]
    )


def _address_of(http: HttpRequest) -> str:
    """The address of this machine that the connection was made to."""
    server = http.scope.get("server")
    return str(server[0]) if server else ""


def _answer(executor: Executor, door: Door, headers: Mapping[str, str], body: bytes) -> Response:
    """The whole of a request that does not wait for the network; runs in a worker thread."""
    try:
        return _json(_content(executor, door, headers, body))
    except _BadRequestError as error:
        return _json(refusal(str(error), error.code), error.status)
    except RecursionError:
        return _json(refusal("the answer is nested too deeply", "INTERNAL_SERVER_ERROR"))
    except Exception:
        log.exception("a request failed")
        return _json(refusal("internal server error", "INTERNAL_SERVER_ERROR"))


def _content(executor: Executor, door: Door, headers: Mapping[str, str], body: bytes) -> Answer:
    caller = _caller(headers)
    if not _may_enter(executor.database, door, caller):
        reason = "the one sent is wrong" if caller.credential else "none was sent"
        return refusal(f"this server needs a token; {reason}", "UNAUTHENTICATED")
    return executor.answer(_request(body), caller)


def _json(content: Answer, status: int = 200) -> Response:
    """Plain ASCII, so that even half of a surrogate pair travels as valid JSON."""
    return Response(
        json.dumps(content, separators=(",", ":")).encode("ascii"),
        status,
        {"server": f"flowtui/{__version__}", "x-content-type-options": "nosniff"},
        "application/json",
    )


def _check_origin(http: HttpRequest, door: Door) -> None:
    host = http.headers.get("host", "")
    if door.check_host and not is_own_name(_host_name(f"//{host}")):
        raise _BadRequestError(
            f"this server answers to its loopback address only, not to {host!r}; "
            "start it with a token to serve other names",
            403,
        )
    origin = http.headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        raise _BadRequestError("requests from other web sites are refused", 403)
    media_type = http.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise _BadRequestError("send the query as JSON, with Content-Type: application/json", 415)


def _host_name(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_own_name(host: str) -> bool:
    """True for names and addresses that always mean the machine itself."""
    if host.lower() in _OWN_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _body(http: HttpRequest) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in http.stream():
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        else:
            chunks.clear()
        if size > _DISCARD_BYTES:
            break
    if size > MAX_BODY_BYTES:
        raise _BadRequestError(f"a request may hold {MAX_BODY_BYTES // 1024**2} MiB at most")
    return b"".join(chunks)


def _caller(headers: Mapping[str, str]) -> Caller:
    authorization = headers.get("authorization", "")
    is_bearer = authorization.lower().startswith(_BEARER)
    return Caller(
        tenant_id=_uuid(headers.get("x-prefect-tenant-id")),
        agent_id=_uuid(headers.get("x-prefect-agent-id")),
        core_version=headers.get("x-prefect-core-version"),
        credential=authorization[len(_BEARER) :].strip() if is_bearer else "",
    )


def _uuid(text: str | None) -> str | None:
    try:
        return str(uuid.UUID(text or ""))
    except ValueError:
        return None


def _may_enter(database: Database, door: Door, caller: Caller) -> bool:
    if door.token is None:
        return True
    if hmac.compare_digest(_hash(door.token), _hash(caller.credential)):
        return True
    if not caller.credential:
        return False
    with database.reading() as session:
        return opens(Act(session, caller), caller.credential)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _request(body: bytes) -> Request:
    content = _loads(body, "the request")
    if not isinstance(content, dict):
        raise _BadRequestError("the request must be a JSON object with a query")
    given = cast("dict[str, Any]", content)
    query = given.get("query")
    if not isinstance(query, str):
        raise _BadRequestError("the request holds no query")
    name = given.get("operationName")
    return Request(query, _variables(given.get("variables")), name if name else None)


def _variables(value: object) -> Mapping[str, Any]:
    """Prefect's clients send variables as a JSON document inside a string."""
    if isinstance(value, str):
        value = _loads(value, "the variables") if value else None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _BadRequestError("variables must be a JSON object, or a string that holds one")
    return cast("dict[str, Any]", value)


def _loads(text: str | bytes, what: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise _BadRequestError(f"{what} is nested too deeply") from None
    except ValueError as error:
        raise _BadRequestError(f"{what} is not JSON: {error}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")
