"""From Textual's SVG to PNG, for looking at screens and for pages that take no SVG.

`python -m screenshots.picture FILE.svg …` writes FILE.png beside each.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_FONT = "DejaVu Sans Mono"
"""Has every glyph that flowtui draws; Textual's SVG asks for a web font that cairo cannot fetch."""


def to_png(svg: str, png: Path, *, scale: float = 1.0) -> None:
    """Renders with a local font; `scale` multiplies the size in pixels."""
    import cairosvg

    local = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    local = local.replace("Fira Code", _FONT)
    cairosvg.svg2png(bytestring=local.encode(), write_to=str(png), scale=scale)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        file = Path(name)
        to_png(file.read_text(encoding="utf-8"), file.with_suffix(".png"))
