"""From Textual's SVG to PNG, for looking at screens and for pages that take no SVG.

`python -m screenshots.picture FILE.svg …` writes FILE.png beside each.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_FONT = "DejaVu Sans Mono"
"""Has every glyph that flowtui draws; Textual's SVG asks for a web font that cairo cannot fetch."""
_CELL = 12.2
"""Pixels of a cell in Textual's SVG, whose letters are 20 pixels high."""
_LETTER = 0.602
"""Width of the local font's letters in parts of their height."""
_WHOLE = 15
"""Pixels of a cell in the picture: cairo moves letters to whole pixels, so cells must be whole."""


def png_bytes(svg: str, *, width: int | None = None) -> bytes:
    """Renders with a local font, `width` pixels wide; without it as large as the SVG says."""
    import cairosvg

    local = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    local = local.replace("Fira Code", _FONT)
    local = local.replace("font-size: 20px", f"font-size: {_CELL / _LETTER:.3f}px")
    scale = _WHOLE / _CELL
    return bytes(cairosvg.svg2png(bytestring=local.encode(), scale=scale, output_width=width))


def to_png(svg: str, png: Path, *, width: int | None = None) -> None:
    png.write_bytes(png_bytes(svg, width=width))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        file = Path(name)
        to_png(file.read_text(encoding="utf-8"), file.with_suffix(".png"))
