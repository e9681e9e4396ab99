"""Values of a run's parameters as a person types them, and what is sent of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn, cast

from flowtui.models import Json
from flowtui.quantities import counted
from flowtui.run_models import Parameter
from flowtui.text import clean_block

_AROUND = 14
"""Characters shown on either side of where JSON breaks."""
_ONE_LINE = 60
"""Characters of a default that stays on one line."""
_SHORTER = {
    "Expecting value": "a value is missing",
    "Expecting ',' delimiter": "a comma is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Expecting property name enclosed in double quotes": "a name in double quotes is missing",
    "Extra data": "it should end here",
    "Unterminated string starting at": "its end quote is missing",
    "Invalid control character at": "a line break or tab within quotes",
}
"""What Python says, for one short line."""
_BROKEN = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"


class ValueType(StrEnum):
    """What a field takes, decided from the parameter's default."""

    ANY = "text or JSON"
    """There is no default to tell by: JSON where it is some, else text."""
    TEXT = "text"
    NUMBER = "number"
    SWITCH = "true or false"
    JSON = "JSON"


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in one field."""

    text: str = ""
    null: bool = False
    """Said to be null, whatever the text is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What comes of a field: a value to send, nothing (the default counts), or a problem."""

    words: str = ""
    """What will be sent, for a person."""
    value: Json = None
    given: bool = True
    """False: nothing is sent, and the flow's own default counts."""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class JsonBreak(Exception):  # noqa: N818  (where a text stops being JSON, not a failure of ours)
    """Where a text stops being JSON, counted from 1."""

    line: int
    column: int
    message: str
    around: str
    """The text about there, with a mark at the place."""

    @property
    def words(self) -> str:
        place = f"column {self.column}" if self.line == 1 else f"line {self.line}:{self.column}"
        return f"{place}: {self.message}" + (f"  {self.around}" if self.around else "")


def type_of(parameter: Parameter) -> ValueType:
    return _type_of_value(parameter.default)


def _type_of_value(value: Json) -> ValueType:
    match value:
        case None:
            return ValueType.ANY
        case bool():
            return ValueType.SWITCH
        case int() | float():
            return ValueType.NUMBER
        case str():
            # What cannot be shown as it is stands there as JSON does: "\u001b[2J".
            return ValueType.TEXT if _can_be_shown(value) else ValueType.ANY
        case _:
            return ValueType.JSON


def _can_be_shown(text: str) -> bool:
    return clean_block(text) == text


def typed(kind: ValueType, value: Json) -> Typed:
    """What stands in a field of this kind for this value; `kind_for` says which kinds can."""
    if value is None:
        return Typed("", null=True)
    as_it_is = isinstance(value, str) and _can_be_shown(value)
    if isinstance(value, str) and as_it_is and (kind is ValueType.TEXT or _reads_back(value)):
        return Typed(value)
    text = json.dumps(value, ensure_ascii=False)
    indent = 2 if len(text) > _ONE_LINE and not isinstance(value, str) else None
    return Typed(json.dumps(value, ensure_ascii=not _can_be_shown(text), indent=indent))


def _reads_back(text: str) -> bool:
    """Whether a text in a field that takes anything is read as this very text.

    Not nothing: an empty field is one that nothing was said in.
    """
    reading = _read_any(text)
    return (
        bool(text)
        and reading.value == text
        and isinstance(reading.value, str)
        and not reading.problem
    )


def kind_for(parameter: Parameter, value: Json) -> ValueType:
    """The kind of field for a value that is there already: its parameter's, where that takes it."""
    kind = type_of(parameter)
    return kind if value is None or _type_of_value(value) is kind else ValueType.ANY


def at_first(parameter: Parameter) -> Typed:
    """What stands in the field of a parameter that nothing was said about."""
    if parameter.required or parameter.default is None:
        return Typed()
    return typed(type_of(parameter), parameter.default)


def read(parameter: Parameter, kind: ValueType, field: Typed) -> Reading:
    """What is sent of a field. Nothing where it stands as it stood at first."""
    if not parameter.required and (
        field == at_first(parameter) or (field.null and parameter.default is None)
    ):
        null = "null, " if parameter.default is None else ""
        return Reading(f"{null}the default", given=False)
    if field.null:
        return Reading("null")
    if parameter.required and not field.text and kind is not ValueType.TEXT:
        return Reading(problem="it has no default: type a value")
    return read_as(kind, field.text)


def read_as(kind: ValueType, text: str) -> Reading:
    """A text as a value of this kind."""
    match kind:
        case ValueType.ANY:
            return _read_any(text)
        case ValueType.TEXT:
            return _text(text)
        case ValueType.NUMBER:
            return _number(text)
        case ValueType.SWITCH:
            return Reading(text, text == "true")
        case ValueType.JSON:
            return _json(text)


def _text(text: str) -> Reading:
    if not _can_be_sent(text):
        return Reading(problem="it has characters that no control plane takes")
    return Reading("text" if text else "empty text", text)


def _number(text: str) -> Reading:
    try:
        value = parsed(text)
    except JsonBreak:
        return Reading(problem="not a number: type one like 5 or 0.25")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Reading(problem="not a number: type one like 5 or 0.25")
    return Reading("number", value)


def _json(text: str) -> Reading:
    if not text.strip():
        return Reading(problem="nothing is no JSON: type some, for example [] or {}")
    try:
        value = parsed(text)
    except JsonBreak as broken:
        return Reading(problem=broken.words)
    return Reading(_described(value), value)


def _read_any(text: str) -> Reading:
    """JSON where it is some; what begins like an object, list or quoted text must be."""
    stripped = text.strip()
    try:
        value = parsed(text)
    except JsonBreak as broken:
        if stripped[:1] in ("{", "[", '"') and stripped:
            return Reading(problem=broken.words)
        return _text(text)
    return Reading(_described(value), value)


def _described(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return "number"
        case str():
            return "text" if value else "empty text"
        case Mapping():
            return f"object, {counted(len(value), 'key')}"
        case Sequence():
            return f"list, {counted(len(value), 'item')}"


def parsed(text: str) -> Json:
    """A text as strict JSON: no NaN, no endless numbers, no key twice. Raises JsonBreak."""
    try:
        value = json.loads(
            text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique
        )
    except json.JSONDecodeError as error:
        message = _SHORTER.get(error.msg) or error.msg[0].lower() + error.msg[1:]
        raise JsonBreak(error.lineno, error.colno, message, _around(text, error.pos)) from error
    except (ValueError, RecursionError) as error:
        words = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise JsonBreak(1, 1, words, "") from error
    if not _can_be_sent(json.dumps(value, ensure_ascii=False)):
        raise JsonBreak(1, 1, "it has characters that no control plane takes", "")
    return cast("Json", value)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key “{key}” is there twice")
        found[key] = value
    return found


def _around(text: str, at: int) -> str:
    """What stands about a place, on its own line, with a mark at the place."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    before = text[start:at]
    after = text[at : end if end >= 0 else len(text)]
    left = f"…{before[-_AROUND:]}" if len(before) > _AROUND else before
    right = f"{after[:_AROUND]}…" if len(after) > _AROUND else after
    return f"{left}{_BROKEN}{right}".strip()


def _can_be_sent(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text and "\\u0000" not in text
