"""What the refusals of a Prefect REST API mean, in words: both shapes that its errors come in.

Prefect 2.20 and 3.9 answer `{"detail": …}` or `{"exception_message": …, "exception_detail": […]}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from flowtui.api.causes import OtherApiError, OutcomeUnknownError
from flowtui.api.http import REDIRECT, Answer, shortened
from flowtui.api.rest.credential import Credential
from flowtui.errors import ControlPlaneError, CredentialsError, FlowtuiError
from flowtui.json_shapes import items, mapping
from flowtui.text import clean, redact

_MOST_FIELDS = 6
"""Fields with a wrong value that a message names."""
_BUSY = (408, 429, 502, 503, 504)


class RefusedError(ControlPlaneError):
    """The API understood the request and said no to it."""

    def __init__(self, status: int, reason: str, *, where: str, fix: str = "") -> None:
        super().__init__(f"the control plane refused: {reason}", where=where, fix=fix)
        self.status = status
        """404 not there, 409 there already or not acceptable, 422 a field has a wrong value, …"""
        self.reason = reason


class NotRestError(OtherApiError):
    """Something answers at the address, but it is not a Prefect REST API."""


def refusal(
    answer: Answer, *, where: str, server: str, credential: Credential, safe: bool
) -> FlowtuiError:
    """The error to raise for an answer that is not a success.

    `where` was asked, of the `server` at that address.
    """
    status, reason = answer.status, reason_of(answer)
    if status == 401:
        return credential.refused(server)
    if status in REDIRECT:
        return NotRestError(
            f"the address answers with a redirect (to {shortened(clean(answer.location))})",
            where=where,
            fix="redirects are not followed with a token; if you trust it, use that address",
        )
    if answer.maintenance:
        return ControlPlaneError(
            "the control plane is under maintenance", where=server, fix="try again later"
        )
    if status in _BUSY or status >= 500:
        return _trouble(answer, reason, where, safe=safe)
    if not reason:
        what = "a web page" if answer.is_page else f"HTTP {status} without a reason"
        return NotRestError(
            f"there is no Prefect REST API at this address: it answers with {what}",
            where=where,
            fix="check the address: it is the API's, and ends with /api as a rule",
        )
    if status == 403:
        return CredentialsError(
            f"this {credential.kind} may not do this: {reason}",
            where=where,
            fix="check it with `flowtui whoami`, ask for the right, or use another one",
        )
    # Cloud says 404 to everybody who is no member, whatever there is.
    member = "if Cloud's UI shows it, this key may not see the workspace (any more)"
    fix = member if status == 404 and credential.is_cloud else ""
    return RefusedError(status, reason, where=where, fix=fix)


def reason_of(answer: Answer) -> str:
    """What the body says: `work_pool_name: not found`; empty where it is no error of Prefect's."""
    try:
        body = mapping(answer.json())
    except ValueError:
        return ""
    fields = "; ".join(_fields(body.get("exception_detail") or body.get("detail")))
    said = fields or body.get("detail") or body.get("exception_message")
    return shortened(_line(said)) if said else ""


def _trouble(answer: Answer, reason: str, where: str, *, safe: bool) -> ControlPlaneError:
    said = f": {reason}" if reason else ""
    what = f"the control plane has trouble: HTTP {answer.status}{said}"
    if not safe and answer.status in (502, 504):
        return OutcomeUnknownError(
            f"{what}; whether it did what was asked is not known",
            where=where,
            fix="look at what is registered before trying again",
        )
    if answer.status == 429:
        what = "the control plane was asked too often"
    wait = f"try again in {answer.retry_after:g} seconds" if answer.retry_after else "try again"
    return ControlPlaneError(what, where=where, fix=f"{wait}, or look at the log of the server")


def _fields(detail: object) -> Iterator[str]:
    """Of pydantic's list of errors: which field, and why."""
    entries = [mapping(entry) for entry in items(detail)]
    for entry in entries[:_MOST_FIELDS]:
        place = ".".join(_line(part) for part in _place(entry))
        reason = _line(entry.get("msg") or entry.get("message") or "not valid")
        yield f"{place}: {reason}" if place else reason
    if len(entries) > _MOST_FIELDS:
        yield f"and {len(entries) - _MOST_FIELDS} more"


def _place(entry: Mapping[str, Any]) -> list[Any]:
    """Without the part of the request, which nobody wrote: `body`, `query`, `path`."""
    place = cast("list[Any]", list(entry.get("loc") or ()))
    return place[1:] if place[:1] and place[0] in ("body", "query", "path") else place


def _line(value: object) -> str:
    return redact(" ".join(clean(str(value)).split()))
