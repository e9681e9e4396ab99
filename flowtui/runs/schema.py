"""The fields of a form for parameters whose JSON schema is known (Prefect 2 and 3).

An object with known properties is a field for each of its leaves; what has no such form (lists,
objects that may be null or have any keys, what is nested deep) is one field for JSON. The schemas
are those of pydantic as Prefect hands them out: draft 2020-12, with `#/definitions/…`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from flowtui.json_shapes import items, mapping
from flowtui.models import Json, JsonObject
from flowtui.run_models import Parameter

_DEEPEST = 3
"""Names in the path of a leaf, at most; what is deeper is JSON."""
_REFERENCE = "#/definitions/"
_MASK = "**********"
"""What stands in a schema for the default of a secret."""


class Shape(StrEnum):
    """What a field takes."""

    TEXT = "text"
    INTEGER = "whole number"
    NUMBER = "number"
    CHOICE = "choice"
    """One of a few values; true and false are such."""
    MOMENT = "date and time"
    DATE = "date"
    TIME = "time of day"
    LENGTH = "length of time"
    SECRET = "secret"
    LIST = "JSON list"
    OBJECT = "JSON object"
    ANY = "text or JSON"


@dataclass(frozen=True, slots=True)
class Heading:
    """Above the fields of one object."""

    path: tuple[str, ...]
    description: str = ""
    required: bool = False
    default: Json = field(default=None, hash=False)
    """The whole object as it is where nothing of it is sent."""


@dataclass(frozen=True, slots=True)
class SchemaField:
    """One leaf: a value that is typed or chosen."""

    path: tuple[str, ...]
    """The parameter's name, then keys of objects in it."""
    shape: Shape
    schema: JsonObject = field(hash=False)
    """Without the alternative of null, references resolved at the top."""
    definitions: JsonObject = field(hash=False)
    required: bool
    default: Json = field(default=None, hash=False)
    """What counts where nothing is sent; None too where there is no such thing."""
    nullable: bool = False
    choices: tuple[Json, ...] = field(default=(), hash=False)
    description: str = ""

    @property
    def name(self) -> str:
        """`config.inner.port`."""
        return ".".join(self.path)

    @property
    def about(self) -> str:
        """What it takes, with its bounds: `whole number, 1 to 65535`."""
        what = str(self.shape)
        if self.shape is Shape.CHOICE:
            what = "true or false" if self.choices == (True, False) else ""
        return ", ".join(filter(None, (what, *_bounds(self.schema))))


FormLine = Heading | SchemaField


def form_lines(parameters: Sequence[Parameter]) -> tuple[FormLine, ...]:
    """Fields and headings in the order of the form: required parameters first."""
    lines: list[FormLine] = []
    for parameter in sorted(parameters, key=lambda each: not each.required):
        lines.extend(_lines_of(parameter))
    return tuple(lines)


def schema_fields(lines: Sequence[FormLine]) -> tuple[SchemaField, ...]:
    return tuple(line for line in lines if isinstance(line, SchemaField))


def values_of(lines: Sequence[FormLine], given: Mapping[tuple[str, ...], Json]) -> dict[str, Json]:
    """The parameters to send for the leaves that were given, by their paths.

    Of an object with a default all of that is sent where one leaf of it differs: a parameter goes
    to the control plane whole.
    """
    headings = [line for line in lines if isinstance(line, Heading)]
    values: dict[str, Json] = {}
    for path, value in given.items():
        for heading in headings:
            above = heading.path
            if path[: len(above)] == above and not leaf_of(values, above)[0]:
                values = with_leaf(values, above, _sendable(heading.default))
        values = with_leaf(values, path, value)
    for heading in headings:
        if heading.required and len(heading.path) == 1 and heading.path[0] not in values:
            values[heading.path[0]] = {}
    return values


def with_leaf(before: JsonObject, path: Sequence[str], value: Json) -> dict[str, Json]:
    """An object with one leaf of it replaced; what is no object becomes one."""
    if len(path) == 1:
        return {**before, path[0]: value}
    return {**before, path[0]: with_leaf(mapping(before.get(path[0])), path[1:], value)}


def _sendable(default: Json) -> JsonObject:
    """Without the masks that stand for secrets."""
    return {key: value for key, value in mapping(default).items() if value != _MASK}


