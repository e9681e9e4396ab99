"""The theme's colours for what is drawn with Rich: table cells, tree labels, log lines."""

from __future__ import annotations

from rich.style import Style
from textual.color import Color, ColorParseError

from flowtui.tui.acting import app_of


def colour_style(node: object, name: str, *, bold: bool | None = None) -> Style:
    """A theme colour by its name (`muted`, `error`) as a foreground.

    Textual's names of the terminal's own colours (`ansi_red`) and colours by percent are unknown to
    Rich, which gives up on them; what is no colour leaves the foreground as it is.
    """
    value = app_of(node).theme_variables.get(name, "")
    try:
        return Style(color=Color.parse(value.partition(" ")[0]).rich_color, bold=bold)
    except ColorParseError:
        return Style(bold=bold)
