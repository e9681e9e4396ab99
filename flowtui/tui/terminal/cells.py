"""Text as terminal cells: one character of the result for each cell.

A wide character is followed by `FILLER`. What is more than one code point in one place (an accent
that combines, a family joined by joiners) is stood for by one private character, so that lines can
be cut and compared as plain strings; `spelled` gives the text back. Control characters have no
cell and are dropped: none of them can reach the terminal this way.
"""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category

from rich.cells import cell_len, split_graphemes

FILLER = "\0"
"""The second cell of a wide character."""
_FIRST_CLUSTER = 0xF0000
_MOST_CLUSTERS = 0x10FFFF - _FIRST_CLUSTER

_numbers: dict[str, str] = {}
_clusters: dict[int, str] = {}


def cells(text: str) -> str:
    """The cells that this text takes."""
    if text.isascii() and text.isprintable():
        return text
    return _cells(text)


def is_cluster(character: str) -> bool:
    return ord(character) >= _FIRST_CLUSTER


def has_clusters(row: str) -> bool:
    # The kind of string tells at once, for nearly every row, that it holds none.
    return not row.isascii() and is_cluster(max(row))


def spelled(row: str) -> str:
    """What to write for these cells, without regard to columns."""
    plain = row.replace(FILLER, "")
    return plain.translate(_clusters) if has_clusters(plain) else plain


@lru_cache(8192)
def _cells(text: str) -> str:
    if text.isprintable() and not has_clusters(text) and all(cell_len(c) == 1 for c in text):
        return text
    return "".join(_cell(text[start:end], width) for start, end, width in split_graphemes(text)[0])


def _cell(grapheme: str, width: int) -> str:
    if not width:
        return ""
    shown = "".join(character for character in grapheme if _is_shown(character))
    if not shown:
        return " " * width
    mark = shown if len(shown) == 1 and not is_cluster(shown) else _cluster(shown)
    return mark + FILLER * (width - 1)


def _is_shown(character: str) -> bool:
    return character.isprintable() or character == "\u200d" or category(character) == "Co"


def _cluster(grapheme: str) -> str:
    mark = _numbers.get(grapheme)
    if mark is None:
        if len(_numbers) >= _MOST_CLUSTERS:
            return "?"
        mark = chr(_FIRST_CLUSTER + len(_numbers))
        _numbers[grapheme] = mark
        _clusters[ord(mark)] = grapheme
    return mark
