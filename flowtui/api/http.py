"""HTTP to one control plane, whichever API it speaks: TLS, proxies, time limits, safe retries.

Errors never carry the token: not in their text, and not in the frames of an exception they were
raised from.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import ssl
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from flowtui import addresses
from flowtui.api import causes
from flowtui.errors import ControlPlaneError, CredentialsError, FlowtuiError

if TYPE_CHECKING:
    import httpx

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes."""
REDIRECT = (301, 302, 303, 307, 308)

_CONNECTIONS = 40
_IDLE = 4.0
"""Seconds that a connection is kept: uvicorn closes them after five, perhaps under a request."""
_FOR_NOBODY = 3
"""How often a request is sent again that reaches nobody, where nobody has answered yet: a wrong
address is told soon. A server that answered before may only be restarting."""
_SPREAD = 0.25
"""Share of a pause that is left to chance, so that many clients do not come back at once."""


@dataclass(frozen=True, slots=True)
class Patience:
    """When a server that is only busy is asked again."""

    pauses: tuple[float, ...]
    """Seconds before each retry, where the server names no time."""
    longest_pause: float
    """Seconds; a server that asks for more is not asked again, its status is told instead."""
    busy: frozenset[int]
    """Statuses after which a request that may be done twice is sent again."""
    turned_away: frozenset[int] = frozenset()
    """Those of them that say that nothing was done: then every request is."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    safe: bool = True
    """It may be done twice: it is sent again even where it may have been carried out."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: bytes
    content_type: str = ""
    location: str = ""
    retry_after: float | None = None
    """Seconds."""
    maintenance: bool = False
    """Prefect Cloud says that it is being worked on."""

    @property
    def is_page(self) -> bool:
        return "html" in self.content_type or self.content.lstrip()[:1] == b"<"

    def json(self) -> Any:
        """Raises ValueError for what is not JSON."""
        try:
            return json.loads(self.content)
        except RecursionError:
            raise ValueError("nested too deeply") from None


