"""Changing values of a TOML file in place: comments, order and everything else in it are kept."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from flowtui.errors import UsageError

if TYPE_CHECKING:
    import tomlkit

UserDocument: TypeAlias = "tomlkit.TOMLDocument"
_Table: TypeAlias = MutableMapping[str, Any]


def parse(text: str, *, file: str) -> UserDocument:
    """Raises UsageError for what is not TOML."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise UsageError(f"not valid TOML: {error}", where=file) from error


def text(document: UserDocument) -> str:
    return document.as_string()


def set_value(document: UserDocument, path: tuple[str, ...], value: object) -> None:
    """Set one value, making the tables on the way to it. Raises UsageError where one is no table.

    A comment on the line of a value that is replaced stays.
    """
    import tomlkit

    *tables, name = path
    table = cast("_Table", document)
    for number, each in enumerate(tables):
        inner = table.get(each)
        if inner is None:
            # Only the innermost table has values of its own: the others need no header.
            inner = tomlkit.table(is_super_table=number < len(tables) - 1)
            table[each] = inner
            inner = table[each]
        if not isinstance(inner, MutableMapping):
            raise UsageError(f"{'.'.join(tables[: number + 1])} must be a table")
        table = cast("_Table", inner)
    table[name] = value


def remove(document: UserDocument, path: tuple[str, ...]) -> bool:
    """Whether there was such a value."""
    *tables, name = path
    table: object = document
    for each in tables:
        if not isinstance(table, MutableMapping):
            return False
        table = cast("_Table", table).get(each)
    if not isinstance(table, MutableMapping) or name not in table:
        return False
    del cast("_Table", table)[name]
    return True


def inline(table: Mapping[str, Any]) -> object:
    """A table on one line, to be set as a value."""
    import tomlkit

    made = tomlkit.inline_table()
    for name, value in table.items():
        made.append(name, _as_inline(value))
    return made


def _as_inline(value: object) -> object:
    if isinstance(value, Mapping):
        return inline(cast("Mapping[str, Any]", value))
    if isinstance(value, list):
        return [_as_inline(each) for each in cast("list[object]", value)]
    return value


def remove_empty(document: UserDocument, path: tuple[str, ...]) -> None:
    """Take away a table in which there is no value any more."""
    table: object = document
    for each in path:
        if not isinstance(table, MutableMapping):
            return
        table = cast("_Table", table).get(each)
    if isinstance(table, MutableMapping) and not table:
        remove(document, path)


def line_of(content: str, key: str) -> int | None:
    """The line, from 1, on which a value or table begins, `profiles.team.api_url` for example.

    Of what is not there the innermost table that is; None without any.
    """
    wanted = ".".join(_path_in(f"{key} = 0\n") or (key,))
    table: tuple[str, ...] = ()
    best: tuple[int, int] | None = None
    for number, line in enumerate(content.splitlines(), start=1):
        found = _begins(line.strip(), table)
        if found is None:
            continue
        if line.lstrip().startswith("["):
            table = found
        name = ".".join(found)
        if name == wanted:
            return number
        if wanted.startswith(f"{name}.") and (best is None or len(name) > best[0]):
            best = (len(name), number)
    return best[1] if best is not None else None


def _begins(line: str, table: tuple[str, ...]) -> tuple[str, ...] | None:
    """The path of the table or value that begins on this line of a table."""
    if line.startswith("["):
        return _path_in(f"{line.partition('#')[0].strip()}\n")
    before, equals, _ = line.partition("=")
    inner = _path_in(f"{before}= 0\n") if equals and not line.startswith("#") else None
    return (*table, *inner) if inner is not None else None


def _path_in(line: str) -> tuple[str, ...] | None:
    """The dotted key or table header of one line."""
    try:
        value: object = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    names: list[str] = []
    while isinstance(value, dict) and value:
        name, value = next(iter(cast("dict[str, object]", value).items()))
        names.append(name)
    return tuple(names) or None
