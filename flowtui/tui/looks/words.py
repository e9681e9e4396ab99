"""Outside text made safe for a widget, and made as wide as its place."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from flowtui.text import clean, redact


def plain(text: str) -> str:
    """Outside text for one line of a widget: cleaned, secrets masked, line breaks made spaces."""
    return redact(clean(" ".join(text.splitlines()) if "\n" in text else text)).replace("\t", " ")


def plain_block(text: str) -> str:
    """Outside text of several lines: each cleaned on its own, secrets masked."""
    return "\n".join(redact(clean(line)).expandtabs(4) for line in text.splitlines())


def shortened(text: str, width: int) -> str:
    """At most `width` cells; what is cut is marked at the end."""
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, width - 1).rstrip()}…" if width > 0 else ""


def shortened_left(text: str, width: int) -> str:
    """At most `width` cells of the end: for paths, where the end tells most."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    kept = text[len(text) - width + 1 :] if width > 1 else ""
    while cell_len(kept) > width - 1:
        kept = kept[1:]
    return f"…{kept}"


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Filled with spaces to `width` cells, at the left where it is aligned right."""
    space = " " * max(width - cell_len(text), 0)
    return space + text if right else text + space
