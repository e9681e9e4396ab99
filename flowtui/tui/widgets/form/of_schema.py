"""The fields of parameters whose JSON schema is known, under headings for their objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from flowtui.models import Json
from flowtui.runs.schema import FormLine, Heading, SchemaField, leaf_of
from flowtui.runs.schema_values import choice_words, first_typed, read_field, typed_for
from flowtui.runs.values import Typed
from flowtui.tui.looks.words import plain
from flowtui.tui.widgets.form.field import Asked, Field


def schema_rows(lines: Sequence[FormLine], again: Mapping[str, Json] | None) -> Iterator[Widget]:
    """`again` are the parameters of a run that is to be repeated."""
    for number, line in enumerate(lines):
        match line:
            case Heading():
                yield _heading(line)
            case SchemaField():
                yield _field(number, line, again)


def field_id(number: int) -> str:
    """Of the field for the line of this number."""
    return f"parameter-{number}"


def _heading(heading: Heading) -> Static:
    mark = " *" if heading.required else ""
    content = Content.assemble(
        (f"{_indent(heading.path)}{plain(heading.path[-1])}", "bold"),
        (mark, "bold $warning"),
        (f"  {plain(heading.description)}" if heading.description else "", "$muted"),
    )
    return Static(content, markup=False, classes="form-heading")


def _field(number: int, line: SchemaField, again: Mapping[str, Json] | None) -> Field:
    secret = "secret" in str(line.shape)
    asked = Asked(
        field_id(number),
        f"{_indent(line.path)}{line.path[-1]}",
        first_typed(line),
        partial(read_field, line),
        about=line.about,
        required=line.required,
        choices=choice_words(line),
        secret=secret,
        help=line.description,
    )
    return Field(asked, _earlier(line, again))


def _earlier(line: SchemaField, again: Mapping[str, Json] | None) -> Typed | None:
    """What stands in it after a run that is repeated; None as at first."""
    known, value = leaf_of(again or {}, line.path)
    return typed_for(line, value) if known and value != line.default else None


def _indent(path: Sequence[str]) -> str:
    return "  " * (len(path) - 1)
