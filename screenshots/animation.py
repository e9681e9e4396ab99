"""From the app's screens, as they follow each other, to one animated GIF."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from screenshots.picture import png_bytes

SHORTEST, LONGEST = 0.12, 1.6
"""Seconds that a frame is shown: long waits are cut, flashes stretched, so that it can be read."""
LAST = 3.0
"""Seconds of the last frame, before it starts anew."""
_COLOURS = 128


@dataclass(frozen=True, slots=True)
class Frame:
    at: float
    """Seconds on the clock of the recording."""
    svg: str


class Recording:
    """Keeps a screen when it differs from the one before."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def see(self, at: float, svg: str) -> None:
        if not self.frames or self.frames[-1].svg != svg:
            self.frames.append(Frame(at, svg))


def to_gif(frames: list[Frame], gif: Path, *, width: int) -> None:
    """Writes the frames with the time between them, `width` pixels wide."""
    from PIL import Image

    pictures = [
        Image.open(io.BytesIO(png_bytes(frame.svg, width=width))).convert("RGB") for frame in frames
    ]
    # One palette for all frames, of the frame with most on it: nothing shimmers between them.
    richest = max(pictures, key=lambda picture: len(picture.getcolors(1 << 24) or ()))
    palette = richest.quantize(_COLOURS)
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    flat[0].save(
        gif,
        save_all=True,
        append_images=flat[1:],
        duration=[round(1000 * seconds) for seconds in durations(frames)],
        loop=0,
        optimize=True,
    )


def durations(frames: list[Frame]) -> list[float]:
    """Seconds that each frame is shown."""
    gaps = [after.at - before.at for before, after in pairwise(frames)]
    return [*(min(max(gap, SHORTEST), LONGEST) for gap in gaps), LAST]
