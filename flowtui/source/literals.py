"""The JSON value that an expression is sure to have, told without running it."""

from __future__ import annotations

import ast
import datetime
from collections.abc import Callable, Mapping

from flowtui.models import Json
from flowtui.source.names import Function, Names, is_local

_DEEPEST = 40
"""Nesting, counted over names that stand for other expressions: they may go in a circle."""
_SCHEDULES: Mapping[str, str] = {
    "Cron": "cron",
    "Interval": "interval",
    "RRule": "rrule",
    "Schedule": "",
    "CronSchedule": "",
    "IntervalSchedule": "",
    "RRuleSchedule": "",
    "DeploymentScheduleCreate": "",
}
"""Prefect's classes and functions for a schedule; the key of what comes without a keyword."""
_MOST = 10**12
"""Of a number that is worked with: seconds of a very long interval."""


class NotLiteralError(Exception):
    """Only running the file tells."""


def literal(
    node: ast.expr, names: Names, functions: tuple[Function | ast.Lambda, ...] = (), depth: int = 0
) -> Json:
    """The value of an expression. Raises NotLiteralError.

    A `timedelta` is its seconds, a `datetime` its ISO text, a schedule of Prefect's what
    prefect.yaml would have in its place.
    """
    if depth > _DEEPEST:
        raise NotLiteralError

    def inner(child: ast.expr) -> Json:
        return literal(child, names, functions, depth + 1)

    match node:
        case ast.Constant(value=str() | bool() | int() | float() | None as value):
            return value
        case ast.List(elts=entries) | ast.Tuple(elts=entries) | ast.Set(elts=entries):
            return [inner(entry) for entry in entries]
        case ast.Dict(keys=keys, values=values):
            return {_key(key, inner): inner(value) for key, value in zip(keys, values, strict=True)}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(inner(operand))
        case ast.Call():
            return _called(node, names, inner)
        case ast.JoinedStr() | ast.BinOp() | ast.Name():
            text = names.text(node, functions)
            return text if text is not None else _worked_out(node, names, functions, inner)
        case _:
            raise NotLiteralError


def _worked_out(
    node: ast.expr,
    names: Names,
    functions: tuple[Function | ast.Lambda, ...],
    inner: Callable[[ast.expr], Json],
) -> Json:
    match node:
        case ast.Name(id=name) if name in names.bound and not is_local(name, functions):
            return inner(names.bound[name])
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _times(_number(inner(left)), _number(inner(right)))
        case _:
            raise NotLiteralError


def _key(key: ast.expr | None, inner: Callable[[ast.expr], Json]) -> str:
    text = inner(key) if key is not None else None
    if not isinstance(text, str):
        raise NotLiteralError
    return text


def _times(left: float, right: float) -> float:
    """`60 * 60`, the one sum that schedules are written with."""
    if max(abs(left), abs(right)) > _MOST:
        raise NotLiteralError
    return left * right


def _number(value: Json) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotLiteralError
    return value


def _called(call: ast.Call, names: Names, inner: Callable[[ast.expr], Json]) -> Json:
    origin = names.origin(call.func) or ""
    last = origin.rpartition(".")[2]
    if any(keyword.arg is None for keyword in call.keywords):
        raise NotLiteralError
    given = {str(keyword.arg): keyword.value for keyword in call.keywords}
    if origin == "datetime.timedelta":
        return _seconds(
            [inner(each) for each in call.args], {k: inner(v) for k, v in given.items()}
        )
    if origin in ("datetime.datetime", "datetime.date"):
        return _moment(origin, [_number(inner(each)) for each in call.args], given)
    if origin.startswith("prefect.") and last in _SCHEDULES:
        return _schedule(_SCHEDULES[last], call.args, given, inner)
    raise NotLiteralError


def _seconds(args: list[Json], given: Mapping[str, Json]) -> float:
    try:
        seconds = datetime.timedelta(
            *(_number(each) for each in args), **{key: _number(each) for key, each in given.items()}
        ).total_seconds()
    except (TypeError, OverflowError):
        raise NotLiteralError from None
    return int(seconds) if seconds.is_integer() else seconds


def _moment(origin: str, args: list[int | float], given: Mapping[str, ast.expr]) -> str:
    if given or not all(isinstance(each, int) for each in args):
        raise NotLiteralError  # a time zone is an object
    numbers = [int(each) for each in args]
    try:
        day = datetime.date(*numbers[:3])
        if origin == "datetime.date":
            return day.isoformat()
        hour, minute, second, micro = (*numbers[3:], 0, 0, 0, 0)[:4]
        time = datetime.time(hour, minute, second, micro)
        return datetime.datetime.combine(day, time).isoformat()
    except (TypeError, ValueError, OverflowError):
        raise NotLiteralError from None


def _schedule(
    first: str,
    args: list[ast.expr],
    given: Mapping[str, ast.expr],
    inner: Callable[[ast.expr], Json],
) -> Json:
    """As in prefect.yaml; the schedule of a DeploymentScheduleCreate is taken out of it."""
    if len(args) > (1 if first else 0):
        raise NotLiteralError
    values = {key: inner(value) for key, value in given.items()}
    if args:
        values[first] = inner(args[0])
    return flat_schedule({key: value for key, value in values.items() if value is not None})


def flat_schedule(schedule: Mapping[str, Json]) -> Json:
    """`{schedule: {cron}, active}`, as the API has it, in the one level that prefect.yaml has."""
    nested = schedule.get("schedule")
    if not isinstance(nested, Mapping):
        return schedule
    return {**nested, **{key: value for key, value in schedule.items() if key != "schedule"}}
