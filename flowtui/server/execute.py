"""One GraphQL request: parsed, folded, validated, executed, answered. Always an answer, never an
exception."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSyntaxError,
    execute_sync,  # pyright: ignore[reportUnknownVariableType]
    parse,
    validate,
)
from sqlalchemy.exc import DataError, OperationalError, StatementError

from flowtui.server.database import Database
from flowtui.server.dialect import Dialect
from flowtui.server.operations import Caller, Refused
from flowtui.server.schema import Context, build_schema
from flowtui.server.tables import now

MAX_TOKENS = 200_000
MAX_FIELDS = 1_000
"""Of one document. Recorded clients select 40; validation takes time quadratic in this number."""
MAX_VALIDATION_ERRORS = 20
_DOCUMENTS_KEPT = 256
_LONGEST_KEPT = 10_000
"""Characters. Clients repeat their queries word for word; checking one takes longer than most
answers. The longest carry what differs each time in their text."""

_TOO_DEEP = "the query or a value in it is nested too deeply"

Answer = dict[str, Any]
log = logging.getLogger("flowtui.server")


@dataclass(frozen=True)
class Request:
    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None


class Executor:
    """The schema over one database."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = now) -> None:
        self.database = database
        self._clock = clock
        self.schema = build_schema()
        self._dialect = Dialect(self.schema)
        self._kept = lru_cache(_DOCUMENTS_KEPT)(self._prepare)

    def answer(self, request: Request, caller: Caller) -> Answer:
        """`{"data": …}`, with `errors` only when there are errors."""
        try:
            return self._answer(request, caller)
        except RecursionError:
            return refusal(_TOO_DEEP, "GRAPHQL_VALIDATION_FAILED")
        except Exception:
            log.exception("a request failed")
            return refusal("internal server error", "INTERNAL_SERVER_ERROR")

    def _answer(self, request: Request, caller: Caller) -> Answer:
        is_kept = len(request.query) <= _LONGEST_KEPT
        prepared = self._kept(request.query) if is_kept else self._prepare(request.query)
        if not isinstance(prepared, DocumentNode):
            return prepared
        variables = self._dialect.fold_variables(prepared, request.variables)
        result = execute_sync(
            self.schema,
            prepared,
            context_value=Context(self.database, caller, variables, self._clock),
            variable_values=variables,
            operation_name=request.operation_name,
        )
        return _answer_of(result)

    def _prepare(self, query: str) -> DocumentNode | Answer:
        """The document, folded and found valid, or what is wrong with it."""
        try:
            document = parse(query, max_tokens=MAX_TOKENS)
        except GraphQLSyntaxError as error:
            return _errors([error], "GRAPHQL_PARSE_FAILED")
        if _count_fields(document) > MAX_FIELDS:
            return refusal(
                f"a query may select {MAX_FIELDS} fields at most", "GRAPHQL_VALIDATION_FAILED"
            )
        document = self._dialect.fold_document(document)
        invalid = validate(self.schema, document, max_errors=MAX_VALIDATION_ERRORS)
        return _errors(invalid, "GRAPHQL_VALIDATION_FAILED") if invalid else document


def _count_fields(document: DocumentNode) -> int:
    count = 0
    pending: list[Any] = list(document.definitions)
    while pending:
        node = pending.pop()
        count += isinstance(node, FieldNode)
        selection_set = getattr(node, "selection_set", None)
        if selection_set:
            pending.extend(selection_set.selections)
    return count


def _answer_of(result: ExecutionResult) -> Answer:
    answer: Answer = {"data": result.data}
    if result.errors:
        answer["errors"] = [_shown(error, "BAD_USER_INPUT") for error in result.errors]
    return answer


def refusal(message: str, code: str) -> Answer:
    """The answer to a request that never got to its data."""
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


def _errors(errors: list[GraphQLError] | list[GraphQLSyntaxError], code: str) -> Answer:
    return {"errors": [_shown(error, code) for error in errors]}


def _shown(error: GraphQLError, code: str) -> dict[str, Any]:
    shown: dict[str, Any] = dict(error.formatted)
    cause = error.original_error
    if isinstance(cause, Refused):
        code = cause.code
    elif _is_too_deep(cause):
        shown["message"] = _TOO_DEEP
    elif isinstance(cause, UnicodeEncodeError):
        shown["message"] = "a text holds half of a surrogate pair, which cannot be stored"
    elif isinstance(cause, DataError | OperationalError):
        log.error("the database refused a request: %s", cause)
        shown["message"] = "the database refused this request"
        code = "INTERNAL_SERVER_ERROR"
    elif cause is not None and not isinstance(cause, GraphQLError):
        log.error("a request failed", exc_info=cause)
        shown["message"] = "internal server error"
        code = "INTERNAL_SERVER_ERROR"
    shown["message"] = _without_retry_word(str(shown["message"]))
    shown["extensions"] = {"code": code}
    return shown


def _is_too_deep(cause: BaseException | None) -> bool:
    """Python gave up on its own, or inside SQLAlchemy while it was writing a document down."""
    return isinstance(cause, RecursionError) or (
        isinstance(cause, StatementError) and isinstance(cause.orig, RecursionError)
    )


def _without_retry_word(message: str) -> str:
    """Clients from 0.12 on repeat a request six times when its errors contain this word."""
    return message.replace("API_ERROR", "API ERROR")
