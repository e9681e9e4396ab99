"""What a tab shows: lines, drawn only where they are in view, and what a cursor can stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from textual.content import Content


@runtime_checkable
class LazyLines(Protocol):
    """Lines made when they come into view: compared as a whole, never one by one."""

    def same_as(self, other: Sequence[Content]) -> bool: ...


@dataclass(frozen=True, slots=True)
class Page:
    lines: Sequence[Content]
    """Each without a line break."""
    width: int = 0
    """Cells of the widest line, for what scrolls sideways; 0 where every line fits."""
    choices: Mapping[int, object] = field(default_factory=dict[int, object])
    """What stands on a line that the cursor can be on, by its number; empty without a cursor."""
    top: int = 0
    """The line that is first in view when the page comes up."""

    @classmethod
    def of(cls, content: Content) -> Page:
        """A text that was wrapped already."""
        return cls(tuple(content.rstrip().split("\n", allow_blank=True)))

    def differing(self, before: Page, top: int, height: int) -> list[int]:
        """Numbers of the lines in view, from `top`, that look different from before."""
        if self.lines is before.lines:
            return []
        if isinstance(self.lines, LazyLines) and self.lines.same_as(before.lines):
            return []
        last = min(max(len(self.lines), len(before.lines)), top + height)
        return [
            number
            for number in range(top, last)
            if number >= len(self.lines)
            or number >= len(before.lines)
            or not self.lines[number].is_same(before.lines[number])
        ]


EMPTY = Page(())
