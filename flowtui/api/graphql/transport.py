"""GraphQL over HTTP to one address: TLS, time limits, safe retries, and errors by cause.

Nothing here knows Prefect. Errors never carry the token: not in their text, and not in the frames
of an exception they were raised from.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import ssl
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from flowtui import addresses
from flowtui.api import causes
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError, CredentialsError, FlowtuiError
from flowtui.json_shapes import mapping
from flowtui.models import Json, JsonObject
from flowtui.text import clean, redact

if TYPE_CHECKING:
    import httpx

_LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes."""
_BACK_OFF = (0.1, 0.3, 0.6)
"""Seconds before each retry, where the server names no time."""
_LONGEST_PAUSE = 5.0
"""Seconds; a server that asks for more is not asked again, its status is told instead."""
_BUSY = (429, 502, 503, 504)
_REDIRECT = (301, 302, 303, 307, 308)

_LOGIN = "store one with `flowtui login`, or set FLOWTUI_API_KEY"


class NotGraphQLError(ControlPlaneError):
    """Something answers at the address, but it is not a GraphQL API."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One entry of a GraphQL answer's `errors`, cleaned."""

    message: str
    code: str = ""


class RefusalError(ControlPlaneError):
    """The GraphQL API answered with errors. `executed` is False when it did not even validate."""

    def __init__(self, complaints: tuple[Complaint, ...], *, executed: bool, where: str) -> None:
        self.complaints = complaints
        self.executed = executed
        super().__init__(
            "the control plane refused: "
            + "; ".join(dict.fromkeys(_shortened(each.message) for each in complaints)),
            where=where,
        )

    def mentions(self, text: str) -> bool:
        return any(text in each.message for each in self.complaints)


