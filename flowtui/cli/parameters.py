"""Parameters of a run from the command line, checked against what the flow declares."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from flowtui.errors import UsageError
from flowtui.models import Json
from flowtui.run_models import Parameter
from flowtui.runs.schema import with_leaf
from flowtui.runs.schema_values import problems_of
from flowtui.runs.values import JsonBreak, Typed, ValueType, parsed, read

_SHOWN_DEFAULT = 40
"""Characters of a default in a list of parameters."""


def given(
    pairs: Sequence[str], text_pairs: Sequence[str], file: str | None, told_text: str | None = None
) -> Mapping[str, Json]:
    """What `-p NAME=VALUE`, `--param-text NAME=TEXT`, `--params FILE` and `--params-json TEXT` say
    together.

    A value is JSON where it is some, else text; one that begins like an object, a list or quoted
    text must be JSON. What is named on the command line goes before the file. Raises UsageError.
    """
    values: dict[str, Json] = {}
    for pair, kind in [
        *((pair, ValueType.ANY) for pair in pairs),
        *((pair, ValueType.TEXT) for pair in text_pairs),
    ]:
        name, separator, text = pair.partition("=")
        if not separator or not name:
            raise UsageError(
                f"“{pair}” is not a parameter", fix="write it as NAME=VALUE, for example -p size=5"
            )
        if name in values:
            raise UsageError(f"the parameter “{name}” is given twice", fix="give it once")
        values[name] = _value(name, text, kind)
    from_file = _from_file(file) if file is not None else dict[str, Json]()
    told = json_object(told_text, "--params-json") if told_text is not None else dict[str, Json]()
    return {**from_file, **told, **values}


def _value(name: str, text: str, kind: ValueType) -> Json:
    if not text:
        return ""
    reading = read(Parameter(name, required=True), kind, Typed(text))
    if reading.problem:
        raise UsageError(
            f"the value of “{name}” cannot be read: {reading.problem}",
            fix=f"to give it as text: --param-text {name}=…" if kind is ValueType.ANY else "",
        )
    return reading.value


def json_object(text: str, what: str, where: str = "") -> Mapping[str, Json]:
    """A text as a JSON object. Raises UsageError."""
    try:
        value = parsed(text)
    except JsonBreak as broken:
        raise UsageError(f"{what} is not JSON: {broken.words}", where=where) from None
    if not isinstance(value, Mapping):
        raise UsageError(
            f"{what} must be a JSON object", where=where, fix='for example {"name": "value"}'
        )
    return value


def _from_file(file: str) -> Mapping[str, Json]:
    if file == "-":
        return json_object(sys.stdin.read(), "what came in", "standard input")
    try:
        text = Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the file of parameters cannot be read: {error.strerror}", where=file
        ) from None
    except UnicodeDecodeError:
        raise UsageError("the file of parameters is not UTF-8 text", where=file) from None
    return json_object(text, "the file of parameters", file)


def check(values: Mapping[str, Json], declared: Sequence[Parameter], flow: str) -> None:
    """Raises UsageError for unknown and missing parameters, all of them at once."""
    names = [each.name for each in declared]
    unknown = [name for name in values if name not in names]
    missing = [each.name for each in declared if each.required and each.name not in values]
    problems: list[str] = []
    if unknown:
        near = difflib.get_close_matches(unknown[0], names, n=1)
        hint = f" (did you mean “{near[0]}”?)" if near else ""
        problems.append(f"it has no parameter {_quoted(unknown)}{hint}")
    if missing:
        problems.append(f"it needs a value for {_quoted(missing)}")
    if problems:
        raise UsageError(
            f"“{flow}” cannot be run so: {' and '.join(problems)}", fix=described(declared)
        )


def nested(values: Mapping[str, Json], declared: Sequence[Parameter]) -> Mapping[str, Json]:
    """`a.b=1` is one key of the object that the parameter `a` is, where its type is known.

    The rest of the object is as it was given, else as it is by default.
    """
    known = {each.name: each for each in declared if each.schema is not None}
    whole: dict[str, Json] = {}
    leaves: dict[tuple[str, ...], Json] = {}
    for name, value in values.items():
        path = tuple(name.split("."))
        if len(path) > 1 and path[0] in known and name not in known:
            leaves[path] = value
        else:
            whole[name] = value
    for path, value in leaves.items():
        parameter = known[path[0]]
        if path[0] not in whole and isinstance(parameter.default, Mapping):
            whole[path[0]] = parameter.default
        whole = with_leaf(whole, path, value)
    return whole


def check_types(values: Mapping[str, Json], declared: Sequence[Parameter], flow: str) -> None:
    """Raises UsageError for values that do not fit the types, all of them at once."""
    problems = problems_of(declared, values)
    if problems:
        raise UsageError(f"“{flow}” cannot be run so: {'; '.join(problems)}")


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def described(declared: Sequence[Parameter]) -> str:
    """All parameters of a flow with their defaults, one a line."""
    if not declared:
        return "it takes no parameters"
    lines = [f"  {each.name}{_default(each)}" for each in declared]
    return "\n".join(("its parameters, each given as -p NAME=VALUE:", *lines))


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "  (required)"
    text = json.dumps(parameter.default, ensure_ascii=False)
    shown = text if len(text) <= _SHOWN_DEFAULT else f"{text[: _SHOWN_DEFAULT - 1]}…"
    return f" = {shown}"
