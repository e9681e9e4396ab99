"""Reads what was selected: one SQL query for each table and level, never one for each row.

Rows come back as dictionaries under the keys that the client asked for, related rows inside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, func, select, true, union_all
from sqlalchemy.orm import Session

from flowtui.server.catalog import CATALOG, Relation, Shown
from flowtui.server.conditions import condition, ordering

Row = dict[str, Any]
_Rows: TypeAlias = "Select[*tuple[Any, ...]]"
_PARENTS_IN_ONE_QUERY = 5000
"""SQLite takes 32,766 variables in a statement, PostgreSQL 65,535."""

_PICKED_BY = {"flow_run": "state"}
"""A column that clients pick rows by, giving a few values, and that leads an index."""
_MOST_PICKED = 30


@dataclass(frozen=True)
class Arguments:
    """Which rows of a table, in which order."""

    where: Mapping[str, Any] | None = None
    order_by: Any = None
    limit: int | None = None
    offset: int | None = None
    distinct_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measure:
    """One figure over many rows: `count`, `max` or `min`."""

    path: tuple[str, ...]
    """Keys of the answer down to the figure."""
    function: str
    column: str | None = None
    distinct: bool = False


@dataclass(frozen=True)
class AggregateSelection:
    arguments: Arguments
    measures: tuple[Measure, ...] = ()
    nodes: Mapping[str, Selection] = field(default_factory=dict[str, "Selection"])


@dataclass(frozen=True)
class RelationSelection:
    relation: Relation
    content: RowSelection | AggregateSelection


@dataclass(frozen=True)
class Selection:
    """What is wanted of each row; keys are those of the answer."""

    table: Shown
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    """From the answer's key to a column or computed field."""
    related: Mapping[str, RelationSelection] = field(default_factory=dict[str, RelationSelection])


@dataclass(frozen=True)
class RowSelection:
    selection: Selection
    arguments: Arguments = Arguments()


@dataclass(frozen=True)
class _Parents:
    """Rows are wanted for these values of this column."""

    column: str
    values: Sequence[Any]

    @property
    def several(self) -> bool:
        return len(self.values) > 1


def fetch_rows(session: Session, wanted: RowSelection) -> list[Row]:
    return [row for _, row in _rows(session, wanted, None)]


def fetch_aggregate(session: Session, table: Shown, wanted: AggregateSelection) -> Row:
    return _aggregates(session, table, wanted, None).get(None) or _nothing(wanted)


def _rows(
    session: Session, wanted: RowSelection, parents: _Parents | None
) -> list[tuple[Any, Row]]:
    """Rows with the value that joins each to its parent."""
    selection, table = wanted.selection, wanted.selection.table
    columns = _columns_needed(selection, parents)
    for_each_parent = parents is not None and len(parents.values) > 1
    chosen = _chosen(table, wanted.arguments, parents, cut_here=for_each_parent)
    order = _total_order(table, wanted.arguments)
    query: _Rows = (
        select(*[getattr(table.entity, name) for name in columns])
        .where(_first_of_each_value(table, wanted.arguments, chosen, order))
        .order_by(*order)
    )
    if not for_each_parent:
        query = _cut(query, wanted.arguments)
    found = [dict(zip(columns, row, strict=True)) for row in session.execute(query)]
    answers = [_own_fields(selection, row) for row in found]
    for key, related in selection.related.items():
        _attach(session, key, related, found, answers)
    link = parents.column if parents else "id"
    return [(row[link], answer) for row, answer in zip(found, answers, strict=True)]


def _columns_needed(selection: Selection, parents: _Parents | None) -> list[str]:
    table = selection.table
    names = {"id", parents.column} if parents else {"id"}
    names |= {related.relation.local for related in selection.related.values()}
    for name in selection.fields.values():
        names |= set(table.computed[name].columns) if name in table.computed else {name}
    return sorted(names)


def _own_fields(selection: Selection, row: Mapping[str, Any]) -> Row:
    answer: Row = {}
    for key, name in selection.fields.items():
        computed = selection.table.computed.get(name)
        answer[key] = (
            computed.value(*(row[column] for column in computed.columns)) if computed else row[name]
        )
    return answer


def _attach(
    session: Session,
    key: str,
    related: RelationSelection,
    rows: Sequence[Mapping[str, Any]],
    answers: Sequence[Row],
) -> None:
    relation, content = related.relation, related.content
    values = list({row[relation.local] for row in rows} - {None})
    by_parent: dict[Any, Any] = {}
    for start in range(0, len(values), _PARENTS_IN_ONE_QUERY):
        parents = _Parents(relation.remote, values[start : start + _PARENTS_IN_ONE_QUERY])
        if isinstance(content, AggregateSelection):
            by_parent |= _aggregates(session, CATALOG[relation.target], content, parents)
        else:
            by_parent |= _grouped(_rows(session, content, parents))
    for row, answer in zip(rows, answers, strict=True):
        found = by_parent.get(row[relation.local])
        if isinstance(content, AggregateSelection):
            answer[key] = found or _nothing(content)
        elif relation.many:
            answer[key] = found or []
        else:
            answer[key] = found[0] if found else None


def _grouped(pairs: Sequence[tuple[Any, Row]]) -> dict[Any, list[Row]]:
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for parent, row in pairs:
        groups[parent].append(row)
    return groups


