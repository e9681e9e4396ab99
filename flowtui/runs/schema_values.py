"""What is typed in a field of a known JSON schema, and what is sent of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from flowtui.models import Json, JsonObject
from flowtui.quantities import duration
from flowtui.run_models import Parameter
from flowtui.runs.schema import SchemaField, Shape
from flowtui.runs.values import JsonBreak, Reading, Typed, ValueType, parsed, read_as, typed

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

MOST_WORDS = 8
"""Choices that are shown beside each other; more are typed."""
_LONGEST_WORD = 16
_ISO_LENGTH = re.compile(
    r"-?P(?=.)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?)"
)
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|m|min|h|d)[a-z]*", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def choice_words(field: SchemaField) -> tuple[str, ...]:
    """The words to choose from, empty where they are typed: none, too many or too long."""
    words = tuple(_word(choice) for choice in field.choices)
    if len(words) > MOST_WORDS or any(len(word) > _LONGEST_WORD for word in words):
        return ()
    return words


def first_typed(field: SchemaField) -> Typed:
    """What stands in it when nothing was said."""
    if field.default is None or field.shape is Shape.SECRET:
        return Typed()
    return typed_for(field, field.default)


def typed_for(field: SchemaField, value: Json) -> Typed:
    """What stands in it for this value."""
    if value is None:
        return Typed(null=True)
    if field.shape is Shape.CHOICE:
        return Typed(_word(value))
    if isinstance(value, str) and field.shape not in (Shape.ANY, Shape.LIST, Shape.OBJECT):
        return Typed(value)
    return typed(ValueType.ANY if field.shape is Shape.ANY else ValueType.JSON, value)


def read_field(field: SchemaField, at: Typed) -> Reading:
    """What is sent of a field; nothing where it stands as it stood at first."""
    if not field.required and (at == first_typed(field) or _is_nothing(field, at)):
        null = "null, " if field.default is None and field.nullable else ""
        return Reading(f"{null}the default", given=False)
    if at.null:
        if field.nullable:
            return Reading("null")
        return Reading(problem="it cannot be null")
    if not at.text and (field.required or field.shape is not Shape.TEXT):
        if field.shape is Shape.TEXT:
            return _checked(field, Reading("empty text", ""))
        needs = "it has no default" if field.required else "nothing is no value"
        return Reading(problem=f"{needs}: type a {field.shape}")
    return _checked(field, _READERS[field.shape](field, at.text))


def problems_of(parameters: Sequence[Parameter], values: Mapping[str, Json]) -> tuple[str, ...]:
    """What the control plane would refuse, each with the parameter or the path in it."""
    found: list[str] = []
    for parameter in parameters:
        if parameter.schema is None or parameter.name not in values:
            continue
        for error in _errors(parameter.schema, parameter.schema, values[parameter.name]):
            path = ".".join((parameter.name, *(str(key) for key in error.absolute_path)))
            found.append(f"“{path}”: {_words(error)}")
    return tuple(found)


def _is_nothing(field: SchemaField, at: Typed) -> bool:
    return at.null and field.default is None and field.nullable


def _checked(field: SchemaField, reading: Reading) -> Reading:
    if reading.problem:
        return reading
    errors = _errors(field.schema, {"definitions": field.definitions}, reading.value)
    return Reading(problem=_words(errors[0], below=True)) if errors else reading


def _errors(schema: JsonObject, root: JsonObject, value: Json) -> list[ValidationError]:
    # First used when a form with a schema is read: not before the first frame.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    whole: dict[str, Any] = {**schema, "definitions": root.get("definitions") or {}}
    try:
        Draft202012Validator.check_schema(whole)
    except SchemaError:
        return []  # the control plane's own validation has the last word
    validator: Any = Draft202012Validator(whole)
    return sorted(validator.iter_errors(value), key=lambda each: str(each.path))


def _words(error: ValidationError, *, below: bool = False) -> str:
    """`5 is less than the minimum of 10`, with the place in a list or object."""
    at = ".".join(str(key) for key in error.absolute_path) if below else ""
    return f"{at}: {error.message}" if at else error.message


def _word(choice: Json) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice, ensure_ascii=False)


# ------------------------------------------------------------------------------ each shape


def _text(_field: SchemaField, text: str) -> Reading:
    return read_as(ValueType.TEXT, text)


def _number(field: SchemaField, text: str) -> Reading:
    reading = read_as(ValueType.NUMBER, text)
    if field.shape is Shape.INTEGER and isinstance(reading.value, float):
        return Reading(problem="not a whole number: type one like 5")
    return reading if reading.problem else Reading(str(field.shape), reading.value)


def _choice(field: SchemaField, text: str) -> Reading:
    words = [_word(choice) for choice in field.choices]
    if text not in words:
        shown = ", ".join(words[: MOST_WORDS * 2])
        return Reading(problem=f"one of {shown}{', …' if len(words) > MOST_WORDS * 2 else ''}")
    return Reading(text, field.choices[words.index(text)])


def _moment(_field: SchemaField, text: str) -> Reading:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return Reading(problem="not a date and time: type one like 2026-12-24T08:00:00+01:00")
    zone = "" if moment.tzinfo is not None else ", without a zone"
    return Reading(f"{moment:%a} {moment.day} {moment:%b %Y %H:%M:%S}{zone}", moment.isoformat())


def _date(_field: SchemaField, text: str) -> Reading:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return Reading(problem="not a date: type one like 2026-12-24")
    return Reading(f"{day:%A} {day.day} {day:%B %Y}", day.isoformat())


def _time(_field: SchemaField, text: str) -> Reading:
    try:
        at = time.fromisoformat(text.strip())
    except ValueError:
        return Reading(problem="not a time of day: type one like 14:30")
    return Reading(str(Shape.TIME), at.isoformat())


def _length(_field: SchemaField, text: str) -> Reading:
    typed_length = _LENGTH.fullmatch(text.strip())
    if typed_length is not None:
        seconds = float(typed_length[1]) * _SECONDS[typed_length[2][0].lower()]
        exact = f"{seconds:.6f}".rstrip("0").rstrip(".")
        return Reading(duration(seconds), f"PT{exact}S")
    if _ISO_LENGTH.fullmatch(text.strip()):
        return Reading(str(Shape.LENGTH), text.strip())
    return Reading(problem="not a length of time: type one like 90s, 5m, 2h or PT1H30M")


def _secret(_field: SchemaField, text: str) -> Reading:
    reading = read_as(ValueType.TEXT, text)
    return reading if reading.problem else Reading("set", reading.value)


def _json(field: SchemaField, text: str) -> Reading:
    try:
        value = parsed(text)
    except JsonBreak as broken:
        return Reading(problem=broken.words)
    wanted = Mapping if field.shape is Shape.OBJECT else Sequence
    if not isinstance(value, wanted) or isinstance(value, str):
        like = '{"key": 1}' if field.shape is Shape.OBJECT else "[1, 2]"
        return Reading(problem=f"not a {field.shape}: type one like {like}")
    return read_as(ValueType.JSON, text)


def _any(_field: SchemaField, text: str) -> Reading:
    return read_as(ValueType.ANY, text)


_READERS: dict[Shape, Callable[[SchemaField, str], Reading]] = {
    Shape.TEXT: _text,
    Shape.INTEGER: _number,
    Shape.NUMBER: _number,
    Shape.CHOICE: _choice,
    Shape.MOMENT: _moment,
    Shape.DATE: _date,
    Shape.TIME: _time,
    Shape.LENGTH: _length,
    Shape.SECRET: _secret,
    Shape.LIST: _json,
    Shape.OBJECT: _json,
    Shape.ANY: _any,
}