def leaf_of(values: Mapping[str, Json], path: Sequence[str]) -> tuple[bool, Json]:
    """Whether these parameters have this leaf, and which value."""
    found: Json = values
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            return False, None
        found = found[key]
    return True, found


def _lines_of(parameter: Parameter) -> Iterator[FormLine]:
    schema = parameter.schema or {}
    definitions = mapping(schema.get("definitions"))
    yield from _lines(
        (parameter.name,),
        schema,
        definitions,
        required=parameter.required,
        default=None if parameter.required else parameter.default,
    )


def _lines(
    path: tuple[str, ...],
    schema: JsonObject,
    definitions: JsonObject,
    *,
    required: bool,
    default: Json,
) -> Iterator[FormLine]:
    resolved, nullable = _resolved(schema, definitions)
    description = str(schema.get("description") or resolved.get("description") or "")
    properties = mapping(resolved.get("properties"))
    has_values = required or isinstance(default, Mapping)
    if properties and has_values and not nullable and len(path) < _DEEPEST:
        yield Heading(path, _one_line(description), required, default)
        needed = items(resolved.get("required"))
        for key, below in properties.items():
            known, of_default = leaf_of(mapping(default), (key,))
            own = mapping(below)
            yield from _lines(
                (*path, key),
                own,
                definitions,
                required=key in needed and not known,
                default=of_default if known else own.get("default"),
            )
        return
    shape = _shape(resolved)
    yield SchemaField(
        path,
        shape,
        resolved,
        definitions,
        required,
        None if shape is Shape.SECRET and default == _MASK else default,
        nullable or ("default" in schema and schema["default"] is None),
        _choices(resolved),
        _one_line(description),
    )


def _resolved(schema: JsonObject, definitions: JsonObject) -> tuple[JsonObject, bool]:
    """Without references and without the alternative of null; whether there was one."""
    nullable = False
    for _ in range(_DEEPEST * 3):  # a reference may lead to itself
        reference = schema.get("$ref")
        every = items(schema.get("allOf"))
        some = items(schema.get("anyOf")) or items(schema.get("oneOf"))
        others = [mapping(each) for each in some if mapping(each).get("type") != "null"]
        if isinstance(reference, str) and reference.startswith(_REFERENCE):
            schema = mapping(definitions.get(reference.removeprefix(_REFERENCE)))
        elif len(every) == 1:
            schema = mapping(every[0])
        elif len(others) < len(some):
            nullable = True
            schema = others[0] if len(others) == 1 else {"anyOf": others}
        else:
            break
    return schema, nullable


_FORMATS = {
    "date-time": Shape.MOMENT,
    "date": Shape.DATE,
    "time": Shape.TIME,
    "duration": Shape.LENGTH,
    "password": Shape.SECRET,
}
_TYPES = {
    "string": Shape.TEXT,
    "integer": Shape.INTEGER,
    "number": Shape.NUMBER,
    "boolean": Shape.CHOICE,
    "array": Shape.LIST,
    "object": Shape.OBJECT,
}


def _shape(schema: JsonObject) -> Shape:
    if "enum" in schema or "const" in schema:
        return Shape.CHOICE
    kind = schema.get("type")
    if kind == "string":
        return _FORMATS.get(str(schema.get("format")), Shape.TEXT)
    return _TYPES.get(kind, Shape.ANY) if isinstance(kind, str) else Shape.ANY


def _choices(schema: JsonObject) -> tuple[Json, ...]:
    if "const" in schema:
        return (schema["const"],)
    if "enum" in schema:
        return tuple(items(schema["enum"]))
    return (True, False) if schema.get("type") == "boolean" else ()


def _bounds(schema: JsonObject) -> Iterator[str]:
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    over = "over " if "minimum" not in schema else ""
    under = "under " if "maximum" not in schema else ""
    if least is not None and most is not None and not over and not under:
        yield f"{least} to {most}"
    else:
        if least is not None:
            yield f"{over or 'at least '}{least}"
        if most is not None:
            yield f"{under or 'at most '}{most}"
    inner = mapping(schema.get("items")).get("type")
    if schema.get("type") == "array" and isinstance(inner, str):
        yield f"each {_TYPES.get(inner, inner)}"
    if isinstance(pattern := schema.get("pattern"), str):
        yield f"like {pattern}"
    kind = schema.get("format")
    if isinstance(kind, str) and kind not in _FORMATS:
        yield kind


def _one_line(text: str) -> str:
    return " ".join(text.split())
