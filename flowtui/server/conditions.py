"""Hasura's `where` and `order_by` as SQL.

`{column: {_eq: null}}` means "no condition", as in Hasura 1: clients send it for every filter that
was not given. In an `_or` that is one possibility less, not every row: Prefect 0.6.1 looks for
cached states by `_or: [{cache_key: {_eq: null}}, {task_id: …}]`, and would take those of all tasks.
A condition is None where it holds for every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select, true
from sqlalchemy.orm import aliased

from flowtui.server.catalog import CATALOG, Shown

Condition = ColumnElement[bool] | None
Where = Mapping[str, Any]
Entity = Any
"""A mapped class or an alias of one: SQLAlchemy has no common type for both."""

_LIKE_ESCAPE = "\\"
_MANY = 20

COMPARISONS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "_eq": lambda column, value: column == value,
    "_neq": lambda column, value: column != value,
    "_gt": lambda column, value: column > value,
    "_gte": lambda column, value: column >= value,
    "_lt": lambda column, value: column < value,
    "_lte": lambda column, value: column <= value,
}
MEMBERSHIPS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "_in": lambda column, value: column.in_(value),
    "_nin": lambda column, value: column.not_in(value),
}
PATTERNS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "_like": lambda column, value: column.like(value, escape=_LIKE_ESCAPE),
    "_nlike": lambda column, value: column.not_like(value, escape=_LIKE_ESCAPE),
    "_ilike": lambda column, value: column.ilike(value, escape=_LIKE_ESCAPE),
    "_nilike": lambda column, value: column.not_ilike(value, escape=_LIKE_ESCAPE),
}
IS_NULL = "_is_null"
_OPERATORS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    **COMPARISONS,
    **MEMBERSHIPS,
    **PATTERNS,
    IS_NULL: lambda column, value: column.is_(None) if value else column.is_not(None),
}


def condition(table: Shown, entity: Entity, where: Where | None) -> Condition:
    """The SQL condition of a `where` object on `entity` (the table's class or an alias)."""
    return _all(_part(table, entity, key, value) for key, value in (where or {}).items())


def _part(table: Shown, entity: Entity, key: str, value: Any) -> Condition:
    if value is None:
        return None
    if key == "_and":
        return _all(condition(table, entity, member) for member in _members(value))
    if key == "_or":
        return _any([condition(table, entity, member) for member in _members(value)])
    if key == "_not":
        inner = condition(table, entity, value)
        return false() if inner is None else not_(inner)
    if key in table.relations:
        return _through(table, entity, key, value)
    return _compare(getattr(entity, key), value)


def _members(value: Where | Sequence[Where]) -> Sequence[Where]:
    """What Hasura takes as a list comes as one object from some clients."""
    return cast("Sequence[Where]", [value] if isinstance(value, Mapping) else value)


def _all(conditions: Iterator[Condition]) -> Condition:
    real = [part for part in conditions if part is not None]
    return and_(*real) if real else None


def _any(conditions: Sequence[Condition]) -> Condition:
    real = [part for part in conditions if part is not None]
    if real:
        return or_(*real)
    return None if conditions else false()


def _through(table: Shown, entity: Entity, name: str, where: Where) -> Condition:
    """A condition on related rows; one that says nothing excludes no row, related or not.

    One on the one related row of each is written so that a database can start from that row and
    look up what belongs to it, instead of looking at all; but not where many such rows are meant,
    as then it better looks at all until it has enough.
    """
    relation = table.relations[name]
    target = CATALOG[relation.target]
    other: Entity = aliased(target.entity)
    inner = condition(target, other, where)
    if inner is None and where:
        return None
    local, remote = getattr(entity, relation.local), getattr(other, relation.remote)
    if relation.many or relation.local in table.nullable or _picks_many(where):
        return exists(select(1).where(remote == local, true() if inner is None else inner))
    if set(where) == {relation.remote}:
        return _compare(local, where[relation.remote])
    return local.in_(select(remote).where(true() if inner is None else inner))


def _picks_many(where: Where) -> bool:
    return any(
        isinstance(operators, Mapping) and len(cast("Where", operators).get("_in") or ()) > _MANY
        for operators in where.values()
    )


def _compare(column: Any, operators: Mapping[str, Any]) -> Condition:
    return _all(
        _OPERATORS[name](column, value) for name, value in operators.items() if value is not None
    )


def ordering(
    table: Shown, entity: Entity, order_by: Any, where: Where | None = None
) -> list[ColumnElement[Any]]:
    """The SQL order of an `order_by` (one object whose keys' order counts, or a list of them).

    Nulls come last going up and first going down, as PostgreSQL has it, on every database. Where
    there are none it is not said: SQLite then takes rows from an index until it has enough.
    """
    objects = _members(order_by or [])
    nullable = table.nullable - _not_null(where)
    return [
        element
        for keys in objects
        for key, direction in keys.items()
        if direction is not None
        for element in _order(table, entity, key, direction, nullable)
    ]


def _not_null(where: Where | None) -> set[str]:
    """The columns that the condition itself says are not null."""
    return {
        key
        for key, operators in (where or {}).items()
        if isinstance(operators, Mapping) and cast("Where", operators).get(IS_NULL) is False
    }


def _order(
    table: Shown,
    entity: Entity,
    key: str,
    direction: str | Mapping[str, Any],
    nullable: Set[str],
) -> Iterator[ColumnElement[Any]]:
    if isinstance(direction, str):
        column = getattr(entity, key)
        yield directed(column, direction) if key in nullable else _going(column, direction)
        return
    relation = table.relations[key]
    target = CATALOG[relation.target]
    for name, inner in direction.items():
        if inner is None:
            continue
        if name in target.relations:
            raise ValueError("order_by goes through one relation at most")
        other: Entity = aliased(target.entity)
        value = (
            select(getattr(other, name))
            .where(getattr(other, relation.remote) == getattr(entity, relation.local))
            .scalar_subquery()
        )
        yield directed(value, inner)


def directed(column: Any, direction: str) -> ColumnElement[Any]:
    """`asc`, `desc`, and both with `_nulls_first` or `_nulls_last`."""
    way, _, nulls = direction.partition("_")
    ordered = _going(column, direction)
    first = nulls == "nulls_first" or (not nulls and way == "desc")
    return ordered.nulls_first() if first else ordered.nulls_last()


def _going(column: Any, direction: str) -> Any:
    return column.desc() if direction.startswith("desc") else column.asc()
