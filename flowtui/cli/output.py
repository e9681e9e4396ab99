"""How the command line prints: data to stdout, words to stderr, colour only for terminals."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, TextIO

import click

from flowtui.errors import FlowtuiError
from flowtui.models import Problem
from flowtui.text import clean_block, redact


class Output:
    """Prints for one command. With `as_json` stdout carries nothing but JSON."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    @classmethod
    def for_arguments(cls, arguments: Sequence[str]) -> Output:
        """For errors that end a command before it has an output of its own."""
        return cls(as_json="--json" in arguments)

    def data(self, value: object) -> None:
        """One JSON document on one line."""
        sys.stdout.write(redact(json.dumps(value, ensure_ascii=False, default=str)) + "\n")
        sys.stdout.flush()

    def line(self, text: str = "", **how: Any) -> None:
        """A line of data for people; `how` is its style, where stdout is a terminal."""
        click.echo(style(redact(clean_block(text)), **how))

    def note(self, text: str) -> None:
        """A word about what happened; never data."""
        click.echo(redact(clean_block(text)), err=True)

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Aligned columns, as wide as their longest cell."""
        cells = [list(header), *([" ".join(clean_block(c).split("\n")) for c in r] for r in rows)]
        widths = [max(_width(row[i]) for row in cells) for i in range(len(header))]
        for index, row in enumerate(cells):
            padded = (c + " " * (width - _width(c)) for c, width in zip(row, widths, strict=True))
            text = "  ".join(padded).rstrip()
            click.echo(redact(style(text, dim=True) if index == 0 else text))

    def error(self, error: FlowtuiError, **about: str) -> None:
        """The error on stderr; with JSON also as one object on stdout, so a reader gets an end."""
        if self.as_json:
            problem = {key: redact(text) for key, text in asdict(error.problem).items()}
            self.data({"event": "error", "exit_code": int(error.exit_code), **about, **problem})
        print_problem(error.problem)


def _width(text: str) -> int:
    """Terminal cells: East Asian wide characters take two, combining ones none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def print_problem(problem: Problem, stream: TextIO | None = None) -> None:
    """What, where and what to do next, on stderr."""
    out: TextIO = stream or sys.stderr
    lines = (
        (style("error", fg="red", bold=True, stream=out), problem.what),
        (style("where", dim=True, stream=out), problem.where),
        (style(" next", dim=True, stream=out), problem.fix),
    )
    for mark, text in lines:
        if not text:
            continue
        first, *rest = redact(clean_block(text)).split("\n")
        out.write(f"{mark}  {first}\n")
        for more in rest:
            out.write(f"       {more}\n")
    out.flush()


def style(text: str, *, stream: TextIO | None = None, **how: Any) -> str:
    """Colour where the stream is a terminal and NO_COLOR is not set."""
    out: TextIO = stream or sys.stdout
    if os.environ.get("NO_COLOR") or not out.isatty():
        return text
    return click.style(text, **how)
