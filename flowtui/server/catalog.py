"""What is shown of the tables: columns with their wire types, and relations. No GraphQL, no SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, Column, Integer, Text, Uuid
from sqlalchemy.orm import Mapper, configure_mappers

from flowtui.server.scalars import interval_text
from flowtui.server.tables import FlowRun, JsonText, Table, TaskRun, Timestamp


class Kind(StrEnum):
    """The wire type of a column."""

    UUID = "uuid"
    STRING = "String"
    INT = "Int"
    BOOLEAN = "Boolean"
    TIMESTAMP = "timestamptz"
    JSON = "JSON"


@dataclass(frozen=True)
class Relation:
    name: str
    target: str
    """Name of the table at the other end."""
    many: bool
    local: str
    """Column of this table that equals `remote` of the other."""
    remote: str


@dataclass(frozen=True)
class Computed:
    """A field that is no column: made from columns of its row when it is read."""

    name: str
    columns: tuple[str, ...]
    value: Callable[..., object]


@dataclass(frozen=True)
class Shown:
    """One table as clients see it."""

    name: str
    entity: type[Table]
    columns: Mapping[str, Kind]
    nullable: frozenset[str]
    """The columns in which there may be nulls."""
    relations: Mapping[str, Relation]
    computed: Mapping[str, Computed]


_KINDS = (
    (Uuid, Kind.UUID),
    (Text, Kind.STRING),
    (Boolean, Kind.BOOLEAN),
    (Integer, Kind.INT),
    (Timestamp, Kind.TIMESTAMP),
    (JsonText, Kind.JSON),
)


def _kind(column_type: object) -> Kind:
    return next(kind for sql_type, kind in _KINDS if isinstance(column_type, sql_type))


def _is_hidden(column: object) -> bool:
    return isinstance(column, Column) and bool(column.info.get("hidden"))


def _may_be_null(column: object) -> bool:
    if not isinstance(column, Column):
        return True
    return bool(column.nullable) and not column.info.get("always_set")


def _duration(start: datetime | None, end: datetime | None) -> str | None:
    return None if start is None or end is None else interval_text(end - start)


_DURATION = Computed("duration", ("start_time", "end_time"), _duration)
_COMPUTED: Mapping[type[Table], tuple[Computed, ...]] = {
    FlowRun: (_DURATION,),
    TaskRun: (_DURATION,),
}


def _shown(mapper: Mapper[Any]) -> Shown:
    relations: dict[str, Relation] = {}
    for relation in mapper.relationships:
        local, remote = (relation.local_remote_pairs or [])[0]
        relations[relation.key] = Relation(
            name=relation.key,
            target=str(relation.mapper.local_table.name),  # type: ignore[attr-defined]
            many=bool(relation.uselist),
            local=local.key or "",
            remote=remote.key or "",
        )
    return Shown(
        name=str(mapper.local_table.name),  # type: ignore[attr-defined]
        entity=mapper.class_,
        columns={
            attribute.key: _kind(attribute.columns[0].type)
            for attribute in mapper.column_attrs
            if not _is_hidden(attribute.columns[0])
        },
        nullable=frozenset(
            attribute.key for attribute in mapper.column_attrs if _may_be_null(attribute.columns[0])
        ),
        relations=dict(sorted(relations.items())),
        computed={field.name: field for field in _COMPUTED.get(mapper.class_, ())},
    )


def _catalog() -> Mapping[str, Shown]:
    configure_mappers()
    tables = (
        _shown(mapper)
        for mapper in Table.registry.mappers
        if not mapper.local_table.info.get("hidden")  # type: ignore[attr-defined]
    )
    return {table.name: table for table in sorted(tables, key=lambda table: table.name)}


CATALOG = _catalog()
"""Every shown table by name."""
