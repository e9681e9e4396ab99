"""One connection to a GraphQL API of Prefect: reads rows and runs mutations in its dialect.

Mirrors what Prefect 0.6.1 (camelCase) and 1.4.1 (snake_case) send; `dialect` finds out which of
them the server understands. What is asked of projects, versions, runs and agents is in the modules
beside this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from flowtui import addresses
from flowtui.api.graphql import dialect as dialects
from flowtui.api.graphql.dialect import Dialect, Naming, literal
from flowtui.api.graphql.transport import RefusalError, Transport
from flowtui.api.understanding import understood
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError, FlowtuiError
from flowtui.json_shapes import items, mapping
from flowtui.models import Ability, Identity, Json, JsonObject
from flowtui.text import clean

_CLEAN_UP = 5.0
"""Seconds that `close` waits for what is still being undone."""

T = TypeVar("T")


class Connection:
    """Use it inside one event loop, and close it."""

    def __init__(
        self, api_url: str, secret: Secret | None, *, ca_file: Path | None, timeout: float
    ) -> None:
        self.api_url = addresses.normalise(api_url)
        self.key_tenant: str | None = None
        self.tenant: str | None = None
        """Id of the tenant that things are made for, None where there are no tenants."""
        self._secret = secret
        self._transport = Transport(self.api_url, secret, ca_file=ca_file, timeout=timeout)
        self._connecting = asyncio.Lock()
        self._dialect: Dialect | None = None
        self._identity: Identity | None = None
        self._unknown_inputs: set[str] = set()
        self._lacking: dict[str, set[str]] = {}
        self._unfinished: set[asyncio.Task[str]] = set()

    async def identify(self) -> Identity:
        """Connect anew: find the dialect, check the token, learn the tenant."""
        self._dialect = None
        await self.connected()
        assert self._identity is not None
        return self._identity

    async def close(self) -> None:
        """Close the connections, after the clean-up of cancelled registrations."""
        if self._unfinished:
            _, late = await asyncio.wait(self._unfinished, timeout=_CLEAN_UP)
            for task in late:
                task.cancel()
        await self._transport.close()

    def finish_later(self, task: asyncio.Task[str]) -> None:
        """`close` waits for this task."""
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)

    # ----------------------------------------------------------------------------- what it can do

    async def require(self, ability: Ability) -> None:
        """Raises ControlPlaneError where the API cannot do it; connects when it must."""
        if ability not in await self.abilities():
            raise self.cannot(ability)

    def cannot(self, ability: Ability) -> ControlPlaneError:
        return ControlPlaneError(
            f"this API cannot {ability}",
            where=self.api_url,
            fix="do it in the control plane's own UI",
        )

    def no_such_call(self, action: str, fix: str) -> ControlPlaneError:
        return ControlPlaneError(
            f"this API has no call for {action}",
            where=f"{self.api_url}: {self._found.description}",
            fix=fix,
        )

    # ------------------------------------------------------------------------------ changing

    @property
    def timeout(self) -> float:
        return self._transport.timeout

    async def abilities(self) -> frozenset[Ability]:
        """What the API can do; connects when it must."""
        return (await self.connected()).abilities

    @property
    def naming(self) -> Naming:
        return self._found.naming

    def first_known(self, *names: str) -> str | None:
        """The first of these mutations (in snake_case) that the connected API has."""
        known = self._found.mutations
        return next((name for name in names if name in known), None)

    async def mutate(
        self,
        name: str,
        values: Mapping[str, Json],
        selection: str,
        *,
        optional: tuple[str, ...] = (),
        core_version: str | None = None,
        safe: bool = False,
        safe_with: str = "",
        limit: float | None = None,
    ) -> JsonObject:
        """Run one mutation; leaves out optional input keys that this API does not know.

        `safe` is for mutations that may be done twice, `safe_with` for those that may be while
        this input key is sent.
        """
        found = self._found
        headers = self._headers(core_version)
        values = {
            key: value
            for key, value in values.items()
            if f"{name}.{key}" not in self._unknown_inputs
        }
        while True:
            try:
                data = await self._transport.post(
                    found.url,
                    found.mutation(name, selection),
                    {"input": found.values(values)},
                    headers=headers,
                    safe=safe or safe_with in values,
                    limit=limit,
                )
            except RefusalError as refusal:
                unknown = {
                    key
                    for key in optional
                    if key in values and dialects.is_unknown_input(refusal, found.name(key))
                }
                if refusal.executed or not unknown:
                    raise
                self._unknown_inputs |= {f"{name}.{key}" for key in unknown}
                values = {key: value for key, value in values.items() if key not in unknown}
                continue
            answer = data.get(found.name(name))
            if not isinstance(answer, dict):
                raise ControlPlaneError(
                    f"the control plane gave no result for {found.name(name)}", where=self.api_url
                )
            return cast("JsonObject", answer)

    async def succeed(self, name: str, values: Mapping[str, Json], *, safe: bool = True) -> None:
        """Run a mutation that answers with `success`. These may all be done twice."""
        answer = await self.mutate(name, values, "success", safe=safe)
        if answer.get("success") is False:
            raise ControlPlaneError(
                f"the control plane did not do it: {self._found.name(name)}", where=self.api_url
            )

    # ------------------------------------------------------------------------------------- reading

    def understood(
        self, rows: Sequence[Mapping[str, Any]], make: Callable[[Mapping[str, Any]], T]
    ) -> tuple[T, ...]:
        return understood(rows, make, where=self.api_url, expected="Prefect 0.6 to 1.4 API")

    async def rows(
        self,
        table: str,
        where: Mapping[str, Json],
        order: str,
        fields: Mapping[str, str],
        *,
        optional: tuple[str, ...] = (),
        limit: int | None = None,
        distinct: str = "",
        offset: int = 0,
        page: int = dialects.LEAST_PAGE,
    ) -> list[dict[str, Any]]:
        """All rows of a query from `offset` on, or the first `limit` of them, page by page.

        `order`, `distinct` and the fields are GraphQL text. A field is left out when a part of its
        name (`a.b` has two) is `optional` and turns out not to be in this API. An API that gives
        fewer rows at once than a `page` is asked for the rest.
        """
        found = await self.connected()
        rows: list[dict[str, Any]] = []
        while True:
            wanted = page if limit is None else min(page, limit - len(rows))
            if wanted <= 0:
                return rows
            arguments = [f"limit: {wanted}"]
            if where:
                arguments.append(f"where: {literal(where)}")
            if order:
                arguments.append(f"order_by: {order}")
            if distinct:
                arguments.append(f"distinct_on: {distinct}")
            if offset + len(rows):
                arguments.append(f"offset: {offset + len(rows)}")

            def render(asked: frozenset[str], arguments: list[str] = arguments) -> str:
                absent = set(optional) - asked
                selection = " ".join(
                    text for name, text in fields.items() if absent.isdisjoint(name.split("."))
                )
                return f"query {{ {table}({', '.join(arguments)}) {{ {selection} }} }}"

            data = await dialects.select(
                self._transport,
                render,
                optional,
                lacking=self._lacking.setdefault(table, set()),
                url=found.url,
                headers=self._headers(),
            )
            got = [mapping(row) for row in items(data.get(table))]
            rows += got
            if len(got) < min(wanted, dialects.LEAST_PAGE):
                return rows

    # ---------------------------------------------------------------------------------- connecting

    @property
    def _found(self) -> Dialect:
        assert self._dialect is not None, "not connected"
        return self._dialect

    async def connected(self) -> Dialect:
        async with self._connecting:
            if self._dialect is None:
                found = await dialects.find(self._transport)
                self._unknown_inputs.clear()
                self._lacking.clear()
                self.key_tenant = self.tenant = None
                self._dialect = found
                try:
                    self._identity = await self._identify(found)
                except FlowtuiError:
                    self._dialect = None
                    raise
            return self._dialect

    async def _identify(self, found: Dialect) -> Identity:
        tenant = await self._find_tenant(found)
        return Identity(
            self.api_url,
            server=await self._server() or found.description,
            tenant=tenant,
            authenticated=self._secret is not None,
            abilities=found.abilities,
        )

    async def _server(self) -> str:
        """`flowtui server 0.1.0` or `Prefect Server <version>`; empty where it does not say."""
        for name in ("name", "backend"):
            api = mapping((await self._ask(f"query {{ api {{ {name} version }} }}")).get("api"))
            called = clean(str(api.get(name) or ""))
            if called:
                called = called if name == "name" else f"Prefect {called.capitalize()}"
                return f"{called} {clean(str(api.get('version') or ''))}".strip()
        return ""

    async def _find_tenant(self, found: Dialect) -> str:
        """Learn the tenant's id, as 1.4.1 does it; returns its slug for a person, if any."""
        if found.naming is Naming.SNAKE and self._secret is not None:
            info = mapping((await self._ask("query { auth_info { tenant_id } }")).get("auth_info"))
            self.key_tenant = info.get("tenant_id")
        rows = (await self._ask("query { tenant { id name slug } }")).get("tenant")
        tenants = [mapping(row) for row in items(rows)]
        ours = next((each for each in tenants if each.get("id") == self.key_tenant), None)
        if ours is None and self.key_tenant is None and tenants:
            ours = tenants[0]
        self.tenant = self.key_tenant or (str(ours.get("id")) if ours else None)
        return clean(str(ours.get("slug") or ours.get("name") or "")) if ours else ""

    async def _ask(self, query: str) -> JsonObject:
        """A query that not every version of the API has; empty where it has not."""
        try:
            return await self._transport.post(
                self._found.url, query, headers=self._headers(), safe=True
            )
        except RefusalError:
            return {}

    def _headers(self, core_version: str | None = None) -> dict[str, str]:
        headers: dict[str, str] = {}
        if version := core_version or self._found.core_version:
            headers["X-PREFECT-CORE-VERSION"] = version
        if self.key_tenant is not None:
            headers["X-PREFECT-TENANT-ID"] = self.key_tenant
        return headers
