"""Lines of `label  value` whose values stand below each other, also where they wrap."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from flowtui.models import Problem
from flowtui.tui.looks.words import plain_block

LABEL = 11
"""Cells of the label column."""


def hanging(head: Content, text: Content, width: int) -> Content:
    """`text` wrapped to `width` cells in all, right of `head` on every line."""
    indent = head.cell_length
    if width <= indent + 8:
        return Content.assemble(head, text, "\n")
    lines = text.wrap(width - indent)
    return Content.assemble(
        *(
            part
            for number, line in enumerate(lines or [Content("")])
            for part in (head if number == 0 else " " * indent, line, "\n")
        )
    )


def block(head: Content, texts: Sequence[Content], width: int) -> Content:
    """Texts below each other, each wrapped to `width` cells in all, right of `head`.

    Ends without a line break, as the lines of a list do.
    """
    rows: list[Content] = []
    for number, text in enumerate(texts):
        first = head if number == 0 else Content(" " * head.cell_length)
        rows.append(hanging(first, text, width))
    return Content.assemble(*rows).rstrip("\n")


def field(label: str, *value: str | tuple[str, str], width: int) -> Content:
    """One label and its value, wrapped to `width` cells."""
    return hanging(Content.styled(f"{label:<{LABEL}}", "$muted"), Content.assemble(*value), width)


def problem_content(problem: Problem, glyph: str, width: int) -> Content:
    """What is wrong, where, and what to do next, below each other."""
    parts = [
        hanging(
            Content.styled(f"{glyph} ", "bold $error"),
            Content.styled(plain_block(problem.what), "bold $error"),
            width,
        )
    ]
    for label, text in (("where", problem.where), ("next", problem.fix)):
        if text:
            head = Content.styled(f"  {label:<7}", "$muted")
            parts.append(hanging(head, Content(plain_block(text)), width))
    return Content.assemble(*parts)
