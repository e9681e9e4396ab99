"""Text to the clipboard of the terminal that the person sits at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowtui.tui.words import shortened

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_SHOWN = 120


def copy_out(app: FlowtuiApp, text: str) -> None:
    """Send it, and say what was sent: whether a terminal took it, nobody is told."""
    app.copy_to_clipboard(text)
    app.say(f"Sent to the terminal's clipboard: {shortened(text, _SHOWN)}")
