"""How a change reads, for the app and for the command line alike."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass

from flowtui.deploy.change import Aspect, Change, Changes

KEPT = "edited elsewhere, stays"

_SHORT_JSON = 60
"""Characters of a JSON value that is read without being taken apart."""
_AROUND = 2
"""Unchanged lines shown on either side of a difference."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A change as it is shown: two values in a line, or a difference below it."""

    change: Change
    before: str = ""
    after: str = ""
    lines: tuple[str, ...] = ()
    """A unified difference, without its two first lines; empty where the values stand in a line."""


def shown(change: Change) -> Shown:
    """Values of a line beside one another; larger ones as what differs between them."""
    if change.lines:
        return Shown(change, lines=change.lines)
    old, new = _lines(change.before), _lines(change.after)
    if len(old) <= 1 and len(new) <= 1:
        return Shown(change, change.before, change.after)
    found = difflib.unified_diff(old, new, lineterm="", n=_AROUND)
    return Shown(change, lines=tuple(found)[2:])


def by_aspect(changes: Changes) -> tuple[tuple[Aspect, tuple[Shown, ...]], ...]:
    """What differs; what stays as it is comes last in each.

    Sources come after all else: their lines are many, and fields are what is looked for.
    """
    order = sorted(Aspect, key=lambda aspect: aspect is Aspect.SOURCES)
    groups = ((aspect, changes.of(aspect)) for aspect in order)
    return tuple(
        (aspect, tuple(shown(change) for change in sorted(found, key=lambda each: each.kept)))
        for aspect, found in groups
        if found
    )


def not_compared(changes: Changes) -> tuple[tuple[str, tuple[Aspect, ...]], ...]:
    """Why, and the aspects for which that is so."""
    reasons: dict[str, list[Aspect]] = {}
    for unknown in changes.unknown:
        reasons.setdefault(unknown.why, []).append(unknown.aspect)
    return tuple((why, tuple(aspects)) for why, aspects in reasons.items())


def will_change(changes: Changes | None) -> tuple[Change, ...]:
    """What a deploy changes: without what was edited elsewhere and stays."""
    return tuple(each for each in changes.found if not each.kept) if changes is not None else ()


def _lines(value: str) -> list[str]:
    """A JSON value that is long with a line for each of its parts; other text as it stands."""
    if not value:
        return []
    if len(value) <= _SHORT_JSON:
        return value.splitlines()
    try:
        read = json.loads(value)
    except ValueError:
        return value.splitlines()
    if not isinstance(read, (dict, list)):
        return value.splitlines()
    return json.dumps(read, indent=2, ensure_ascii=False).splitlines()
