"""GraphQL over HTTP to one address, and what its errors mean. Nothing here knows Prefect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from flowtui.api.causes import OtherApiError
from flowtui.api.http import REDIRECT, Answer, Http, Patience, Request, shortened
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError, CredentialsError
from flowtui.json_shapes import mapping
from flowtui.models import JsonObject
from flowtui.text import clean, redact

_PATIENCE = Patience((0.1, 0.3, 0.6), 5.0, frozenset({429, 502, 503, 504}))
_LOGIN = "store one with `flowtui login`, or set FLOWTUI_API_KEY"


class NotGraphQLError(OtherApiError):
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
            + "; ".join(dict.fromkeys(shortened(each.message) for each in complaints)),
            where=where,
        )

    def mentions(self, text: str) -> bool:
        return any(text in each.message for each in self.complaints)


class Transport:
    """Sends GraphQL to one server."""

    def __init__(
        self, address: str, secret: Secret | None, *, ca_file: Path | None, timeout: float
    ) -> None:
        self.address = address
        self.timeout = timeout
        self._secret = secret
        self._http = Http(
            address,
            ca_file=ca_file,
            timeout=timeout,
            patience=_PATIENCE,
            authorization=(lambda: f"Bearer {secret.reveal()}") if secret is not None else None,
        )

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
        # Prefect's own clients send the variables as a string in the JSON document.
        body = json.dumps({"query": query, "variables": json.dumps(variables)}).encode()
        request = Request("POST", url, body, headers or {}, safe)
        return self._read(url, await self._http.exchange(request, limit=limit))

    async def close(self) -> None:
        await self._http.close()

    # ---------------------------------------------------------------------------------- reading

    def _read(self, url: str, answer: Answer) -> JsonObject:
        document = _document(answer)
        if document is None or not ("data" in document or "errors" in document):
            self._refuse_status(url, answer)
        complaints = tuple(_complaints(document.get("errors")))
        if answer.status == 401 or any(each.code == "UNAUTHENTICATED" for each in complaints):
            self._unauthenticated()
        if any(each.code in ("FORBIDDEN", "UNAUTHORIZED") for each in complaints):
            raise CredentialsError(
                f"the token may not do this: {shortened(complaints[0].message)}",
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

    def _refuse_status(self, url: str, answer: Answer) -> NoReturn:
        status = answer.status
        if status == 401:
            self._unauthenticated()
        if status == 403:
            raise CredentialsError(
                "the control plane, or something in front of it, refuses this token",
                where=self.address,
                fix="check the token with `flowtui whoami`, and any proxy or firewall on the way",
            )
        if status in REDIRECT:
            raise NotGraphQLError(
                f"the address answers with a redirect (to {shortened(clean(answer.location))})",
                where=url,
                fix="redirects are not followed with a token; if you trust it, use that address",
            )
        if status == 413:
            raise ControlPlaneError(
                "the control plane refused: the request is too large", where=url
            )
        if status in _PATIENCE.busy or status >= 500:
            raise ControlPlaneError(
                f"the control plane has trouble: HTTP {status}",
                where=url,
                fix="try again later, or look at the log of the server",
            )
        what = "a web page" if answer.is_page else f"HTTP {status} and nothing of Prefect's"
        raise NotGraphQLError(
            f"there is no Prefect API at this address: it answers with {what}",
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


def _document(answer: Answer) -> dict[str, Any] | None:
    try:
        document = answer.json()
    except ValueError:
        return None
    return cast("dict[str, Any]", document) if isinstance(document, dict) else None


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
