"""The GraphQL schema, derived from the tables (`catalog.py`) and the operations.

Its names are Hasura's: `flow`, `flow_by_pk`, `flow_aggregate`, `flow_bool_exp`, `flow_order_by`,
`flow_select_column`; `create_flow(input: create_flow_input!)`.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
)

from flowtui.server.catalog import CATALOG, Kind, Shown
from flowtui.server.conditions import COMPARISONS, IS_NULL, MEMBERSHIPS, PATTERNS
from flowtui.server.database import Database
from flowtui.server.fetch import Arguments, Row, RowSelection, fetch_aggregate, fetch_rows
from flowtui.server.operations import MUTATIONS, QUERIES, Act, Caller, Operation
from flowtui.server.operations.base import RowOf
from flowtui.server.scalars import JSON, TIMESTAMP, UUID
from flowtui.server.selection import ROOT, Reader

MUTATION_ROOT = "mutation_root"
_WORD_BORDER = re.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SCALARS: Mapping[Kind, GraphQLScalarType] = {
    Kind.UUID: UUID,
    Kind.STRING: GraphQLString,
    Kind.INT: GraphQLInt,
    Kind.BOOLEAN: GraphQLBoolean,
    Kind.TIMESTAMP: TIMESTAMP,
    Kind.JSON: JSON,
}
_PYTHON_SCALARS: Mapping[Any, GraphQLScalarType] = {
    str: GraphQLString,
    int: GraphQLInt,
    bool: GraphQLBoolean,
}
_ORDER_BY = GraphQLEnumType(
    "order_by",
    {
        name: name
        for way in ("asc", "desc")
        for name in (way, f"{way}_nulls_first", f"{way}_nulls_last")
    },
)


@dataclass(frozen=True)
class Context:
    """What resolvers need of a request."""

    database: Database
    caller: Caller
    raw_variables: Mapping[str, Any]
    clock: Callable[[], datetime]


Info: TypeAlias = "GraphQLResolveInfo[Context]"


def _context(info: Info) -> Context:
    return info.context


def snake(name: str) -> str:
    """`createFlowRunInput` and `CreateFlowRunInput` → `create_flow_run_input`."""
    return _WORD_BORDER.sub("_", name).lower()


@cache
def build_schema() -> GraphQLSchema:
    """One for the process: what differs between requests is in their `Context`."""
    tables = _TableTypes()
    operations = _OperationTypes(tables)
    root = {name: field for table in CATALOG.values() for name, field in tables.root_fields(table)}
    root |= {name: operations.query(operation) for name, operation in QUERIES.items()}
    mutations = {name: operations.mutation(operation) for name, operation in MUTATIONS.items()}
    return GraphQLSchema(
        query=GraphQLObjectType(ROOT, root),
        mutation=GraphQLObjectType(MUTATION_ROOT, mutations),
    )


def _found(source: Row, info: Info, **_arguments: Any) -> object:
    """Rows come with everything that was selected, under the keys of the answer."""
    return source.get(cast("str", info.path.key))


class _TableTypes:
    """The types of every table, each made once."""

    def __init__(self) -> None:
        self._rows = {name: self._row_type(table) for name, table in CATALOG.items()}
        self._filters = {name: self._filter(table) for name, table in CATALOG.items()}
        self._orders = {name: self._order(table) for name, table in CATALOG.items()}
        self._columns = {
            name: GraphQLEnumType(
                f"{name}_select_column", {column: column for column in table.columns}
            )
            for name, table in CATALOG.items()
        }
        self._comparisons = {kind: _comparison(kind) for kind in Kind}
        self._aggregates = {name: self._aggregate(table) for name, table in CATALOG.items()}

    def row(self, name: str) -> GraphQLObjectType:
        return self._rows[name]

    def root_fields(self, table: Shown) -> list[tuple[str, GraphQLField]]:
        def many(_source: object, info: Info, **_arguments: Any) -> list[Row]:
            wanted = _reader(info).rows(table, info.field_nodes)
            with _context(info).database.reading() as session:
                return fetch_rows(session, wanted)

        def single(_source: object, info: Info, *, id: str) -> Row | None:  # noqa: A002
            return _one(info, table, id)

        def aggregate(_source: object, info: Info, **_arguments: Any) -> Row:
            wanted = _reader(info).aggregate(table, info.field_nodes)
            with _context(info).database.reading() as session:
                return fetch_aggregate(session, table, wanted)

        by_id = {"id": GraphQLArgument(GraphQLNonNull(UUID))}
        return [
            (table.name, self._list_field(table.name, many)),
            (f"{table.name}_by_pk", GraphQLField(self._rows[table.name], by_id, single)),
            (f"{table.name}_aggregate", self._aggregate_field(table.name, aggregate)),
        ]

    def _row_type(self, table: Shown) -> GraphQLObjectType:
        def row_fields() -> dict[str, GraphQLField]:
            found = {
                name: GraphQLField(_SCALARS[kind], resolve=_found)
                for name, kind in table.columns.items()
            }
            found |= {name: GraphQLField(GraphQLString, resolve=_found) for name in table.computed}
            for relation in table.relations.values():
                if not relation.many:
                    field = GraphQLField(self._rows[relation.target], resolve=_found)
                    found[relation.name] = field
                    continue
                found[relation.name] = self._list_field(relation.target, _found)
                aggregate = self._aggregate_field(relation.target, _found)
                found[f"{relation.name}_aggregate"] = aggregate
            return found

        return GraphQLObjectType(table.name, row_fields)

    def _list_field(self, name: str, resolve: Callable[..., Any]) -> GraphQLField:
        rows = GraphQLNonNull(GraphQLList(GraphQLNonNull(self._rows[name])))
        return GraphQLField(rows, self._list_arguments(name), resolve)

    def _aggregate_field(self, name: str, resolve: Callable[..., Any]) -> GraphQLField:
        aggregate = GraphQLNonNull(self._aggregates[name])
        return GraphQLField(aggregate, self._list_arguments(name), resolve)

    def _list_arguments(self, name: str) -> dict[str, GraphQLArgument]:
        return {
            "where": GraphQLArgument(self._filters[name]),
            "order_by": GraphQLArgument(GraphQLList(GraphQLNonNull(self._orders[name]))),
            "distinct_on": GraphQLArgument(GraphQLList(GraphQLNonNull(self._columns[name]))),
            "limit": GraphQLArgument(GraphQLInt),
            "offset": GraphQLArgument(GraphQLInt),
        }

    def _filter(self, table: Shown) -> GraphQLInputObjectType:
        def filter_fields() -> dict[str, GraphQLInputField]:
            this = self._filters[table.name]
            found = {
                "_and": GraphQLInputField(GraphQLList(this)),
                "_or": GraphQLInputField(GraphQLList(this)),
                "_not": GraphQLInputField(this),
            }
            for name, kind in table.columns.items():
                found[name] = GraphQLInputField(self._comparisons[kind])
            for relation in table.relations.values():
                found[relation.name] = GraphQLInputField(self._filters[relation.target])
            return found

        return GraphQLInputObjectType(f"{table.name}_bool_exp", filter_fields)

    def _order(self, table: Shown) -> GraphQLInputObjectType:
        def order_fields() -> dict[str, GraphQLInputField]:
            found = {
                name: GraphQLInputField(_ORDER_BY)
                for name, kind in table.columns.items()
                if kind is not Kind.JSON
            }
            for relation in table.relations.values():
                if not relation.many:
                    found[relation.name] = GraphQLInputField(self._orders[relation.target])
            return found

        return GraphQLInputObjectType(f"{table.name}_order_by", order_fields)

    def _aggregate(self, table: Shown) -> GraphQLObjectType:
        extremes = GraphQLObjectType(
            f"{table.name}_extremes",
            {
                name: GraphQLField(_SCALARS[kind], resolve=_found)
                for name, kind in table.columns.items()
                if kind not in (Kind.JSON, Kind.BOOLEAN, Kind.UUID)
            },
        )
        columns = GraphQLList(GraphQLNonNull(self._columns[table.name]))
        count_arguments = {
            "columns": GraphQLArgument(columns),
            "distinct": GraphQLArgument(GraphQLBoolean),
        }
        figures = GraphQLObjectType(
            f"{table.name}_aggregate_fields",
            {
                "count": GraphQLField(GraphQLInt, count_arguments, _found),
                "max": GraphQLField(extremes, resolve=_found),
                "min": GraphQLField(extremes, resolve=_found),
            },
        )
        rows = GraphQLNonNull(GraphQLList(GraphQLNonNull(self._rows[table.name])))
        return GraphQLObjectType(
            f"{table.name}_aggregate",
            {
                "aggregate": GraphQLField(figures, resolve=_found),
                "nodes": GraphQLField(rows, resolve=_found),
            },
        )


def _comparison(kind: Kind) -> GraphQLInputObjectType:
    scalar = _SCALARS[kind]
    found = {IS_NULL: GraphQLInputField(GraphQLBoolean)}
    if kind is not Kind.JSON:
        members = GraphQLList(GraphQLNonNull(scalar))
        found |= {name: GraphQLInputField(scalar) for name in COMPARISONS}
        found |= {name: GraphQLInputField(members) for name in MEMBERSHIPS}
    if kind is Kind.STRING:
        found |= {name: GraphQLInputField(scalar) for name in PATTERNS}
    return GraphQLInputObjectType(f"{kind.value}_comparison_exp", found)


def _reader(info: Info) -> Reader:
    return Reader(info, _context(info).raw_variables)


def _one(info: Info, table: Shown, row_id: str) -> Row | None:
    selection = _reader(info).row(table, info.field_nodes)
    wanted = RowSelection(selection, Arguments(where={"id": {"_eq": row_id}}))
    with _context(info).database.reading() as session:
        return next(iter(fetch_rows(session, wanted)), None)


class _OperationTypes:
    """Input and payload types from the data classes of operations."""

    def __init__(self, tables: _TableTypes) -> None:
        self._tables = tables
        self._output_object = cache(self._make_output_object)
        self._nested_input = cache(self._make_nested_input)

    def mutation(self, operation: Operation) -> GraphQLField:
        def resolve(_source: object, info: Info, *, input: Any) -> object:  # noqa: A002
            context = _context(info)
            return context.database.write(
                lambda session: operation.run(Act(session, context.caller, context.clock()), input)
            )

        taken = self._input_object(f"{operation.name}_input", operation.takes)
        arguments = {"input": GraphQLArgument(GraphQLNonNull(taken))}
        return GraphQLField(
            self._output(operation.gives), arguments, resolve, description=operation.run.__doc__
        )

    def query(self, operation: Operation) -> GraphQLField:
        def resolve(_source: object, info: Info, **arguments: Any) -> object:
            context = _context(info)
            with context.database.reading() as session:
                act = Act(session, context.caller, context.clock())
                return operation.run(act, operation.takes(**arguments))

        hints = get_type_hints(operation.takes, include_extras=True)
        arguments = {
            item.name: GraphQLArgument(self._input(hints[item.name], optional=_has_default(item)))
            for item in fields(operation.takes)
        }
        return GraphQLField(
            self._output(operation.gives), arguments, resolve, description=operation.run.__doc__
        )

    def _make_nested_input(self, data_class: type) -> GraphQLInputObjectType:
        return self._input_object(f"{snake(data_class.__name__)}_item", data_class)

    def _input_object(self, name: str, data_class: Any) -> GraphQLInputObjectType:
        hints = get_type_hints(data_class, include_extras=True)
        found = {
            item.name: GraphQLInputField(self._input(hints[item.name], optional=_has_default(item)))
            for item in fields(data_class)
        }
        return GraphQLInputObjectType(
            name, found, out_type=lambda values: data_class(**_frozen(values))
        )

    def _input(self, hint: Any, *, optional: bool) -> Any:
        inner, nullable = _without_none(hint)
        taken: Any
        if get_origin(inner) is tuple:
            taken = GraphQLList(self._input(get_args(inner)[0], optional=False))
        elif is_dataclass(inner):
            taken = self._nested_input(cast("type", inner))
        else:
            taken = _scalar(inner)
        return taken if optional or nullable else GraphQLNonNull(taken)

    def _output(self, hint: Any) -> Any:
        inner, _ = _without_none(hint)
        marker = _row_marker(inner)
        if marker:
            return self._tables.row(marker.table)
        if get_origin(inner) is tuple:
            return GraphQLList(self._output(get_args(inner)[0]))
        return self._output_object(inner) if is_dataclass(inner) else _scalar(inner)

    def _make_output_object(self, data_class: Any) -> GraphQLObjectType:
        hints = get_type_hints(data_class, include_extras=True)
        return GraphQLObjectType(
            snake(data_class.__name__),
            {
                item.name: GraphQLField(
                    self._output(hints[item.name]), resolve=_payload_resolver(hints[item.name])
                )
                for item in fields(data_class)
            },
        )


def _has_default(item: Field[Any]) -> bool:
    return item.default is not MISSING or item.default_factory is not MISSING


def _frozen(values: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of plain values become tuples; whole JSON documents stay what they are."""
    return {
        name: tuple(cast("list[Any]", value)) if isinstance(value, list) else value
        for name, value in values.items()
    }


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    (inner,) = (part for part in get_args(hint) if part is not type(None))
    return inner, True


def _markers(hint: Any) -> tuple[Any, ...]:
    return tuple(hint.__metadata__) if get_origin(hint) is Annotated else ()


def _row_marker(hint: Any) -> RowOf | None:
    return next((marker for marker in _markers(hint) if isinstance(marker, RowOf)), None)


def _scalar(hint: Any) -> GraphQLScalarType:
    for marker in _markers(hint):
        if isinstance(marker, GraphQLScalarType):
            return marker
    return _PYTHON_SCALARS[hint]


def _payload_resolver(hint: Any) -> Callable[..., object]:
    marker = _row_marker(_without_none(hint)[0])
    if marker is None:
        return _payload_field
    table = CATALOG[marker.table]

    def row(source: object, info: Info) -> Row | None:
        return _one(info, table, getattr(source, info.field_name))

    return row


def _payload_field(source: object, info: Info) -> object:
    return getattr(source, info.field_name)
