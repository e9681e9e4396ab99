"""One connection to a Prefect REST API: reads, changes, pages, and what it can do.

Mirrors Prefect 3.9 and 2.20. What is asked of deployments, pools and runs is in the modules beside
this one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from flowtui import addresses
from flowtui.api.http import Answer, Http, Patience, Request
from flowtui.api.rest.abilities import abilities
from flowtui.api.rest.credential import Credential
from flowtui.api.rest.csrf import CsrfTokens
from flowtui.api.rest.refusals import NotRestError, refusal
from flowtui.api.understanding import understood
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError
from flowtui.json_shapes import items, mapping
from flowtui.models import Ability, Json, JsonObject

API_VERSION = "0.8.4"
"""What every Prefect since 2.0 calls the version of its API."""
LARGEST_PAGE = 200
"""Rows that a filter gives at once, at most."""

PATIENCE = Patience(
    # A server on SQLite is busy for moments, and says so with a bare 503.
    pauses=(0.07, 0.15, 0.3, 0.6, 1.0, 1.5, 2.0),
    longest_pause=10.0,
    busy=frozenset({408, 429, 502, 503, 504}),
    turned_away=frozenset({408, 429, 503}),
)

_CLOUD_CHANGES = 8
"""At a time."""

T = TypeVar("T")


class Connection:
    """Use it inside one event loop, and close it."""

    def __init__(
        self,
        api_url: str,
        secret: Secret | None,
        *,
        ca_file: Path | None,
        timeout: float,
        base: str = "",
        is_cloud: bool = False,
    ) -> None:
        """`base` is where the API is rooted, if that is not the address itself. `is_cloud` says
        that it is a Prefect Cloud where the address does not tell.

        `timeout` is in seconds, for each call with its retries.
        """
        self.api_url = addresses.normalise(api_url)
        self.base = addresses.normalise(base) if base else self.api_url
        """All paths hang off it: `http://127.0.0.1:4200/api`, `…/accounts/A/workspaces/W`."""
        self.root = addresses.cloud_of(self.base)
        """Of Prefect Cloud what all workspaces have in common; else the base."""
        self.credential = Credential(secret, is_cloud or addresses.is_cloud(self.base))
        self.ca_file = ca_file
        self.timeout = timeout
        self._http = Http(
            self.base,
            ca_file=ca_file,
            timeout=timeout,
            patience=PATIENCE,
            authorization=self.credential.header if secret is not None else None,
        )
        self._csrf = CsrfTokens()
        # A server on SQLite refuses a change while it makes another one: waiting for it is quicker.
        self._changes = asyncio.Semaphore(_CLOUD_CHANGES if self.credential.is_cloud else 1)
        self.release: tuple[int, ...] = ()
        """Of the server, once it was identified; empty for Prefect Cloud, which has none."""
        self.names: dict[str, str] = {}
        """Of flows and deployments, by their ids, as far as they were told."""

    async def close(self) -> None:
        await self._http.close()

    # ----------------------------------------------------------------------------- what it can do

    @property
    def abilities(self) -> frozenset[Ability]:
        return abilities(self.release)

    def cannot(self, ability: Ability) -> ControlPlaneError:
        return ControlPlaneError(
            f"this API cannot {ability}",
            where=self.api_url,
            fix="do it in the control plane's own UI",
        )

    # ------------------------------------------------------------------------------------ asking

    async def get(
        self,
        path: str,
        *,
        params: Mapping[str, str | int | bool] | None = None,
        missing_ok: bool = False,
        root: bool = False,
    ) -> Json:
        """`path` begins with a slash. None for what is not there, when that is `missing_ok`.

        `root` asks Prefect Cloud itself, not the workspace. Like all calls raises RefusedError
        (with the status), other ControlPlaneErrors, and CredentialsError.
        """
        query = f"?{urlencode(params)}" if params else ""
        base = self.root if root else self.base
        return await self._call("GET", f"{base}{path}{query}", safe=True, missing_ok=missing_ok)

    async def post(self, path: str, body: JsonObject | None = None, *, safe: bool) -> Json:
        """`safe`: it reads, or does the same when it is done twice; then it may be sent again
        after it may have been carried out. Raises OutcomeUnknownError when it is not."""
        return await self._call("POST", f"{self.base}{path}", body or {}, safe=safe)

    async def patch(self, path: str, body: JsonObject) -> Json:
        return await self._call("PATCH", f"{self.base}{path}", body, safe=True)

    async def put(self, path: str, body: JsonObject) -> Json:
        return await self._call("PUT", f"{self.base}{path}", body, safe=True)

    async def delete(self, path: str) -> None:
        """What is not there (any more) counts as deleted."""
        await self._call("DELETE", f"{self.base}{path}", safe=True, missing_ok=True)

    async def rows(
        self, path: str, body: JsonObject, *, limit: int | None = None, offset: int = 0
    ) -> list[JsonObject]:
        """All rows of a `/filter` from `offset` on, or the first `limit` of them, page by page."""
        rows: list[JsonObject] = []
        while True:
            wanted = LARGEST_PAGE if limit is None else min(LARGEST_PAGE, limit - len(rows))
            if wanted <= 0:
                return rows
            page = {**body, "limit": wanted, "offset": offset + len(rows)}
            got: list[JsonObject] = [
                mapping(row) for row in items(await self.post(path, page, safe=True))
            ]
            rows += got
            if len(got) < wanted:
                return rows

    def understood(
        self, rows: Sequence[JsonObject], make: Callable[[Mapping[str, Any]], T]
    ) -> tuple[T, ...]:
        """Raises ControlPlaneError for rows that do not have the form that `make` expects."""
        return understood(rows, make, where=self.api_url, expected="Prefect 2 or 3 API")

    async def _call(
        self,
        method: str,
        url: str,
        body: JsonObject | None = None,
        *,
        safe: bool,
        missing_ok: bool = False,
    ) -> Json:
        answer = await self._exchange(method, url, body, safe=safe)
        if answer.status == 404 and missing_ok:
            return None
        if not 200 <= answer.status < 300:
            raise refusal(
                answer, where=url, server=self.api_url, credential=self.credential, safe=safe
            )
        if not answer.content:
            return None
        try:
            return cast("Json", answer.json())
        except ValueError:
            what = "a web page" if answer.is_page else "something that is not JSON"
        raise NotRestError(
            f"there is no Prefect REST API at this address: it answers with {what}",
            where=url,
            fix="check the address: it is the API's, and ends with /api as a rule",
        )

    async def _exchange(
        self, method: str, url: str, body: JsonObject | None, *, safe: bool
    ) -> Answer:
        content = json.dumps(body).encode() if body is not None else None
        # A token may expire between getting and using it: it is renewed once more then.
        for _ in range(2):
            sent = self._csrf.headers
            answer = await self._send(method, url, content, sent, safe=safe)
            if not self._csrf.asked_for(answer) or not await self._csrf.renew(sent, self._token):
                return answer
        return await self._send(method, url, content, self._csrf.headers, safe=safe)

    async def _send(
        self, method: str, url: str, content: bytes | None, csrf: Mapping[str, str], *, safe: bool
    ) -> Answer:
        headers = {"X-PREFECT-API-VERSION": API_VERSION, **csrf}
        request = Request(method, url, content, headers, safe)
        # What is created is posted to the path of its kind, which ends with a slash.
        changes = method in ("PATCH", "PUT", "DELETE") or (method == "POST" and url.endswith("/"))
        async with self._changes if changes else nullcontext():
            return await self._http.exchange(request)

    async def _token(self) -> Answer:
        return await self._send("GET", f"{self.base}{self._csrf.path}", None, {}, safe=True)