class Http:
    """Sends requests to one server. The client is made when first used."""

    def __init__(
        self,
        address: str,
        *,
        ca_file: Path | None,
        timeout: float,
        patience: Patience,
        authorization: Callable[[], str] | None = None,
    ) -> None:
        """`timeout` is in seconds, for a request with its retries. `authorization` makes the value
        of that header each time anew, so that no token is kept here."""
        self.address = address
        self.timeout = timeout
        self._ca_file = ca_file
        self._patience = patience
        self._authorization = authorization
        self._server = causes.Server(address, ca_file)
        self._http: httpx.AsyncClient | None = None
        self._making = asyncio.Lock()
        self._has_answered = False

    async def exchange(
        self, request: Request, *, limit: float | None = None, authorized: bool = True
    ) -> Answer:
        """The server's answer, whatever its status.

        Unless it is `safe`, a request that may have been carried out is not sent again. `limit`
        is in seconds, for all attempts together. Raises OutcomeUnknownError (only when not
        `safe`), other ControlPlaneErrors, CredentialsError.
        """
        if authorized:
            self._check_plain_text()
        limit = limit or self.timeout
        progress = _Progress()
        problem: FlowtuiError | None = None
        try:
            async with asyncio.timeout(limit) as running:
                until = running.when()
                assert until is not None
                return await self._attempts(request, progress, until, authorized)
        except TimeoutError:
            unknown = progress.may_have_left and not request.safe
            problem = causes.timed_out(self.address, limit, unknown=unknown)
        # Raised here, not in the handler: no frame with the request hangs on it.
        raise problem

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    # ---------------------------------------------------------------------------------- sending

    async def _attempts(
        self, request: Request, progress: _Progress, until: float, authorized: bool
    ) -> Answer:
        client = await self._client()
        import httpx

        loop = asyncio.get_running_loop()
        broken_off = 0
        for pause in (*self._patience.pauses, None):
            failure: httpx.HTTPError | None = None
            answer: Answer | None = None
            try:
                answer = await self._send(client, request, progress, authorized)
            except httpx.HTTPError as error:
                failure = error
                broken_off += 1
            except httpx.InvalidURL as error:
                raise causes.unusable_address(self.address, str(error)) from None
            again = (
                (self._has_answered or broken_off <= _FOR_NOBODY)
                and _may_retry(failure, safe=request.safe)
                if failure is not None
                else answer is not None and self._may_ask_again(answer, safe=request.safe)
            )
            if pause is not None and again:
                asked = answer.retry_after if answer is not None else None
                pause = asked or pause * random.uniform(1 - _SPREAD, 1 + _SPREAD)
                if loop.time() + pause < until:
                    await asyncio.sleep(pause)
                    continue
            if answer is not None:
                self._has_answered = True
                return answer
            problem = causes.explain(
                cast("httpx.HTTPError", failure),
                self._server,
                safe=request.safe,
                limit=self.timeout,
            )
            del failure
            raise problem
        raise AssertionError("the last attempt returns or raises")

    def _may_ask_again(self, answer: Answer, *, safe: bool) -> bool:
        statuses = self._patience.busy if safe else self._patience.turned_away
        patient = (answer.retry_after or 0) <= self._patience.longest_pause
        return answer.status in statuses and patient

    async def _send(
        self,
        client: httpx.AsyncClient,
        request: Request,
        progress: _Progress,
        authorized: bool,
    ) -> Answer:
        progress.may_have_left = False
        headers = {"Accept": "application/json", **request.headers}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        async with client.stream(
            request.method,
            request.url,
            content=request.body,
            headers=headers,
            auth=self._signing() if authorized else None,
            extensions={"trace": progress.trace},
        ) as response:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > LARGEST_ANSWER:
                    raise ControlPlaneError("the answer is too large", where=request.url)
            return Answer(
                response.status_code,
                bytes(content),
                response.headers.get("content-type", ""),
                response.headers.get("location", ""),
                _seconds(response.headers.get("retry-after", "")),
                response.headers.get("prefect-maintenance", "").lower() == "true",
            )

    async def _client(self) -> httpx.AsyncClient:
        """Made in a thread: importing httpx and reading the system's certificates take a while."""
        async with self._making:
            if self._http is None:
                self._http = await asyncio.to_thread(self._new_client)
            return self._http

    def _new_client(self) -> httpx.AsyncClient:
        import httpx

        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        trust = trust_of(self.address, self._ca_file)
        try:
            return httpx.AsyncClient(
                verify=trust,
                timeout=httpx.Timeout(None, connect=min(self.timeout, 10.0)),
                follow_redirects=False,
                limits=httpx.Limits(
                    max_connections=_CONNECTIONS,
                    max_keepalive_connections=_CONNECTIONS,
                    keepalive_expiry=_IDLE,
                ),
                # A proxy must not see what stays on this machine.
                trust_env=not addresses.is_loopback(self.address),
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise causes.unusable_proxy(self.address, error) from None

    def _signing(self) -> httpx.Auth | None:
        import httpx

        authorization = self._authorization
        if authorization is None:
            return None

        class Signing(httpx.Auth):
            def auth_flow(
                self, request: httpx.Request
            ) -> Generator[httpx.Request, httpx.Response, None]:
                request.headers["Authorization"] = authorization()
                yield request

        return Signing()

    def _check_plain_text(self) -> None:
        if (
            self._authorization is None
            or self.address.startswith("https://")
            or addresses.is_loopback(self.address)
            or os.environ.get("FLOWTUI_ALLOW_PLAINTEXT_TOKEN") == "1"
        ):
            return
        raise CredentialsError(
            "the token is not sent: the address is plain http, everybody on the way could read it",
            where=self.address,
            fix="use the https address; if the way is safe, set FLOWTUI_ALLOW_PLAINTEXT_TOKEN=1",
        )


def trust_of(address: str, ca_file: Path | None) -> ssl.SSLContext:
    """Whom to trust at this address: the system's authorities and those in the file. Blocking."""
    if address.startswith("http://"):
        # Loading the system's certificates takes a while; without any, TLS is refused.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context = ssl.create_default_context()
    except OSError as error:
        raise ControlPlaneError(
            f"TLS cannot be set up: {error}",
            where=address,
            fix="check the variables SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE",
        ) from None
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ControlPlaneError(
                "the file of trusted certificates cannot be read: "
                f"{error.strerror or type(error).__name__}",
                where=str(ca_file),
                fix="ca_file must name a file with certificates in PEM form",
            ) from None
    return context


def shortened(text: str) -> str:
    """The server may quote a whole flow back: keep the beginning and the end."""
    return text if len(text) <= 400 else f"{text[:160]} … {text[-200:]}"


class _Progress:
    """How far a request came, told by httpcore: has any of it left this machine?"""

    def __init__(self) -> None:
        self.may_have_left = False

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        if name.endswith("send_request_headers.started"):
            self.may_have_left = True


def _may_retry(failure: httpx.HTTPError, *, safe: bool) -> bool:
    import httpx

    if causes.is_final(failure):
        return False
    if isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return True
    return safe and isinstance(failure, httpx.NetworkError | httpx.RemoteProtocolError)


def _seconds(retry_after: str) -> float | None:
    """Only seconds: a date would need clocks that agree."""
    is_number = retry_after.isascii() and retry_after.isdigit()
    return float(retry_after) if is_number else None
