"""What differs between what is registered and what would be, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from flowtui.cli.output import Output
from flowtui.deploy.change import Change, Changes, Sign
from flowtui.deploy.change_text import KEPT, Shown, by_aspect, not_compared

_SIGNS = {Sign.ADDED: ("+", "green"), Sign.CHANGED: ("~", "yellow"), Sign.REMOVED: ("-", "red")}
_LINES = {"+": "green", "-": "red", "@": "cyan"}
_WIDEST_NAME = 32
_BESIDE = 60
"""Characters of two values that still stand beside one another."""


def print_changes(changes: Changes, output: Output) -> None:
    """An aspect after the other, each change with its sign, then what is the same."""
    if not changes.found and not changes.unknown:
        output.line("  no difference was found")
    for aspect, found in by_aspect(changes):
        output.line(f"  {aspect}")
        width = min(max(len(each.change.name) for each in found), _WIDEST_NAME)
        for each in found:
            for text, colour in _lines(each, width):
                output.line(f"    {text}", fg=colour)
    if changes.same:
        output.line(f"  same: {', '.join(changes.same)}", dim=True)
    for why, aspects in not_compared(changes):
        output.line(f"  ? {', '.join(aspects)}: not compared, {why}", dim=True)


def changes_as_json(changes: Changes) -> dict[str, Any]:
    return {
        "changes": [asdict(change) for change in changes.found],
        "unknown": [asdict(each) for each in changes.unknown],
        "same": [str(aspect) for aspect in changes.same],
    }


def _lines(shown: Shown, width: int) -> Iterator[tuple[str, str | None]]:
    change = shown.change
    sign, colour = ("=", None) if change.kept else _SIGNS[change.sign]
    if not change.kept and len(shown.before) + len(shown.after) > _BESIDE and shown.before:
        yield f"{sign} {change.name}", colour
        yield f"    - {shown.before}", "red"
        if shown.after:
            yield f"    + {shown.after}", "green"
        return
    yield f"{sign} {change.name:{width}}  {_beside(shown)}".rstrip(), colour
    for line in shown.lines:
        yield f"    {line}", _LINES.get(line[:1])


def _beside(shown: Shown) -> str:
    change = shown.change
    if change.kept:
        project = f" (the project says {shown.after})" if shown.after else ""
        return f"{shown.before}  {KEPT}{project}".lstrip()
    if shown.lines:
        return ""
    return _values(change, shown)


def _values(change: Change, shown: Shown) -> str:
    match change.sign:
        case Sign.CHANGED if shown.before or shown.after:
            return f"{shown.before or 'nothing'} → {shown.after or 'nothing'}"
        case Sign.CHANGED:
            return ""
        case _:
            return shown.after or shown.before