def _aggregates(
    session: Session, table: Shown, wanted: AggregateSelection, parents: _Parents | None
) -> dict[Any, Row]:
    """The figures for each parent (under None without parents)."""
    entity: Any = table.entity
    link = getattr(entity, parents.column) if parents else None
    chosen = _chosen(table, wanted.arguments, parents, cut_here=True)
    answers: defaultdict[Any, Row] = defaultdict(lambda: _nothing(wanted))
    if wanted.measures:
        figures = [_figure(entity, measure) for measure in wanted.measures]
        query = select(*figures) if link is None else select(link, *figures).group_by(link)
        for row in session.execute(query.select_from(entity).where(chosen)):
            parent, values = (None, row) if link is None else (row[0], row[1:])
            for measure, value in zip(wanted.measures, values, strict=True):
                _put(answers[parent], measure.path, value)
    for key, selection in wanted.nodes.items():
        rows = _rows(session, RowSelection(selection, wanted.arguments), parents)
        groups = {None: [row for _, row in rows]} if parents is None else _grouped(rows)
        for parent, group in groups.items():
            answers[parent][key] = group
    return answers


def _figure(entity: Any, measure: Measure) -> ColumnElement[Any]:
    if measure.column is None:
        return func.count()
    column = getattr(entity, measure.column)
    figure: ColumnElement[Any] = getattr(func, measure.function)(
        column.distinct() if measure.distinct else column
    )
    return figure


def _nothing(wanted: AggregateSelection) -> Row:
    """The answer over no rows."""
    answer: Row = {key: [] for key in wanted.nodes}
    for measure in wanted.measures:
        _put(answer, measure.path, 0 if measure.function == "count" else None)
    return answer


def _put(answer: Row, path: Sequence[str], value: object) -> None:
    for key in path[:-1]:
        answer = answer.setdefault(key, {})
    answer[path[-1]] = value


def _total_order(table: Shown, arguments: Arguments) -> list[ColumnElement[Any]]:
    """Equal rows stand oldest first, so that an answer never depends on the database's mood."""
    entity: Any = table.entity
    asked = ordering(table, entity, arguments.order_by, arguments.where)
    return [*asked, entity.created.asc(), entity.id.asc()]


def _cut(query: _Rows, arguments: Arguments) -> _Rows:
    if arguments.limit is not None:
        query = query.limit(arguments.limit)
    return query.offset(arguments.offset) if arguments.offset else query


def _chosen(
    table: Shown, arguments: Arguments, parents: _Parents | None, *, cut_here: bool = False
) -> ColumnElement[bool]:
    """The condition for the wanted rows.

    `distinct_on` always becomes part of it. `limit` and `offset` do where they count for each of
    several parents, or where `cut_here` says that no query around it will apply them.
    """
    entity: Any = table.entity
    chosen = condition(table, entity, arguments.where)
    chosen = true() if chosen is None else chosen
    links: list[Any] = []
    if parents:
        link = getattr(entity, parents.column)
        links = [link]
        chosen = chosen & link.in_(parents.values)
    order = _total_order(table, arguments)
    if arguments.distinct_on:
        groups = [*links, *(getattr(entity, name) for name in arguments.distinct_on)]
        chosen = entity.id.in_(_numbered(entity, chosen, groups, order, first=1, last=1))
    numbered = cut_here or (parents is not None and parents.several)
    if numbered and (arguments.limit is not None or arguments.offset):
        first = (arguments.offset or 0) + 1
        last = None if arguments.limit is None else first + arguments.limit - 1
        chosen = entity.id.in_(_numbered(entity, chosen, links, order, first=first, last=last))
    return chosen


def _first_of_each_value(
    table: Shown,
    arguments: Arguments,
    chosen: ColumnElement[bool],
    order: Sequence[ColumnElement[Any]],
) -> ColumnElement[bool]:
    """The same condition for a page of rows that have one of several values in a column.

    An index has the rows of each value in order, not those of several. So a page is picked from a
    page of each: without that, all rows with any of the values would be sorted.
    """
    entity: Any = table.entity
    values = _values_picked(table, arguments)
    if not values or arguments.limit is None:
        return chosen
    column, members = values
    end = (arguments.offset or 0) + arguments.limit
    pages = [
        select(entity.id).where(chosen, column == value).order_by(*order).limit(end).subquery()
        for value in members
    ]
    return entity.id.in_(union_all(*[select(page.c.id) for page in pages]))


def _values_picked(table: Shown, arguments: Arguments) -> tuple[Any, Sequence[Any]] | None:
    name = _PICKED_BY.get(table.name)
    given = (arguments.where or {}).get(name) if name else None
    members = given.get("_in") if given and len(given) == 1 else None
    if not name or not members or not 1 < len(members) <= _MOST_PICKED:
        return None
    return getattr(table.entity, name), members


def _numbered(
    entity: Any,
    chosen: ColumnElement[bool],
    groups: Sequence[Any],
    order: Sequence[Any],
    *,
    first: int,
    last: int | None,
) -> Select[Any]:
    """The ids of rows `first` to `last` of each group."""
    number = func.row_number().over(partition_by=groups or None, order_by=order).label("number")
    numbered = select(entity.id.label("id"), number).where(chosen).subquery()
    ids = select(numbered.c.id).where(numbered.c.number >= first)
    return ids if last is None else ids.where(numbered.c.number <= last)


def one(session: Session, selection: Selection, row_id: str) -> Row | None:
    """One row by its id."""
    rows = fetch_rows(session, RowSelection(selection, Arguments(where={"id": {"_eq": row_id}})))
    return rows[0] if rows else None