class Transport:
    """Sends GraphQL to one server. The HTTP client is made when first used."""

    def __init__(
        self, address: str, secret: Secret | None, *, ca_file: Path | None, timeout: float
    ) -> None:
        self.address = address
        self.timeout = timeout
        self._secret = secret
        self._ca_file = ca_file
        self._server = causes.Server(address, ca_file)
        self._http: httpx.AsyncClient | None = None
        self._making = asyncio.Lock()

    async def post(
        self,
        url: str,
        query: str,
        variables: JsonObject | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        safe: bool,
        limit: float | None = None,
    ) -> JsonObject:
        """The answer's `data`. Unless `safe`, a request that may have left is not sent again.

        `limit` is in seconds, for all attempts together. Raises NotGraphQLError, RefusalError,
        OutcomeUnknownError (only when not `safe`), other ControlPlaneErrors, CredentialsError.
        """
        self._check_plain_text()
        # Prefect's own clients send the variables as a string in the JSON document.
        body = json.dumps({"query": query, "variables": json.dumps(variables)}).encode()
        limit = limit or self.timeout
        progress = _Progress()
        problem: FlowtuiError | None = None
        try:
            async with asyncio.timeout(limit):
                return await self._attempts(url, body, headers or {}, safe, progress)
        except TimeoutError:
            unknown = progress.may_have_left and not safe
            problem = causes.timed_out(self.address, limit, unknown=unknown)
        # Raised here, not in the handler: no frame with the request hangs on it.
        raise problem

    async def get(self, url: str) -> tuple[int, Json]:
        """Status and JSON content of a plain GET without the token; (0, None) when it fails."""
        client = await self._client()
        import httpx

        try:
            async with asyncio.timeout(self.timeout):
                response = await client.get(url, auth=None)
                return response.status_code, response.json()
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError):
            return 0, None

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    # ---------------------------------------------------------------------------------- sending

    async def _attempts(
        self, url: str, body: bytes, headers: Mapping[str, str], safe: bool, progress: _Progress
    ) -> JsonObject:
        client = await self._client()
        import httpx

        for pause in (*_BACK_OFF, None):
            failure: httpx.HTTPError | None = None
            answer: _Answer | None = None
            try:
                answer = await self._send(client, url, body, headers, progress)
            except httpx.HTTPError as error:
                failure = error
            except httpx.InvalidURL as error:
                raise causes.unusable_address(self.address, str(error)) from None
            again = (
                _may_retry(failure, safe=safe)
                if failure is not None
                else answer is not None and answer.may_ask_again and safe
            )
            if pause is not None and again:
                await asyncio.sleep(answer.retry_after if answer and answer.retry_after else pause)
                continue
            if answer is not None:
                return self._read(url, answer)
            problem = causes.explain(
                cast("httpx.HTTPError", failure), self._server, safe=safe, limit=self.timeout
            )
            del failure
            raise problem
        raise AssertionError("the last attempt returns or raises")

    async def _send(
        self,
        client: httpx.AsyncClient,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        progress: _Progress,
    ) -> _Answer:
        progress.may_have_left = False
        async with client.stream(
            "POST",
            url,
            content=body,
            headers={"Content-Type": "application/json", "Accept": "application/json", **headers},
            auth=self._bearer(),
            extensions={"trace": progress.trace},
        ) as response:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > _LARGEST_ANSWER:
                    raise ControlPlaneError("the answer is too large", where=url)
            return _Answer(
                response.status_code,
                bytes(content),
                response.headers.get("content-type", ""),
                response.headers.get("location", ""),
                _seconds(response.headers.get("retry-after", "")),
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
        trust = self._trust()
        try:
            return httpx.AsyncClient(
                verify=trust,
                timeout=httpx.Timeout(None, connect=min(self.timeout, 10.0)),
                follow_redirects=False,
                # A proxy must not see what stays on this machine.
                trust_env=not addresses.is_loopback(self.address),
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise causes.unusable_proxy(self.address, error) from None

    def _trust(self) -> ssl.SSLContext:
        if self.address.startswith("http://"):
            # Loading the system's certificates takes a while; without any, TLS is refused.
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context = ssl.create_default_context()
        except OSError as error:
            raise ControlPlaneError(
                f"TLS cannot be set up: {error}",
                where=self.address,
                fix="check the variables SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE",
            ) from None
        if self._ca_file is not None:
            try:
                context.load_verify_locations(cafile=self._ca_file)
            except OSError as error:  # ssl.SSLError is one
                raise ControlPlaneError(
                    "the file of trusted certificates cannot be read: "
                    f"{error.strerror or type(error).__name__}",
                    where=str(self._ca_file),
                    fix="ca_file must name a file with certificates in PEM form",
                ) from None
        return context

    def _bearer(self) -> httpx.Auth | None:
        import httpx

        secret = self._secret
        if secret is None:
            return None

        class Bearer(httpx.Auth):
            def auth_flow(
                self, request: httpx.Request
            ) -> Generator[httpx.Request, httpx.Response, None]:
                request.headers["Authorization"] = f"Bearer {secret.reveal()}"
                yield request

        return Bearer()

    def _check_plain_text(self) -> None:
        if (
            self._secret is None
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

    # ---------------------------------------------------------------------------------- reading

    def _read(self, url: str, answer: _Answer) -> JsonObject:
        document = answer.document()
        if document is None or not ("data" in document or "errors" in document):
            self._refuse_status(url, answer)
        complaints = tuple(_complaints(document.get("errors")))
        if answer.status == 401 or any(each.code == "UNAUTHENTICATED" for each in complaints):
            self._unauthenticated()
        if any(each.code in ("FORBIDDEN", "UNAUTHORIZED") for each in complaints):
            raise CredentialsError(
                f"the token may not do this: {_shortened(complaints[0].message)}",
                where=self.address,
                fix="use a token with more rights",
            )
        if complaints:
            raise RefusalError(
                complaints, executed=document.get("data") is not None, where=self.address
            )
        if not isinstance(document.get("data"), dict | None):
            self._refuse_status(url, answer)
        return mapping(document.get("data"))

    def _refuse_status(self, url: str, answer: _Answer) -> NoReturn:
        status = answer.status
        if status == 401:
            self._unauthenticated()
        if status == 403:
            raise CredentialsError(
                "the control plane, or something in front of it, refuses this token",
                where=self.address,
                fix="check the token with `flowtui whoami`, and any proxy or firewall on the way",
            )
        if status in _REDIRECT:
            raise NotGraphQLError(
                f"the address answers with a redirect (to {_shortened(clean(answer.location))})",
                where=url,
                fix="redirects are not followed with a token; if you trust it, use that address",
            )
        if status == 413:
            raise ControlPlaneError(
                "the control plane refused: the request is too large", where=url
            )
        if status in _BUSY or status >= 500:
            raise ControlPlaneError(
                f"the control plane has trouble: HTTP {status}",
                where=url,
                fix="try again later, or look at the log of the server",
            )
        what = "a web page" if answer.is_page else f"HTTP {status}, not a GraphQL answer"
        raise NotGraphQLError(
            f"there is no Prefect GraphQL API at this address: it answers with {what}",
            where=url,
            fix="check the address: it is the API's, not the UI's",
        )

    def _unauthenticated(self) -> NoReturn:
        if self._secret is None:
            raise CredentialsError(
                "the control plane asks for a token, and there is none",
                where=self.address,
                fix=_LOGIN,
            )
        raise CredentialsError(
            "the control plane does not accept this token: it is wrong, expired or revoked",
            where=self.address,
            fix="get a new one and store it with `flowtui login`",
        )


class _Progress:
    """How far a request came, told by httpcore: has any of it left this machine?"""

    def __init__(self) -> None:
        self.may_have_left = False

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        if name.endswith("send_request_headers.started"):
            self.may_have_left = True


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content: bytes
    content_type: str
    location: str
    retry_after: float | None

    @property
    def may_ask_again(self) -> bool:
        """Whether the server is only busy, and not for long."""
        return self.status in _BUSY and (self.retry_after or 0) <= _LONGEST_PAUSE

    @property
    def is_page(self) -> bool:
        return "html" in self.content_type or self.content.lstrip()[:1] == b"<"

    def document(self) -> dict[str, Any] | None:
        try:
            document: Any = json.loads(self.content)
        except (ValueError, RecursionError):
            return None
        return cast("dict[str, Any]", document) if isinstance(document, dict) else None


def _may_retry(failure: httpx.HTTPError, *, safe: bool) -> bool:
    import httpx

    if causes.is_final(failure):
        return False
    if isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return True
    return safe and isinstance(failure, httpx.NetworkError | httpx.RemoteProtocolError)


def _complaints(errors: object) -> Iterator[Complaint]:
    if not errors:
        return
    entries = cast("list[Any]", errors) if isinstance(errors, list) else [errors]
    for entry in entries:
        if not isinstance(entry, dict):
            yield Complaint(redact(clean(str(entry))))
            continue
        fields = cast("dict[str, Any]", entry)
        code = mapping(fields.get("extensions")).get("code")
        message = " ".join(clean(str(fields.get("message", ""))).split())
        yield Complaint(redact(message) or "(no message)", str(code or ""))


def _shortened(text: str) -> str:
    """The server may quote a whole flow back: keep the beginning and the end."""
    return text if len(text) <= 400 else f"{text[:160]} … {text[-200:]}"


def _seconds(retry_after: str) -> float | None:
    """Only seconds: a date would need clocks that agree."""
    is_number = retry_after.isascii() and retry_after.isdigit()
    return float(retry_after) if is_number else None
