"""Parses the user's Python files without running, importing or being killed by them."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass

SIZE_LIMIT = 4_000_000
"""Bytes; a larger file is data, not a module worth parsing."""


@dataclass
class UnparsableError(Exception):
    """Why a file cannot be parsed, and where: 1-based line, 1-based column."""

    message: str
    line: int = 1
    column: int = 1


def parse(content: bytes) -> ast.Module:
    """The syntax tree of a Python file; encodings as PEP 263 says. Raises UnparsableError."""
    if len(content) > SIZE_LIMIT:
        raise UnparsableError(f"too large to parse ({len(content) / 1e6:.0f} MB)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the user's escapes: not for our terminal
            return ast.parse(content)
    except SyntaxError as error:
        raise _from_syntax_error(error) from None
    except ValueError as error:
        line = content[: max(content.find(b"\0"), 0)].count(b"\n") + 1
        raise UnparsableError(str(error), line) from None
    except (RecursionError, MemoryError):
        raise UnparsableError("too deeply nested to parse") from None


def _from_syntax_error(error: SyntaxError) -> UnparsableError:
    return UnparsableError(
        error.msg or "invalid syntax", max(error.lineno or 1, 1), max(error.offset or 1, 1)
    )
