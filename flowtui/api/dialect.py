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

from flowtui.api.transport import NotGraphQLError, RefusalError, Transport
from flowtui.errors import ControlPlaneError
from flowtui.json_shapes import items, mapping
from flowtui.models import Json, JsonObject

_PATHS = ("", "/graphql", "/graphql/alpha")
"""Where the API was rooted: 1.x, 0.12 to 0.15, before."""

_MUTATIONS = (
    "create_project",
    "delete_project",
    "set_project_name",
    "update_project_name",
    "create_flow",
    "create_flow_from_compressed_string",
    "register_tasks",
    "register_edges",
    "set_schedule_active",
    "archive_flow",
    "delete_flow",
)

_INTROSPECTION = "query { __schema { mutationType { fields { name } } } }"
_UNKNOWN = re.compile(r"Cannot query field ['\"](\w+)['\"] on type")
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

    @property
    def description(self) -> str:
        versions = "0.6 to 0.9" if self.naming is Naming.CAMEL else "0.10 to 1.4"
        return f"Prefect GraphQL API, {self.naming} ({versions})"

    @property
    def core_version(self) -> str | None:
        """What a client of this API calls itself; 0.6 did not say."""
        return _NEWEST_CORE if self.naming is Naming.SNAKE else None

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
    snake = frozenset(name for name in _MUTATIONS if name in found)
    if "create_project" in snake:
        return Dialect(url, Naming.SNAKE, snake)
    camel_case = frozenset(name for name in _MUTATIONS if camel(name) in found)
    if "create_project" in camel_case:
        return Dialect(url, Naming.CAMEL, camel_case)
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
    version = await _rest_version(transport, address)
    if version is not None:
        raise ControlPlaneError(
            f"this is a Prefect {version} API, which speaks REST",
            where=address,
            fix="REST profiles come with a later version of flowtui; "
            "for now use a Prefect 0.6 to 1.4 API, for example `flowtui server`",
        )
    assert first is not None
    raise first


async def _rest_version(transport: Transport, address: str) -> str | None:
    """The version of a Prefect 2 or 3 server at this address, None if it is none."""
    if address.startswith("https://api.prefect.cloud"):
        return "Cloud 2 or 3"
    base = address.removesuffix("/api")
    status, version = await transport.get(f"{base}/api/admin/version")
    if status == 200 and isinstance(version, str) and re.fullmatch(r"[23]\.[\w.+-]{1,40}", version):
        return version
    return None


async def _introspect(transport: Transport, url: str) -> frozenset[str]:
    """Names of all mutations, empty where introspection is switched off."""
    try:
        data = await transport.post(url, _INTROSPECTION, safe=True)
    except RefusalError:
        return frozenset()
    fields = mapping(mapping(data.get("__schema")).get("mutationType")).get("fields")
    return frozenset(str(mapping(field).get("name")) for field in items(fields))


async def _probe(transport: Transport, url: str) -> frozenset[str]:
    """Which mutations of interest there are, told by the errors of one that cannot run."""
    asked = frozenset(_MUTATIONS) | {camel(name) for name in _MUTATIONS}
    try:
        await transport.post(url, f"mutation {{ {' '.join(sorted(asked))} }}", safe=True)
    except RefusalError as refusal:
        return asked - unknown_fields(refusal)
    return frozenset()
