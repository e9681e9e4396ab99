"""How an operation (a mutation, or a query that is no table) is written.

An operation is a function of an `Act` and a data class. Names and types of the data class's
fields are the GraphQL input; those of the returned data class are the payload. `schema.py` derives
the GraphQL types from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeVar, get_type_hints

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from flowtui.server.scalars import JSON, TIMESTAMP, UUID
from flowtui.server.tables import Table, Tenant, now

Uuid = Annotated[str, UUID]
Moment = Annotated[datetime, TIMESTAMP]
JsonDocument = Annotated[Any, JSON]


@dataclass(frozen=True)
class RowOf:
    """Marks a payload field that holds a row's id and is answered as that row."""

    table: str


class Refused(Exception):  # noqa: N818
    """What a client asked for is not possible; the text goes to the client."""

    def __init__(self, message: str, code: str = "BAD_USER_INPUT") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Caller:
    """Who sent a request, as far as its headers say."""

    tenant_id: str | None = None
    agent_id: str | None = None
    core_version: str | None = None
    credential: str = ""
    """What came as Bearer; handed back by `switch_tenant`, never stored or logged."""


@dataclass(frozen=True)
class Act:
    """One operation being carried out in one transaction."""

    session: Session
    caller: Caller
    now: datetime = field(default_factory=now)
    """When it is done: one moment for all that it writes."""

    def tenant_id(self, given: str | None = None) -> str:
        """The tenant to work for: the one given, the client's own, else the oldest."""
        for candidate in (given, self.caller.tenant_id):
            if candidate and self.session.get(Tenant, candidate):
                return candidate
        if given:
            raise Refused(f"there is no tenant {given}")
        return self.session.scalars(select(Tenant.id).order_by(Tenant.created).limit(1)).one()

    def row(self, entity: type[RowType], row_id: str) -> RowType:
        """The row, or Refused when there is none."""
        row = self.session.get(entity, row_id)
        if row is None:
            raise Refused(f"there is no {entity.__tablename__.replace('_', ' ')} {row_id}")
        return row

    def delete(self, entity: type[RowType], row_id: str) -> None:
        """Delete the row, and with it what belongs to it; Refused when there is none."""
        row = self.row(entity, row_id)
        self.session.execute(delete(entity).where(entity.id == row.id))


RowType = TypeVar("RowType", bound=Table)
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operation:
    name: str
    run: Callable[[Act, Any], Any]
    takes: type
    gives: Any


MUTATIONS: dict[str, Operation] = {}
QUERIES: dict[str, Operation] = {}


def _operation(function: Callable[..., Any]) -> Operation:
    hints = get_type_hints(function, include_extras=True)
    gives = hints.pop("return")
    (takes,) = (hint for name, hint in hints.items() if name != "act")
    return Operation(function.__name__, function, takes, gives)


def mutation(function: Function) -> Function:
    """Make a function a mutation of its own name, taking `input`."""
    operation = _operation(function)
    MUTATIONS[operation.name] = operation
    return function


def query(function: Function) -> Function:
    """Make a function a root query of its own name, taking its data class's fields as arguments."""
    operation = _operation(function)
    QUERIES[operation.name] = operation
    return function


@dataclass(frozen=True)
class Nothing:
    """No arguments."""


@dataclass(frozen=True)
class OfFlow:
    flow_id: Uuid
    tenant_id: Uuid | None = None


@dataclass(frozen=True)
class OfFlowGroup:
    flow_group_id: Uuid


@dataclass(frozen=True)
class SuccessPayload:
    success: bool = True
    error: str | None = None


@dataclass(frozen=True)
class IdPayload:
    id: Uuid


@dataclass(frozen=True)
class FlowRunPayload:
    id: Uuid
    flow_run: Annotated[str, RowOf("flow_run")]


@dataclass(frozen=True)
class TaskRunPayload:
    id: Uuid
    task_run: Annotated[str, RowOf("task_run")]
