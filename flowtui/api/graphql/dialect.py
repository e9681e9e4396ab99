"""Which of Prefect's GraphQL APIs answers, found out without changing anything on the server.

Prefect Cloud 0.6 to 0.9 names its mutations in camelCase, Prefect Cloud and Server 0.10 to 1.4 in
snake_case; table queries are the same in all of them. Introspection tells which mutations there
are. Where it is switched off, one mutation is sent that asks for every name of interest without
its required arguments: it cannot pass validation, so nothing runs, and the validation errors name
the mutations that do not exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from flowtui.api.graphql.transport import NotGraphQLError, RefusalError, Transport
from flowtui.errors import ControlPlaneError
from flowtui.json_shapes import items, mapping
from flowtui.models import Ability, Json, JsonObject

_PATHS = ("", "/graphql", "/graphql/alpha")
"""Where the API was rooted: 1.x, 0.12 to 0.15, before."""

RENAMING = ("set_project_name", "update_project_name")
DESCRIBING = ("set_project_description", "update_project_description")
"""The same call, as one API and the other name it."""

_MUTATIONS = (
    "create_project",
    "delete_project",
    *RENAMING,
    *DESCRIBING,
    "create_flow",
    "create_flow_from_compressed_string",
    "register_tasks",
    "register_edges",
    "set_schedule_active",
    "set_schedule_inactive",
    "set_flow_schedule_state",
    "update_flow_project",
    "archive_flow",
    "delete_flow",
    "create_flow_run",
    "cancel_flow_run",
)

_TABLES = ("flow_run", "task_run", "agent")
_FLOW_COLUMNS = ("serialized_flow", "parameters")
_RUN_RELATIONS = ("states", "logs")

_INTROSPECTION = (
    "query { __schema { mutationType { fields { name } } queryType { fields { name } } } "
    'flow: __type(name: "flow") { fields { name } } '
    'flow_run: __type(name: "flow_run") { fields { name } } }'
)
_READING_PROBE = (
    f"query {{ {' '.join(f'{name} {{ flowtui }}' for name in _TABLES)} "
    f"flow {{ flowtui {' '.join(_FLOW_COLUMNS)} }} "
    f"flow_run {{ {' '.join(f'{name} {{ flowtui }}' for name in _RUN_RELATIONS)} }} }}"
)
"""No table has a column of that name, so nothing runs."""
_UNKNOWN = re.compile(r"Cannot query field ['\"](\w+)['\"] on type")
LEAST_PAGE = 100
"""Rows that every API gives at once; Prefect Cloud gives no more."""
_NEWEST_CORE = "1.4.1"
"""The Prefect whose requests are mirrored on snake_case APIs."""


class Naming(StrEnum):
    CAMEL = "camelCase"
    SNAKE = "snake_case"


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One API as it was found."""

    url: str
    """The address with the path that GraphQL answers on."""
    naming: Naming
    mutations: frozenset[str]
    """Those of interest that the API has, in snake_case."""
    readable: frozenset[str] = frozenset()
    """What can be read of tables, columns of flows and relations of runs, of those that not every
    API has."""

    @property
    def description(self) -> str:
        versions = "0.6 to 0.9" if self.naming is Naming.CAMEL else "0.10 to 1.4"
        return f"Prefect GraphQL API, {self.naming} ({versions})"

    @property
    def core_version(self) -> str | None:
        """What a client of this API calls itself; 0.6 did not say."""
        return _NEWEST_CORE if self.naming is Naming.SNAKE else None

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the calls that were found come to."""
        calls = self.mutations
        reads = "serialized_flow" in self.readable
        switches = {"set_schedule_active", "set_schedule_inactive"} <= calls
        able = {
            Ability.CREATE_PROJECTS: "create_project" in calls,
            Ability.RENAME_PROJECTS: not calls.isdisjoint(RENAMING),
            Ability.DESCRIBE_PROJECTS: not calls.isdisjoint(DESCRIBING),
            Ability.DELETE_PROJECTS: "delete_project" in calls,
            Ability.MOVE_FLOWS: "update_flow_project" in calls
            or (reads and "archive_flow" in calls),
            Ability.MOVE_VERSIONS: "update_flow_project" in calls,
            Ability.ARCHIVE_VERSIONS: "archive_flow" in calls,
            Ability.SWITCH_SCHEDULES: switches or "set_flow_schedule_state" in calls,
            Ability.RETURN_FLOWS: reads,
            Ability.TELL_RUNS: "flow_run" in self.readable,
            Ability.TELL_PARAMETERS: reads or "parameters" in self.readable,
            Ability.START_RUNS: "create_flow_run" in calls and "flow_run" in self.readable,
            Ability.CANCEL_RUNS: "cancel_flow_run" in calls,
            Ability.TELL_RUN_DETAILS: {"task_run", *_RUN_RELATIONS} <= self.readable,
            Ability.TELL_AGENTS: "agent" in self.readable,
            Ability.REGISTER_FLOW_OBJECTS: True,
        }
        return frozenset(ability for ability, can in able.items() if can)

    def name(self, name: str) -> str:
        """A snake_case name as this API writes it."""
        return camel(name) if self.naming is Naming.CAMEL else name

    def mutation(self, name: str, selection: str) -> str:
        """The text of a mutation that takes one variable, `$input`."""
        field = self.name(name)
        input_type = f"{field}Input" if self.naming is Naming.CAMEL else f"{field}_input"
        return f"mutation($input: {input_type}!) {{ {field}(input: $input) {{ {selection} }} }}"

    def values(self, values: Mapping[str, Json]) -> JsonObject:
        """Input keys as this API writes them; what is inside the values stays as it is."""
        return {self.name(key): value for key, value in values.items()}


async def find(transport: Transport) -> Dialect:
    """Find where and how the API answers. Raises ControlPlaneError and CredentialsError."""
    url = await _find_url(transport)
    found = await _introspect(transport, url) or await _probe(transport, url)
    snake = frozenset(name for name in _MUTATIONS if name in found.mutations)
    if "create_project" in snake:
        return Dialect(url, Naming.SNAKE, snake, found.readable)
    camel_case = frozenset(name for name in _MUTATIONS if camel(name) in found.mutations)
    if "create_project" in camel_case:
        return Dialect(url, Naming.CAMEL, camel_case, found.readable)
    raise ControlPlaneError(
        "there is a GraphQL API at this address, but it is not one of Prefect 0.6 to 1.4",
        where=url,
        fix="check the address; an API older than Prefect 0.6 is not supported",
    )


def literal(value: Json) -> str:
    """A value as GraphQL text. Enum values are written where they are used, not here."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


