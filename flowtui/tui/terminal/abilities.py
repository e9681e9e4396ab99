"""What the terminal can do, as far as its environment tells."""

from __future__ import annotations

import os
from collections.abc import Mapping

_ERASE_TO_BLACK = ("screen", "vt", "ansi", "dumb", "cons", "sun")
"""Their erased cells take the default background, not the one that is set."""


def erases_with_background(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether erased cells take the background colour. tmux does it under any name."""
    if environ.get("TMUX"):
        return True
    return not environ.get("TERM", "").startswith(_ERASE_TO_BLACK)


def small_frames(environ: Mapping[str, str] = os.environ) -> bool:
    """`FLOWTUI_PLAIN_OUTPUT=1` leaves the output to Textual: for comparing, and just in case."""
    return environ.get("FLOWTUI_PLAIN_OUTPUT") != "1"
