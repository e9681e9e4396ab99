"""The control plane of Prefect 0.6 to 1.4: Prefect Cloud, Prefect Server, `flowtui server`.

Mirrors what Prefect 0.6.1 (camelCase) and 1.4.1 (snake_case) send; `dialect` finds out which of
them the server understands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from flowtui import addresses
from flowtui.api import agents, answers, moving, registration, run_details, runs, starting
from flowtui.api import dialect as dialects
from flowtui.api.dialect import Dialect, Naming, literal
from flowtui.api.transport import RefusalError, Transport
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError, FlowtuiError
from flowtui.json_shapes import items, mapping
from flowtui.models import Ability, FlowVersion, Identity, Json, JsonObject, Project
from flowtui.run_models import (
    Agent,
    FlowRun,
    Parameter,
    RunLine,
    RunRequest,
    StateChange,
    TaskRun,
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
        self._unknown_inputs: set[str] = set()
        self._lacking: dict[str, set[str]] = {}
        self._unfinished: set[asyncio.Task[str]] = set()

    @property
    def api_url(self) -> str:
        return self._api_url

    async def identify(self) -> Identity:
        """Connect: find the dialect, check the token, learn the tenant."""
        self._dialect = None
        await self.connected()
        assert self._identity is not None
        return self._identity

    async def projects(self) -> tuple[Project, ...]:
        """All projects, by name; `flow_count` counts the names of flows that are not archived."""
        rows = await self.rows(
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
        return self.understood(rows, answers.project)

    async def create_project(self, name: str, description: str = "") -> Project:
        await self.connected()
        values: dict[str, Json] = {"name": name}
        if description:
            values["description"] = description
        if self._tenant is not None:
            values["tenant_id"] = self._tenant
        with self._taken_names_told(name):
            answer = await self.mutate(
                "create_project", values, "id", optional=("description", "tenant_id")
            )
        (project_id,) = self.understood([answer], lambda row: str(row["id"]))
        return Project(project_id, name, description)

    async def rename_project(self, project: Project, name: str) -> Project:
        await self.connected()
        call = self.first_known(*dialects.RENAMING)
        if call is None:
            raise self.no_such_call("renaming a project", "create a new one and deploy into it")
        with self._taken_names_told(name):
            await self.mutate(call, {"project_id": project.id, "name": name}, "id")
        return replace(project, name=name)

    async def describe_project(self, project: Project, description: str) -> Project:
        await self.connected()
        call = self.first_known(*dialects.DESCRIBING)
        if call is None:
            raise self.no_such_call("describing a project", "describe it in the control plane's UI")
        await self.mutate(
            call, {"project_id": project.id, "description": description}, "id", safe=True
        )
        return replace(project, description=description)

    async def delete_project(self, project: Project) -> None:
        """Delete a project with all flows in it."""
        await self.connected()
        if self.first_known("delete_project") is None:
            raise self.no_such_call("deleting a project", "delete it in the control plane's UI")
        await self.succeed("delete_project", {"project_id": project.id})

    async def move_flow(self, name: str, source: Project, target: Project) -> None:
        """Move a flow with its versions, or register it anew in the target: see the protocol."""
        await self.connected()
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
        rows = await self.rows(
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
        await self.connected()
        return await registration.register(
            self,
            project,
            serialized,
            set_schedule_active=set_schedule_active,
            idempotency_key=idempotency_key,
        )

    async def archive(self, version_id: str) -> None:
        await self.connected()
        if self.first_known("archive_flow") is None:
            raise self.no_such_call("archiving a flow", "archive it in the control plane's UI")
        await self.succeed("archive_flow", {"flow_id": version_id})

    async def set_schedule_active(self, version_id: str, active: bool) -> None:
        await self.connected()
        call = "set_schedule_active" if active else "set_schedule_inactive"
        if self.first_known(call) is not None:
            await self.succeed(call, {"flow_id": version_id})
        elif self.first_known("set_flow_schedule_state") is not None:
            values: dict[str, Json] = {"flow_id": version_id, "set_active": active}
            await self.succeed("set_flow_schedule_state", values)
        else:
            action = "switching a schedule " + ("on" if active else "off")
            raise self.no_such_call(action, "switch it in the control plane's UI")

    async def flow_runs(
        self,
        *,
        version_id: str | None = None,
        project: str | None = None,
        name: str | None = None,
        names: Collection[str] | None = None,
        states: Collection[str] | None = None,
        planned_until: datetime | None = None,
        planned_after: datetime | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[FlowRun, ...]:
        """Runs of a version, of a flow by its name, or all; the latest planned start first."""
        wanted = runs.Wanted(version_id, project, name, names, states, planned_until, planned_after)
        return await runs.flow_runs(self, wanted, offset=offset, limit=limit)

    async def last_runs(self, names: Collection[str]) -> tuple[FlowRun, ...]:
        """Of each flow the run that started last; see `runs.last_runs` for what is not told."""
        return await runs.last_runs(self, names)

    async def flow_run(self, run_id: str) -> FlowRun | None:
        return await runs.flow_run(self, run_id)

    async def find_runs(self, text: str, *, limit: int = 10) -> tuple[FlowRun, ...]:
        """Runs with this id, this beginning of an id (8 characters at least) or this name."""
        return await runs.find_runs(self, text, limit=limit)

    async def flow_parameters(self, version_id: str) -> tuple[Parameter, ...]:
        return await starting.flow_parameters(self, version_id)

    async def start_run(self, request: RunRequest) -> FlowRun:
        """Start a run, once: see `starting.start_run`."""
        return await starting.start_run(self, request)

    async def cancel_run(self, run_id: str) -> str:
        """Ask that a run ends; returns the state that it then has."""
        return await starting.cancel_run(self, run_id)

    async def run_states(self, run_id: str) -> tuple[StateChange, ...]:
        return await run_details.run_states(self, run_id)

    async def task_runs(self, run_id: str) -> tuple[TaskRun, ...]:
        return await run_details.task_runs(self, run_id)

    async def run_log(
        self, run_id: str, *, since: datetime | None = None, limit: int | None = None
    ) -> tuple[RunLine, ...]:
        """Lines of a run's log, oldest first; `since` and `limit` count from there."""
        return await run_details.run_log(self, run_id, since=since, limit=limit)

    async def agents(self) -> tuple[Agent, ...]:
        return await agents.agents(self)

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

    def finish_later(self, task: asyncio.Task[str]) -> None:
        """`close` waits for this task."""
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)

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

    def no_such_call(self, action: str, fix: str) -> ControlPlaneError:
        return ControlPlaneError(
            f"this API has no call for {action}",
            where=f"{self._api_url}: {self._found.description}",
            fix=fix,
        )

    # ------------------------------------------------------------------------------------- reading

    async def _versions(self, where: Mapping[str, Json]) -> tuple[FlowVersion, ...]:
        rows = await self.rows(
            "flow",
            where,
            "{created: desc, version: desc}",
            {**{name: name for name in _VERSION_COLUMNS}, "project": "project { name }"},
            optional=("core_version", "storage", "schedule", "is_schedule_active"),
        )
        return self.understood(rows, answers.flow_version)

    def understood(
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

        `order`, `distinct` and the fields are GraphQL text. An API that gives fewer rows at once
        than a `page` is asked for the rest.
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
                selection = " ".join(
                    text for name, text in fields.items() if name in asked or name not in optional
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
