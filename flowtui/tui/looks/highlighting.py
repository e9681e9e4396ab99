"""A Python file as coloured lines. Knows nothing of widgets; tokenising belongs in a thread."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len

from flowtui.text import clean, redact

if TYPE_CHECKING:
    from pygments.token import _TokenType  # pyright: ignore[reportPrivateUsage]

MOST_BYTES = 1_000_000
"""More of a file is not shown."""


class Ink(StrEnum):
    PLAIN = "plain"
    KEYWORD = "keyword"
    NAME = "name"
    """Of what is defined here: functions and classes."""
    DECORATOR = "decorator"
    STRING = "string"
    NUMBER = "number"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    ink: Ink


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file as it was at one moment."""

    stamp: tuple[int, int]
    """When it was written (ns) and its size: another stamp, another content."""
    lines: tuple[tuple[Piece, ...], ...] = ()
    width: int = 0
    """Cells of the widest line."""
    cut: bool = False
    problem: str = ""
    """Why it cannot be read."""


def read_source(path: Path, known: SourceFile | None = None) -> SourceFile:
    """The file, tokenised; `known` itself where it did not change. Blocking, raises nothing."""
    try:
        found = path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        if known is not None and known.stamp == stamp:
            return known
        with path.open("rb") as file:
            data = file.read(MOST_BYTES)
    except OSError as error:
        return SourceFile((0, 0), problem=error.strerror or str(error))
    lines = highlighted(data.decode("utf-8", "replace"))
    width = max((sum(cell_len(piece.text) for piece in line) for line in lines), default=0)
    return SourceFile(stamp, lines, width, cut=stamp[1] > len(data))


def highlighted(text: str) -> tuple[tuple[Piece, ...], ...]:
    """Lines of coloured pieces: cleaned, secrets masked, tabs made spaces."""
    from pygments.lexers.python import (  # pyright: ignore[reportMissingTypeStubs]
        PythonLexer,
    )

    safe = "\n".join(redact(clean(line)).expandtabs(4) for line in text.split("\n"))
    lexer = PythonLexer(stripnl=False, ensurenl=False)
    lines: list[list[Piece]] = [[]]
    for token, value in lexer.get_tokens(safe):
        ink = _ink(token)
        for number, part in enumerate(value.split("\n")):
            if number:
                lines.append([])
            if not part:
                continue
            before = lines[-1][-1] if lines[-1] else None
            if before is not None and before.ink is ink:
                lines[-1][-1] = Piece(before.text + part, ink)
            else:
                lines[-1].append(Piece(part, ink))
    if lines and not lines[-1]:
        lines.pop()
    return tuple(tuple(line) for line in lines)


def _ink(token: _TokenType) -> Ink:
    from pygments.token import Token

    for kind, ink in (
        (Token.Comment, Ink.COMMENT),
        (Token.Literal.String, Ink.STRING),
        (Token.Literal.Number, Ink.NUMBER),
        (Token.Keyword, Ink.KEYWORD),
        (Token.Operator.Word, Ink.KEYWORD),
        (Token.Name.Decorator, Ink.DECORATOR),
        (Token.Name.Function, Ink.NAME),
        (Token.Name.Class, Ink.NAME),
    ):
        if token in kind:
            return ink
    return Ink.PLAIN


def source_path(root: Path, path: str) -> Path:
    """A file of the project by its path with forward slashes."""
    return root / path.replace("/", os.sep)
