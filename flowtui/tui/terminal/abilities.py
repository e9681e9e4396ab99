"""What the terminal can do, as far as its environment tells."""

from __future__ import annotations

import os
from collections.abc import Mapping

from rich.color import ColorSystem

_ERASE_TO_BLACK = ("screen", "vt", "ansi", "dumb", "cons", "sun")
"""Their erased cells take the default background, not the one that is set."""

_ALL_COLOURS = ("direct", "kitty", "alacritty", "foot", "wezterm", "ghostty", "contour", "iterm")
"""Terminals that have them all; COLORTERM does not come along over SSH."""


def erases_with_background(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether erased cells take the background colour. tmux does it under any name."""
    if environ.get("TMUX"):
        return True
    return not environ.get("TERM", "").startswith(_ERASE_TO_BLACK)


def colours(environ: Mapping[str, str] = os.environ) -> ColorSystem:
    """How many colours the terminal has: what it says in COLORTERM, else by its name."""
    if in_browser(environ) or environ.get("COLORTERM", "").strip().lower() in (
        "truecolor",
        "24bit",
    ):
        return ColorSystem.TRUECOLOR
    name = environ.get("TERM", "").lower()
    if any(part in name for part in _ALL_COLOURS):
        return ColorSystem.TRUECOLOR
    return ColorSystem.EIGHT_BIT if "256color" in name else ColorSystem.STANDARD


def can_show_screens(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal can put text where one wants it."""
    return environ.get("TERM", "") not in ("", "dumb", "unknown")


def in_browser(environ: Mapping[str, str] = os.environ) -> bool:
    """Started by `flowtui web`."""
    return "web_driver" in environ.get("TEXTUAL_DRIVER", "")


def small_frames(environ: Mapping[str, str] = os.environ) -> bool:
    """`FLOWTUI_PLAIN_OUTPUT=1` leaves the output to Textual: for comparing, and just in case."""
    return environ.get("FLOWTUI_PLAIN_OUTPUT") != "1"
