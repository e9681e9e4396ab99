"""What a tab shows: lines, drawn only where they are in view, and what a cursor can stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from textual.content import Content


@dataclass(frozen=True, slots=True)
class Page:
    lines: Sequence[Content]
    """Each without a line break. May make its lines when they are asked for."""
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

    def differing(self, before: Page) -> list[int]:
        """Numbers of the lines that look different from before."""
        if self.lines is before.lines:
            return []
        longest = max(len(self.lines), len(before.lines))
        return [
            number
            for number in range(longest)
            if number >= len(self.lines)
            or number >= len(before.lines)
            or not self.lines[number].is_same(before.lines[number])
        ]


EMPTY = Page(())
