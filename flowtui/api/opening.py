"""Which API answers at an address, and the control plane that speaks it.

A person types what they know: `http://host:4200`, its `/api`, the address of a workspace in Prefect
Cloud or of its page. Found out with the fewest requests, once for each address.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flowtui import addresses
from flowtui.api.base import ControlPlane
from flowtui.api.causes import OtherApiError
from flowtui.api.http import Answer, Http, Request
from flowtui.api.rest import RestControlPlane
from flowtui.api.rest.connection import PATIENCE
from flowtui.api.rest.credential import Credential
from flowtui.credentials import Secret, TokenKind
from flowtui.errors import ControlPlaneError, CredentialsError
from flowtui.models import Identity

_CLOUD_1 = "https://api.prefect.io"
_REFUSED = (401, 403)
_LOOKING = 5.0
"""Seconds."""


class Connect(Protocol):
    """`connect`, for those who import it late."""

    async def __call__(
        self, api_url: str, secret: Secret | None, *, ca_file: Path | None = None
    ) -> tuple[ControlPlane, Identity]: ...


@dataclass(frozen=True, slots=True)
class _Found:
    """What answers at an address."""

    rest: str = ""
    """Where the REST API is rooted; empty: it is a GraphQL API, or nothing of Prefect's."""
    doubt: ControlPlaneError | None = None
    """Why a REST API that is there may not have been seen."""


_known: dict[str, _Found] = {}


async def connect(
    api_url: str, secret: Secret | None, *, ca_file: Path | None = None, timeout: float = 15.0
) -> tuple[ControlPlane, Identity]:
    """The control plane at an address, and what it says of us and itself. Close it.

    `timeout` is in seconds, for each call. Raises what `ControlPlane.identify` raises.
    """
    address = addresses.normalise(api_url)
    known = _known.get(address)
    if known is not None:
        try:
            return await _identified(known, address, secret, ca_file, timeout)
        except OtherApiError:
            del _known[address]  # something else runs there now
    found = await _find(address, secret, ca_file, timeout)
    try:
        identified = await _identified(found, address, secret, ca_file, timeout)
    except CredentialsError:
        _known[address] = found
        raise
    except OtherApiError:
        if found.doubt is not None:
            raise found.doubt from None
        raise
    _known[address] = found
    return identified


async def ask_token_kind(api_url: str, *, ca_file: Path | None = None) -> TokenKind:
    """What to ask a person for; looks what answers where it is not known. Raises nothing."""
    address = addresses.normalise(api_url)
    if address not in _known and not addresses.is_cloud(address):
        with suppress(ControlPlaneError, CredentialsError):
            _known[address] = await _find(address, None, ca_file, _LOOKING)
    return token_kind(address)


def token_kind(api_url: str) -> TokenKind:
    """What to ask a person for, as far as it is known of an address."""
    address = addresses.normalise(api_url)
    if addresses.is_cloud(address):
        return TokenKind.API_KEY
    found = _known.get(address)
    return TokenKind.PASSWORD if found is not None and found.rest else TokenKind.TOKEN


async def _identified(
    found: _Found, address: str, secret: Secret | None, ca_file: Path | None, timeout: float
) -> tuple[ControlPlane, Identity]:
    plane: ControlPlane
    # Imported where it is needed: an address speaks one of the two.
    if found.rest:
        plane = RestControlPlane(address, secret, ca_file=ca_file, timeout=timeout, base=found.rest)
    else:
        from flowtui.api.graphql import GraphQLControlPlane

        plane = GraphQLControlPlane(address, secret, ca_file=ca_file, timeout=timeout)
    try:
        return plane, await plane.identify()
    except BaseException:
        await plane.close()
        raise


async def _find(
    address: str, secret: Secret | None, ca_file: Path | None, timeout: float
) -> _Found:
    if addresses.is_cloud(address):
        return _Found(address)
    if address == _CLOUD_1 or address.endswith(("/graphql", "/graphql/alpha")):
        return _Found()
    bases = _bases(address)
    credential = Credential(secret, is_cloud=False)
    http = Http(
        address,
        ca_file=ca_file,
        timeout=timeout,
        patience=PATIENCE,
        authorization=credential.header if secret is not None else None,
    )
    try:
        answers = await _ask(http, bases, authorized=False)
        if secret is not None and any(answer.status in _REFUSED for answer in answers):
            # Prefect's own health needs no token; a proxy in front of it may.
            answers = await _ask(http, bases, authorized=True)
    finally:
        await http.close()
    healthy = (base for base, answer in zip(bases, answers, strict=True) if _is_health(answer))
    busy = next((answer for answer in answers if answer.status in PATIENCE.busy), None)
    return _Found(next(healthy, ""), _is_busy(address, busy.status) if busy is not None else None)


def _bases(address: str) -> list[str]:
    """Where a REST API may be rooted for somebody who typed this; it may be a page of the UI."""
    below = [] if address.endswith("/api") else [f"{address}/api"]
    return list(dict.fromkeys((address, *below, f"{addresses.origin(address)}/api")))


async def _ask(http: Http, bases: list[str], *, authorized: bool) -> list[Answer]:
    """What `/health` answers below each; raises only where none answers."""

    async def ask(base: str) -> Answer | ControlPlaneError:
        try:
            return await http.exchange(Request("GET", f"{base}/health"), authorized=authorized)
        except ControlPlaneError as error:
            return error

    answers = await asyncio.gather(*(ask(base) for base in bases))
    failures = [answer for answer in answers if isinstance(answer, ControlPlaneError)]
    if len(failures) == len(answers):
        raise failures[0]
    return [answer if isinstance(answer, Answer) else Answer(0, b"") for answer in answers]


def _is_busy(address: str, status: int) -> ControlPlaneError:
    return ControlPlaneError(
        f"the server is busy: it goes on answering with HTTP {status}",
        where=address,
        fix="try again in a moment",
    )


def _is_health(answer: Answer) -> bool:
    """What every server of Prefect 2 and 3 says of its health is `true`, and nothing else."""
    return answer.status == 200 and answer.content.strip() == b"true"
