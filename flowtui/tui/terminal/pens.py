"""Colours and attributes of cells, and the shortest way for a terminal from one to the next."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from rich.color import ColorSystem
from rich.style import Style
from textual.strip import Strip

_OFF = {
    "1": "22",
    "2": "22",
    "3": "23",
    "4": "24",
    "21": "24",
    "5": "25",
    "6": "25",
    "7": "27",
    "8": "28",
    "9": "29",
    "51": "54",
    "52": "54",
    "53": "55",
}
_SEEN_ON_BLANKS = frozenset({"4", "5", "6", "7", "9", "21", "51", "52", "53"})


class Pen(NamedTuple):
    """How a terminal writes: SGR codes. Empty colours are the terminal's own."""

    attributes: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""
    link: str = ""
    blank: bool = False
    """For spaces, on which only the background is seen: the rest may be as it is."""

    def hides_on(self, background: str) -> bool:
        """Whether a space of this pen is nothing but this background."""
        return (
            self.background == background
            and not self.link
            and self.attributes.isdisjoint(_SEEN_ON_BLANKS)
        )

    @property
    def key(self) -> tuple[str, str, str]:
        """Pens that are near each other in this order differ in little."""
        return self.background, self.foreground, ";".join(sorted(self.attributes))


PLAIN = Pen()
UNKNOWN = Pen(frozenset({"?"}))
"""Before anything is written: the next transition says everything."""


@lru_cache(4096)
def pen_of(style: Style | None, blank: bool, colours: ColorSystem) -> Pen:
    if style is None:
        return Pen(blank=blank)
    pen = _parsed(Strip.render_ansi(style, colours), style.link or "")
    if blank and not pen.link and pen.attributes.isdisjoint(_SEEN_ON_BLANKS):
        return Pen(background=pen.background, blank=True)
    return pen


def _parsed(sgr: str, link: str) -> Pen:
    attributes: set[str] = set()
    foreground = background = ""
    codes = sgr.split(";") if sgr else []
    position = 0
    while position < len(codes):
        code = codes[position]
        length = 1
        if code in {"38", "48"}:
            length = 5 if codes[position + 1] == "2" else 3
        whole = ";".join(codes[position : position + length])
        position += length
        number = int(code)
        if 30 <= number <= 39 or 90 <= number <= 97:
            foreground = "" if code == "39" else whole
        elif 40 <= number <= 49 or 100 <= number <= 107:
            background = "" if code == "49" else whole
        else:
            attributes.add(code)
    return Pen(frozenset(attributes), foreground, background, link)


@lru_cache(8192)
def transition(now: Pen, wanted: Pen) -> tuple[str, Pen]:
    """What to write so that the next cells look as wanted, and what the terminal then has."""
    if now == wanted:
        return "", now
    target = wanted
    if wanted.blank:
        before = PLAIN if now == UNKNOWN else now
        target = before._replace(
            attributes=before.attributes - _SEEN_ON_BLANKS, background=wanted.background, link=""
        )
    link = "" if target.link == now.link else f"\x1b]8;;{target.link}\x1b\\"
    short = _full(target)
    if now != UNKNOWN:
        changes = _changes(now, target)
        if not changes:
            return link, target
        short = min(changes, short, key=len)
    return f"\x1b[{short}m{link}", target


def _changes(now: Pen, target: Pen) -> str:
    dropped = {_OFF[each] for each in now.attributes - target.attributes}
    codes = sorted(dropped)
    codes += sorted(
        each for each in target.attributes if each not in now.attributes or _OFF[each] in dropped
    )
    if target.foreground != now.foreground:
        codes.append(target.foreground or "39")
    if target.background != now.background:
        codes.append(target.background or "49")
    return ";".join(codes)


def _full(target: Pen) -> str:
    codes = sorted(target.attributes)
    codes += [colour for colour in (target.foreground, target.background) if colour]
    return ";".join(("0", *codes)) if codes else ""
