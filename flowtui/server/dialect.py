"""Both dialects at once: the camelCase of Prefect Cloud up to 0.9 becomes the snake_case of 0.10
and later before anything is validated.

Folded are operation and type names, fields (answered under the name that was asked for), and the
keys of input objects along their declared types, so never a key inside a JSON document such as
`parameters`, `context`, `state` or `serialized_flow`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from graphql import (
    ArgumentNode,
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    Node,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableDefinitionNode,
)

from flowtui.server.schema import MUTATION_ROOT, snake

_BARE_FLOW_TAKER = "create_flow_input"
_BARE_FLOW_KEY = "serialized_flow"


class Dialect:
    """Folds documents and variables into the dialect of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._fields = {
            name
            for graphql_type in schema.type_map.values()
            if isinstance(graphql_type, GraphQLObjectType)
            and not graphql_type.name.startswith("__")
            for name in graphql_type.fields
        }

    def fold_document(self, document: DocumentNode) -> DocumentNode:
        """The same document with every name that only camelCase clients know folded."""
        definitions = tuple(self._definition(node) for node in document.definitions)
        return replace(document, definitions=definitions)

    def fold_variables(
        self, document: DocumentNode, variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The variables' values under the keys that their (folded) types know."""
        folded = dict(variables)
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                for variable in definition.variable_definitions or ():
                    self._fold_variable(variable, folded)
        return folded

    def _fold_variable(self, variable: VariableDefinitionNode, values: dict[str, Any]) -> None:
        name = variable.variable.name.value
        if name in values:
            declared = self._schema.type_map.get(_named(variable.type).name.value)
            values[name] = _fold_value(values[name], declared)

    def _definition(self, node: DefinitionNode) -> DefinitionNode:
        if isinstance(node, OperationDefinitionNode):
            variables = tuple(
                replace(variable, type=self._type(variable.type))
                for variable in node.variable_definitions or ()
            )
            is_root = node.operation is OperationType.MUTATION
            return replace(
                node,
                variable_definitions=variables,
                selection_set=self._selections(node.selection_set, is_root=is_root),
            )
        if isinstance(node, FragmentDefinitionNode):
            on = node.type_condition.name.value
            if not on.startswith("__"):
                selected = self._selections(node.selection_set, is_root=on == MUTATION_ROOT)
                return replace(node, selection_set=selected)
        return node

    def _type(self, node: Any) -> Any:
        if not isinstance(node, NamedTypeNode):
            return replace(node, type=self._type(node.type))
        known = snake(node.name.value)
        if node.name.value in self._schema.type_map or known not in self._schema.type_map:
            return node
        return replace(node, name=replace(node.name, value=known))

    def _selections(self, node: SelectionSetNode, *, is_root: bool) -> SelectionSetNode:
        selections = tuple(self._selection(item, is_root=is_root) for item in node.selections)
        return replace(node, selections=selections)

    def _selection(self, node: Any, *, is_root: bool) -> Any:
        if isinstance(node, FieldNode):
            return self._field(node, is_root=is_root)
        if isinstance(node, InlineFragmentNode):
            selected = self._selections(node.selection_set, is_root=is_root)
            return replace(node, selection_set=selected)
        return node

    def _field(self, node: FieldNode, *, is_root: bool) -> FieldNode:
        asked = node.name.value
        if asked.startswith("__"):
            return node
        known = snake(asked)
        if known != asked and known in self._fields:
            node = replace(
                node, alias=node.alias or node.name, name=replace(node.name, value=known)
            )
        if is_root:
            node = replace(node, arguments=self._arguments(node))
        if node.selection_set:
            selected = self._selections(node.selection_set, is_root=False)
            node = replace(node, selection_set=selected)
        return node

    def _arguments(self, node: FieldNode) -> tuple[ArgumentNode, ...]:
        """A mutation's arguments, written out in the query, folded along their types."""
        mutations = self._schema.mutation_type
        field = mutations.fields.get(node.name.value) if mutations else None
        given = cast("tuple[ArgumentNode, ...]", node.arguments or ())
        if field is None:
            return given
        return tuple(
            replace(argument, value=_fold_literal(argument.value, declared.type))
            if (declared := field.args.get(argument.name.value))
            else argument
            for argument in given
        )


def _named(node: Node) -> NamedTypeNode:
    while not isinstance(node, NamedTypeNode):
        node = cast("Any", node).type
    return node


def _bare(declared: Any) -> Any:
    """The type inside lists and non-nulls."""
    while isinstance(declared, GraphQLNonNull | GraphQLList):
        declared = cast("Any", declared).of_type
    return declared


def _is_bare_flow(declared: GraphQLInputObjectType, keys: set[str]) -> bool:
    """The guide of Prefect Cloud 0.6 gives `createFlow` the serialized flow itself as its input."""
    return (
        declared.name == _BARE_FLOW_TAKER
        and _BARE_FLOW_KEY not in {snake(key) for key in keys}
        and {"name", "tasks"} <= keys
    )


def _fold_value(value: object, declared: Any) -> object:
    target = _bare(declared)
    if isinstance(value, list):
        return [_fold_value(item, target) for item in cast("list[Any]", value)]
    if not isinstance(value, dict) or not isinstance(target, GraphQLInputObjectType):
        return cast("object", value)
    given = cast("dict[str, Any]", value)
    if _is_bare_flow(target, set(given)):
        return {_BARE_FLOW_KEY: given}
    folded: dict[str, Any] = {}
    for key, inner in given.items():
        name = _known_key(key, target)
        field = target.fields.get(name)
        folded[name] = _fold_value(inner, field.type) if field else inner
    return folded


def _known_key(key: str, target: GraphQLInputObjectType) -> str:
    return key if key in target.fields or snake(key) not in target.fields else snake(key)


def _fold_literal(node: ValueNode, declared: Any) -> ValueNode:
    target = _bare(declared)
    if isinstance(node, ListValueNode):
        return replace(node, values=tuple(_fold_literal(item, target) for item in node.values))
    if not isinstance(node, ObjectValueNode) or not isinstance(target, GraphQLInputObjectType):
        return node
    if _is_bare_flow(target, {field.name.value for field in node.fields}):
        flow = ObjectFieldNode(name=NameNode(value=_BARE_FLOW_KEY), value=node)
        return ObjectValueNode(fields=(flow,))
    return replace(node, fields=tuple(_fold_entry(field, target) for field in node.fields))


def _fold_entry(node: ObjectFieldNode, target: GraphQLInputObjectType) -> ObjectFieldNode:
    name = _known_key(node.name.value, target)
    field = target.fields.get(name)
    value = _fold_literal(node.value, field.type) if field else node.value
    return replace(node, name=replace(node.name, value=name), value=value)
