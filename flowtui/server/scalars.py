"""The scalar types of the wire: uuid, timestamptz and JSON beside GraphQL's own."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from graphql import (
    GraphQLError,
    GraphQLScalarType,
    StringValueNode,
    ValueNode,
    print_ast,
    value_from_ast_untyped,
)


def _uuid(value: object) -> str:
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise GraphQLError(f"{value!r} is not a uuid") from None


def parse_timestamp(value: object) -> datetime:
    """An ISO 8601 time as an aware one; without a zone it is UTC, as old clients mean it."""
    if not isinstance(value, str):
        raise GraphQLError(f"{value!r} is not an ISO 8601 time")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise GraphQLError(f"{value!r} is not an ISO 8601 time") from None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise GraphQLError(f"{value!r} is out of range") from None


def _text_literal(node: ValueNode) -> str:
    if isinstance(node, StringValueNode):
        return node.value
    raise GraphQLError(f"{print_ast(node)} must be a string", node)


def _timestamp_out(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def interval_text(seconds: float | timedelta | None) -> str | None:
    """A duration as PostgreSQL writes an interval: `00:01:30`, `49:00:00.5`."""
    if seconds is None:
        return None
    total = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    whole, rest = divmod(abs(total), 1)
    minutes, second = divmod(int(whole), 60)
    hour, minute = divmod(minutes, 60)
    fraction = f"{rest:.6f}"[1:].rstrip("0").rstrip(".")
    return f"{'-' if total < 0 else ''}{hour:02}:{minute:02}:{second:02}{fraction}"


UUID = GraphQLScalarType(
    "uuid",
    serialize=str,
    parse_value=_uuid,
    parse_literal=lambda node, _variables=None: _uuid(_text_literal(node)),
)
TIMESTAMP = GraphQLScalarType(
    "timestamptz",
    serialize=_timestamp_out,
    parse_value=parse_timestamp,
    parse_literal=lambda node, _variables=None: parse_timestamp(_text_literal(node)),
    description="ISO 8601; a time without a zone is UTC.",
)
JSON = GraphQLScalarType(
    "JSON",
    serialize=lambda value: value,
    parse_value=lambda value: value,
    parse_literal=value_from_ast_untyped,
    description="Any JSON document, whole.",
)