async def select(
    transport: Transport,
    render: Callable[[frozenset[str]], str],
    optional: Iterable[str],
    *,
    lacking: set[str],
    url: str,
    headers: Mapping[str, str],
) -> JsonObject:
    """Run a query, leaving out optional fields that this API turns out not to have.

    `render` makes the text from the optional fields to ask for; `lacking` remembers what the API
    does not have.
    """
    wanted = frozenset(optional)
    while True:
        asked = wanted - lacking
        try:
            return await transport.post(url, render(asked), headers=headers, safe=True)
        except RefusalError as refusal:
            unknown = unknown_fields(refusal) & asked
            if not unknown:
                raise
            lacking |= unknown


def unknown_fields(refusal: RefusalError) -> frozenset[str]:
    """The fields that validation says do not exist."""
    return frozenset(name for each in refusal.complaints for name in _UNKNOWN.findall(each.message))


def is_unknown_input(refusal: RefusalError, key: str) -> bool:
    """Whether validation says that the input type has no such key; wordings of many versions."""
    return not refusal.executed and any(
        re.search(rf"['\"]{key}['\"]", each.message)
        and re.search(r"unknown field|is not defined", each.message, re.IGNORECASE)
        for each in refusal.complaints
    )


async def _find_url(transport: Transport) -> str:
    address = transport.address
    named = next((path for path in reversed(_PATHS) if path and address.endswith(path)), None)
    candidates = [address] if named else [address + path for path in _PATHS]
    first: NotGraphQLError | None = None
    for url in candidates:
        try:
            await transport.post(url, "query { hello }", safe=True)
        except NotGraphQLError as error:
            first = first or error
        except RefusalError:
            return url
        else:
            return url
    assert first is not None
    raise first


@dataclass(frozen=True, slots=True)
class _Found:
    mutations: frozenset[str]
    """As the API writes them."""
    readable: frozenset[str]


async def _introspect(transport: Transport, url: str) -> _Found | None:
    """What the API says of itself, None where introspection is switched off."""
    try:
        data = await transport.post(url, _INTROSPECTION, safe=True)
    except RefusalError:
        return None
    schema = mapping(data.get("__schema"))
    mutations = _field_names(schema.get("mutationType"))
    if not mutations:
        return None
    tables = _field_names(schema.get("queryType")) & frozenset(_TABLES)
    columns = _field_names(data.get("flow")) & frozenset(_FLOW_COLUMNS)
    relations = _field_names(data.get("flow_run")) & frozenset(_RUN_RELATIONS)
    return _Found(mutations, tables | columns | relations)


def _field_names(graphql_type: object) -> frozenset[str]:
    fields = mapping(graphql_type).get("fields")
    return frozenset(str(mapping(field).get("name")) for field in items(fields))


async def _probe(transport: Transport, url: str) -> _Found:
    """What there is of what is of interest, told by the errors of requests that cannot run."""
    mutations = frozenset(_MUTATIONS) | {camel(name) for name in _MUTATIONS}
    return _Found(
        await _without_unknown(
            transport, url, f"mutation {{ {' '.join(sorted(mutations))} }}", mutations
        ),
        await _without_unknown(
            transport, url, _READING_PROBE, frozenset(_TABLES + _FLOW_COLUMNS + _RUN_RELATIONS)
        ),
    )


async def _without_unknown(
    transport: Transport, url: str, probe: str, names: frozenset[str]
) -> frozenset[str]:
    try:
        await transport.post(url, probe, safe=True)
    except RefusalError as refusal:
        return names - unknown_fields(refusal)
    return frozenset()
