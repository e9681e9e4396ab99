"""Every line, box and mark as ASCII, for terminals and locales that have nothing else.

A filter over all that is drawn, so that it holds for Textual's own widgets as well: borders,
scrollbars, the guides of trees, underlines of tabs.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_GROUPS = {
    "-": "─━┄┅┈┉╌╍═╴╶╸╺╼╾▔▁‐‑‒–—―−",
    "|": "│┃┆┇┊┋╎╏║╵╷╹╻╽╿▏▎▍▌▐▕▊▋▉❘",
    "/": "╱",
    "\\": "╲",
    "#": "█▓▒░■▇▆",
    "_": "▂▃",
    "=": "▄▅▀",
    "*": "●•◉★✱⬤",
    "o": "○◦◌◯",
    "!": "◆⚠",
    "~": "◇",
    ">": "▸▶►❯›»→⮕▷⏵",
    "<": "◂◀◄❮‹«←◁",
    "v": "▾▼▽↓⌄",
    "^": "▴▲△↑⌃",
    "+": "✓✔",
    "x": "✗✘×✕",
    ".": "·…⋯⋅",
    "'": "‘’′",
    '"': "“”″",
    " ": "\u00a0",
}
_TABLE = {
    **dict.fromkeys(range(0x2500, 0x2580), "+"),
    **dict.fromkeys(range(0x2580, 0x25A0), "#"),
    **dict.fromkeys(range(0x2800, 0x2900), "."),
    **{ord(mark): ascii_ for ascii_, marks in _GROUPS.items() for mark in marks},
}


def ascii_of(text: str) -> str:
    """One cell for one: letters of other scripts stay what they are."""
    return text if text.isascii() else text.translate(_TABLE)


class AsciiOnly(LineFilter):
    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.text.isascii() else Segment(ascii_of(segment.text), *segment[1:])
            for segment in segments
        ]
