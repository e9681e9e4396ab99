"""The control plane of Prefect 0.6 to 1.4: Prefect Cloud, Prefect Server, `flowtui server`.

Mirrors what Prefect 0.6.1 (camelCase) and 1.4.1 (snake_case) send; `dialect` finds out which of
them the server understands.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from flowtui import addresses
from flowtui.api import dialect as dialects
from flowtui.api import moving, registration, runs
from flowtui.api.dialect import Dialect, Naming, literal
from flowtui.api.transport import RefusalError, Transport
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError, FlowtuiError
from flowtui.json_shapes import items, mapping
from flowtui.models import (
    Ability,
    FlowRun,
    FlowVersion,
    Identity,
    Json,
    JsonObject,
    Project,
    Schedule,
)
from flowtui.text import clean

_CLEAN_UP = 5.0
"""Seconds that `close` waits for what is still being undone."""

_VERSION_COLUMNS = (
    "id",
    "name",
    "version",
    "archived",
    "created",
    "core_version",
    "storage",
    "schedule",
    "is_schedule_active",
)

_UNIQUENESS = "Uniqueness violation"


T = TypeVar("T")


class GraphQLControlPlane:
    """Implements `api.base.ControlPlane`. Use it inside one event loop, and close it."""

    def __init__(
        self,
        api_url: str,
        secret: Secret | None,
        *,
        ca_file: Path | None = None,
        timeout: float = 15.0,
    ) -> None:
        """`timeout` is in seconds, for each call with its retries; registering may take longer.

        Raises UsageError for an address that is none. No network is touched.
        """
        self._api_url = addresses.normalise(api_url)
        self._secret = secret
        self._transport = Transport(self._api_url, secret, ca_file=ca_file, timeout=timeout)
        self._connecting = asyncio.Lock()
        self._dialect: Dialect | None = None
        self._identity: Identity | None = None
        self._key_tenant: str | None = None
        self._tenant: str | None = None
        self._lacking: set[str] = set()
        self._unfinished: set[asyncio.Task[str]] = set()

    @property
    def api_url(self) -> str:
        return self._api_url

    async def identify(self) -> Identity:
        """Connect: find the dialect, check the token, learn the tenant."""
        self._dialect = None
        await self._connected()
        assert self._identity is not None
        return self._identity

    async def projects(self) -> tuple[Project, ...]:
        """All projects, by name; `flow_count` counts the names of flows that are not archived."""
        rows = await self._rows(
            "project",
            {},
            "{name: asc}",
            {
                "id": "id",
                "name": "name",
                "description": "description",
                "flows_aggregate": "flows_aggregate(where: {archived: {_eq: false}}, "
                "distinct_on: name) { aggregate { count } }",
            },
            optional=("description", "flows_aggregate"),
        )
        return self._understood(rows, _project)

    async def create_project(self, name: str, description: str = "") -> Project:
        await self._connected()
        values: dict[str, Json] = {"name": name}
        if description:
            values["description"] = description
        if self._tenant is not None:
            values["tenant_id"] = self._tenant
        with self._taken_names_told(name):
            answer = await self.mutate(
                "create_project", values, "id", optional=("description", "tenant_id")
            )
        (project_id,) = self._understood([answer], lambda row: str(row["id"]))
        return Project(project_id, name, description)

    async def rename_project(self, project: Project, name: str) -> Project:
        await self._connected()
        call = self.first_known(*dialects.RENAMING)
        if call is None:
            raise self._no_such_call("renaming a project", "create a new one and deploy into it")
        with self._taken_names_told(name):
            await self.mutate(call, {"project_id": project.id, "name": name}, "id")
        return replace(project, name=name)

    async def describe_project(self, project: Project, description: str) -> Project:
        await self._connected()
        call = self.first_known(*dialects.DESCRIBING)
        if call is None:
            raise self._no_such_call(
                "describing a project", "describe it in the control plane's UI"
            )
        await self.mutate(
            call, {"project_id": project.id, "description": description}, "id", safe=True
        )
        return replace(project, description=description)

    async def delete_project(self, project: Project) -> None:
        """Delete a project with all flows in it."""
        await self._connected()
        if self.first_known("delete_project") is None:
            raise self._no_such_call("deleting a project", "delete it in the control plane's UI")
        await self.succeed("delete_project", {"project_id": project.id})

    async def move_flow(self, name: str, source: Project, target: Project) -> None:
        """Move a flow with its versions, or register it anew in the target: see the protocol."""
        await self._connected()
        await moving.move(self, name, source, target)

    async def flow_versions(
        self, *, project: str | None = None, name: str | None = None, archived: bool = False
    ) -> tuple[FlowVersion, ...]:
        """Registered versions, newest first; archived ones only when asked for."""
        where: dict[str, Json] = {}
        if project is not None:
            where["project"] = {"name": {"_eq": project}}
        if name is not None:
            where["name"] = {"_eq": name}
        if not archived:
            where["archived"] = {"_eq": False}
        return await self._versions(where)

    async def serialized_flow(self, version_id: str) -> JsonObject | None:
        """The serialization registered as this version, None where the API does not return it."""
        rows = await self._rows(
            "flow",
            {"id": {"_eq": version_id}},
            "",
            {"id": "id", "serialized_flow": "serialized_flow"},
            optional=("serialized_flow",),
        )
        serialized = rows[0].get("serialized_flow") if rows else None
        return cast("JsonObject", serialized) if isinstance(serialized, dict) else None

    async def register(
        self,
        project: Project,
        serialized: JsonObject,
        *,
        set_schedule_active: bool = True,
        idempotency_key: str | None = None,
    ) -> FlowVersion:
        """Register a serialized flow as a new version. All of it or nothing.

        With the key of the newest version the server creates nothing and that version is returned.
        Cancelled, it takes back what it did; what could not be taken back is a note of the
        CancelledError. Use `close` afterwards: it waits for clean-up that is still under way.
        """
        await self._connected()
        return await registration.register(
            self,
            project,
            serialized,
            set_schedule_active=set_schedule_active,
            idempotency_key=idempotency_key,
        )

    async def archive(self, version_id: str) -> None:
        await self._connected()
        if self.first_known("archive_flow") is None:
            raise self._no_such_call("archiving a flow", "archive it in the control plane's UI")
        await self.succeed("archive_flow", {"flow_id": version_id})

    async def set_schedule_active(self, version_id: str, active: bool) -> None:
        await self._connected()
        call = "set_schedule_active" if active else "set_schedule_inactive"
        if self.first_known(call) is not None:
            await self.succeed(call, {"flow_id": version_id})
        elif self.first_known("set_flow_schedule_state") is not None:
            values: dict[str, Json] = {"flow_id": version_id, "set_active": active}
            await self.succeed("set_flow_schedule_state", values)
        else:
            action = "switching a schedule " + ("on" if active else "off")
            raise self._no_such_call(action, "switch it in the control plane's UI")

    async def flow_runs(
        self,
        *,
        version_id: str | None = None,
        project: str | None = None,
        name: str | None = None,
        limit: int = 50,
    ) -> tuple[FlowRun, ...]:
        """Runs of a version, of a flow by its name, or all; the latest planned start first."""
        found = await self._connected()
        if Ability.TELL_RUNS not in found.abilities:
            raise self._no_such_call("listing flow runs", "look at them in the control plane's UI")
        where: dict[str, Json] = {}
        flow: dict[str, Json] = {}
        if version_id is not None:
            flow["id"] = {"_eq": version_id}
        if name is not None:
            flow["name"] = {"_eq": name}
        if project is not None:
            flow["project"] = {"name": {"_eq": project}}
        if flow:
            where["flow"] = flow
        return await self.run_rows(
            where, "{scheduled_start_time: desc, created: desc}", limit=limit
        )

    async def last_runs(self, names: Collection[str]) -> tuple[FlowRun, ...]:
        """Of each flow the run that started last; see `runs.last_runs` for what is not told."""
        found = await self._connected()
        if Ability.TELL_RUNS not in found.abilities:
            return ()
        return await runs.last_runs(self, names)

    async def close(self) -> None:
        """Close the connections, after the clean-up of cancelled registrations."""
        if self._unfinished:
            _, late = await asyncio.wait(self._unfinished, timeout=_CLEAN_UP)
            for task in late:
                task.cancel()
        await self._transport.close()

    # ----------------------------------------- what registration, moving and runs build on, as well

    @property
    def timeout(self) -> float:
        return self._transport.timeout

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
        limit: float | None = None,
    ) -> JsonObject:
        """Run one mutation; leaves out optional input keys that this API does not know.

        `safe` is for mutations that may be done twice.
        """
        found = self._found
        headers = self._headers(core_version)
        values = {
            key: value for key, value in values.items() if f"{name}.{key}" not in self._lacking
        }
        while True:
            try:
                data = await self._transport.post(
                    found.url,
                    found.mutation(name, selection),
                    {"input": found.values(values)},
                    headers=headers,
                    safe=safe,
                    limit=limit,
                )
            except RefusalError as refusal:
                unknown = {
                    key
                    for key in optional
                    if key in values and _unknown_input(refusal, found.name(key))
                }
                if refusal.executed or not unknown:
                    raise
                self._lacking |= {f"{name}.{key}" for key in unknown}
                values = {key: value for key, value in values.items() if key not in unknown}
                continue
            answer = data.get(found.name(name))
            if not isinstance(answer, dict):
                raise ControlPlaneError(
                    f"the control plane gave no result for {found.name(name)}", where=self._api_url
                )
            return cast("JsonObject", answer)

    async def succeed(self, name: str, values: Mapping[str, Json], *, safe: bool = True) -> None:
        """Run a mutation that answers with `success`. These may all be done twice."""
        answer = await self.mutate(name, values, "success", safe=safe)
        if answer.get("success") is False:
            raise ControlPlaneError(
                f"the control plane did not do it: {self._found.name(name)}", where=self._api_url
            )

    async def version(self, version_id: str) -> FlowVersion | None:
        versions = await self._versions({"id": {"_eq": version_id}})
        return versions[0] if versions else None

    async def run_rows(
        self, where: Mapping[str, Json], order: str, *, limit: int, distinct: str = ""
    ) -> tuple[FlowRun, ...]:
        """At most `limit` runs. `order` and `distinct` are GraphQL text."""
        rows = await self._rows(
            "flow_run",
            where,
            order,
            runs.FIELDS,
            optional=runs.OPTIONAL,
            limit=limit,
            distinct=distinct,
        )
        return self._understood(rows, _flow_run)

    def finish_later(self, task: asyncio.Task[str]) -> None:
        """`close` waits for this task."""
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)

    # ---------------------------------------------------------------------------------- connecting

    @property
    def _found(self) -> Dialect:
        assert self._dialect is not None, "not connected"
        return self._dialect

    async def _connected(self) -> Dialect:
        async with self._connecting:
            if self._dialect is None:
                found = await dialects.find(self._transport)
                self._lacking.clear()
                self._key_tenant = self._tenant = None
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
            self._api_url,
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
            self._key_tenant = info.get("tenant_id")
        rows = (await self._ask("query { tenant { id name slug } }")).get("tenant")
        tenants = [mapping(row) for row in items(rows)]
        ours = next((each for each in tenants if each.get("id") == self._key_tenant), None)
        if ours is None and self._key_tenant is None and tenants:
            ours = tenants[0]
        self._tenant = self._key_tenant or (str(ours.get("id")) if ours else None)
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
        if self._key_tenant is not None:
            headers["X-PREFECT-TENANT-ID"] = self._key_tenant
        return headers

    @contextmanager
    def _taken_names_told(self, name: str) -> Generator[None]:
        try:
            yield
        except RefusalError as refusal:
            if not refusal.mentions(_UNIQUENESS):
                raise
            raise ControlPlaneError(
                f"a project named {name!r} already exists",
                where=self._api_url,
                fix="use it as it is, or choose another name",
            ) from None

    def _no_such_call(self, action: str, fix: str) -> ControlPlaneError:
        return ControlPlaneError(
            f"this API has no call for {action}",
            where=f"{self._api_url}: {self._found.description}",
            fix=fix,
        )

    # ------------------------------------------------------------------------------------- reading

    async def _versions(self, where: Mapping[str, Json]) -> tuple[FlowVersion, ...]:
        rows = await self._rows(
            "flow",
            where,
            "{created: desc, version: desc}",
            {**{name: name for name in _VERSION_COLUMNS}, "project": "project { name }"},
            optional=("core_version", "storage", "schedule", "is_schedule_active"),
        )
        return self._understood(rows, _flow_version)

    def _understood(
        self, rows: Sequence[Mapping[str, Any]], make: Callable[[Mapping[str, Any]], T]
    ) -> tuple[T, ...]:
        try:
            return tuple(make(row) for row in rows)
        except (KeyError, TypeError, ValueError):
            raise ControlPlaneError(
                "the control plane's answer does not have the form that was asked for",
                where=self._api_url,
                fix="check the address: is it a Prefect 0.6 to 1.4 API?",
            ) from None

    async def _rows(
        self,
        table: str,
        where: Mapping[str, Json],
        order: str,
        fields: Mapping[str, str],
        *,
        optional: tuple[str, ...],
        limit: int | None = None,
        distinct: str = "",
    ) -> list[dict[str, Any]]:
        """All rows of a query or the first `limit`, page by page.

        `order`, `distinct` and the fields are GraphQL text.
        """
        found = await self._connected()
        rows: list[dict[str, Any]] = []
        while True:
            wanted = runs.PAGE if limit is None else min(runs.PAGE, limit - len(rows))
            if wanted <= 0:
                return rows
            arguments = [f"limit: {wanted}"]
            if where:
                arguments.append(f"where: {literal(where)}")
            if order:
                arguments.append(f"order_by: {order}")
            if distinct:
                arguments.append(f"distinct_on: {distinct}")
            if rows:
                arguments.append(f"offset: {len(rows)}")

            def render(asked: frozenset[str], arguments: list[str] = arguments) -> str:
                selection = " ".join(
                    text for name, text in fields.items() if name in asked or name not in optional
                )
                return f"query {{ {table}({', '.join(arguments)}) {{ {selection} }} }}"

            data = await dialects.select(
                self._transport,
                render,
                optional,
                lacking=self._lacking,
                url=found.url,
                headers=self._headers(),
            )
            page = [mapping(row) for row in items(data.get(table))]
            rows += page
            if len(page) < wanted:
                return rows


def _unknown_input(refusal: RefusalError, key: str) -> bool:
    """Whether validation says that the input type has no such key; wordings of many versions."""
    return any(
        re.search(rf"['\"]{key}['\"]", each.message)
        and re.search(r"unknown field|is not defined", each.message, re.IGNORECASE)
        for each in refusal.complaints
    )


def _project(row: Mapping[str, Any]) -> Project:
    aggregate = mapping(mapping(row.get("flows_aggregate")).get("aggregate"))
    return Project(
        str(row["id"]),
        clean(str(row["name"])),
        clean(str(row.get("description") or "")),
        int(aggregate.get("count") or 0),
    )


def _flow_version(row: Mapping[str, Any]) -> FlowVersion:
    storage = row.get("storage")
    return FlowVersion(
        id=str(row["id"]),
        name=clean(str(row["name"])),
        version=int(row["version"]),
        project=clean(str(mapping(row.get("project")).get("name") or "")),
        archived=bool(row.get("archived")),
        created=_moment(row.get("created")),
        core_version=clean(str(row.get("core_version") or "")),
        storage=cast("JsonObject", storage) if isinstance(storage, dict) else None,
        schedule=_schedule(row),
    )


def _schedule(row: Mapping[str, Any]) -> Schedule:
    """A schedule may also be the flow group's: an active one counts wherever it is kept."""
    if "is_schedule_active" not in row:
        return Schedule.UNKNOWN
    if row["is_schedule_active"]:
        return Schedule.ACTIVE
    if "schedule" not in row:
        return Schedule.UNKNOWN
    return Schedule.PAUSED if row["schedule"] else Schedule.NONE


def _flow_run(row: Mapping[str, Any]) -> FlowRun:
    flow = mapping(row.get("flow"))
    return FlowRun(
        id=str(row["id"]),
        name=clean(str(row.get("name") or "")),
        flow=clean(str(flow["name"])),
        project=clean(str(mapping(flow.get("project")).get("name") or "")),
        version=int(flow["version"]),
        version_id=str(flow["id"]),
        state=clean(str(row.get("state") or "")),
        message=clean(str(row.get("state_message") or "")),
        scheduled=_moment(row.get("scheduled_start_time")),
        started=_moment(row.get("start_time")),
        ended=_moment(row.get("end_time")),
        parameters=runs.parameters_in(row),
        labels=tuple(clean(label) for label in runs.labels_in(row)),
    )


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
