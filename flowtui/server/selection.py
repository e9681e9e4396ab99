"""From the fields of a GraphQL query to what `fetch.py` reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    ArgumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    value_from_ast_untyped,
)
from graphql.execution.values import get_argument_values, get_directive_values

from flowtui.server.catalog import CATALOG, Relation, Shown
from flowtui.server.fetch import (
    AggregateSelection,
    Arguments,
    Measure,
    RelationSelection,
    RowSelection,
    Selection,
)

ROOT = "query_root"
MAX_DEPTH = 10
"""Levels of related rows; the open source Prefect Server stops at 7."""


@dataclass(frozen=True)
class Reader:
    """Reads selections out of one operation."""

    info: GraphQLResolveInfo[Any]
    raw_variables: Mapping[str, Any]
    """As they came: GraphQL's coercion loses the order of an object's keys, which `order_by`
    is all about."""

    def rows(
        self, table: Shown, nodes: Sequence[FieldNode], owner: str = ROOT, depth: int = 1
    ) -> RowSelection:
        """A field of `owner` that is a list of the table's rows."""
        arguments = self._arguments(owner, nodes[0])
        return RowSelection(self.row(table, nodes, depth), arguments)

    def row(self, table: Shown, nodes: Sequence[FieldNode], depth: int = 1) -> Selection:
        """What is selected of each row."""
        if depth > MAX_DEPTH:
            raise GraphQLError(f"a query may go through {MAX_DEPTH} related tables at most", nodes)
        fields: dict[str, str] = {}
        related: dict[str, RelationSelection] = {}
        for key, same in self._fields(nodes).items():
            name = same[0].name.value
            relation = table.relations.get(name.removesuffix("_aggregate"))
            if relation is not None:
                content = self._related(table, relation, same, depth + 1)
                related[key] = RelationSelection(relation, content)
            elif not name.startswith("__"):
                fields[key] = name
        return Selection(table, fields, related)

    def _related(
        self, table: Shown, relation: Relation, nodes: Sequence[FieldNode], depth: int
    ) -> RowSelection | AggregateSelection:
        target = CATALOG[relation.target]
        if nodes[0].name.value != relation.name:
            return self.aggregate(target, nodes, table.name, depth)
        if relation.many:
            return self.rows(target, nodes, table.name, depth)
        return RowSelection(self.row(target, nodes, depth))

    def aggregate(
        self, table: Shown, nodes: Sequence[FieldNode], owner: str = ROOT, depth: int = 1
    ) -> AggregateSelection:
        """A field of `owner` of the form `X_aggregate{aggregate{count max{…}} nodes{…}}`."""
        measures: list[Measure] = []
        rows: dict[str, Selection] = {}
        for key, same in self._fields(nodes).items():
            if same[0].name.value == "nodes":
                rows[key] = self.row(table, same, depth)
            elif same[0].name.value == "aggregate":
                measures += self._measures(table, key, same)
        return AggregateSelection(self._arguments(owner, nodes[0]), tuple(measures), rows)

    def _measures(self, table: Shown, outer: str, nodes: Sequence[FieldNode]) -> Iterator[Measure]:
        for key, same in self._fields(nodes).items():
            function = same[0].name.value
            if function == "count":
                yield self._count(table, (outer, key), same[0])
                continue
            for inner, field in self._fields(same).items():
                if not field[0].name.value.startswith("__"):
                    yield Measure((outer, key, inner), function, field[0].name.value)

    def _count(self, table: Shown, path: tuple[str, ...], node: FieldNode) -> Measure:
        given = self._values(f"{table.name}_aggregate_fields", node)
        columns: list[str] = given.get("columns") or []
        if len(columns) > 1:
            raise GraphQLError("count takes one column at most", node)
        distinct = bool(given.get("distinct"))
        return Measure(path, "count", columns[0] if columns else None, distinct)

    def _arguments(self, owner: str, node: FieldNode) -> Arguments:
        given = self._values(owner, node)
        for name in ("limit", "offset"):
            if (given.get(name) or 0) < 0:
                raise GraphQLError(f"{name} must not be negative", node)
        return Arguments(
            where=given.get("where"),
            order_by=self._in_order(node, given),
            limit=given.get("limit"),
            offset=given.get("offset"),
            distinct_on=tuple(given.get("distinct_on") or ()),
        )

    def _values(self, owner: str, node: FieldNode) -> dict[str, Any]:
        owner_type = cast("GraphQLObjectType", self.info.schema.type_map[owner])
        field = owner_type.fields[node.name.value]
        return get_argument_values(field, node, self.info.variable_values)

    def _in_order(self, node: FieldNode, given: Mapping[str, Any]) -> Any:
        """`order_by` with its keys in the client's order, read around GraphQL's coercion."""
        for argument in cast("Sequence[ArgumentNode]", node.arguments or ()):
            if argument.name.value == "order_by":
                untyped = value_from_ast_untyped(argument.value, dict(self.raw_variables))
                return given.get("order_by") if untyped is None else untyped
        return None

    def _fields(self, nodes: Sequence[FieldNode]) -> dict[str, list[FieldNode]]:
        """The fields below `nodes` by response key, fragments flattened, in document order."""
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for node in nodes:
            if node.selection_set:
                self._collect(node.selection_set, found, seen)
        return found

    def _collect(
        self,
        selection_set: SelectionSetNode,
        found: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        for node in selection_set.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                self._collect(node.selection_set, found, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.info.fragments[node.name.value]
                self._collect(fragment.selection_set, found, seen)

    def _included(self, node: Any) -> bool:
        variables = self.info.variable_values
        skip = get_directive_values(GraphQLSkipDirective, node, variables)
        include = get_directive_values(GraphQLIncludeDirective, node, variables)
        return not (skip and skip["if"]) and not (include and not include["if"])
