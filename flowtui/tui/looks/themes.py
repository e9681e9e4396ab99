"""flowtui's own looks: one theme, dark and light."""

from __future__ import annotations

from collections.abc import Mapping

from textual.color import Color
from textual.theme import Theme

DARK = Theme(
    name="flowtui-dark",
    dark=True,
    primary="#6ea8fe",
    secondary="#b39dfa",
    accent="#5fd4c4",
    success="#6fd39a",
    warning="#efbe5c",
    error="#f47a85",
    foreground="#d7dce6",
    background="#11141b",
    surface="#161a23",
    panel="#1d2330",
    variables={
        "border": "#3a4356",
        "border-blurred": "#2a3140",
        "block-cursor-background": "#294470",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#232a39",
        "block-cursor-blurred-foreground": "#d7dce6",
        "block-cursor-blurred-text-style": "none",
        "block-hover-background": "#1d2330",
        "selected": "#26324a",
        "muted": "#8590a5",
        "faint": "#566078",
        "input-selection-background": "#294470",
        "scrollbar": "#323b4d",
        "scrollbar-hover": "#434e65",
        "scrollbar-active": "#6ea8fe",
        "scrollbar-background": "#161a23",
        "scrollbar-background-hover": "#161a23",
        "scrollbar-background-active": "#161a23",
        "scrollbar-corner-color": "#161a23",
    },
)
LIGHT = Theme(
    name="flowtui-light",
    dark=False,
    primary="#1f5fc4",
    secondary="#6a4fc8",
    accent="#0b7d70",
    success="#1a7f46",
    warning="#8f5a00",
    error="#bf2738",
    foreground="#1d2431",
    background="#eef0f4",
    surface="#fbfcfd",
    panel="#e3e7ee",
    variables={
        "border": "#a9b3c4",
        "border-blurred": "#ccd3de",
        "block-cursor-background": "#c6dafb",
        "block-cursor-foreground": "#10151f",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e3e7ee",
        "block-cursor-blurred-foreground": "#1d2431",
        "block-cursor-blurred-text-style": "none",
        "block-hover-background": "#e3e7ee",
        "selected": "#d3dff2",
        "muted": "#5a6579",
        "faint": "#8b95a7",
        "input-selection-background": "#c6dafb",
        "scrollbar": "#c3cad6",
        "scrollbar-hover": "#a9b3c4",
        "scrollbar-active": "#1f5fc4",
        "scrollbar-background": "#fbfcfd",
        "scrollbar-background-hover": "#fbfcfd",
        "scrollbar-background-active": "#fbfcfd",
        "scrollbar-corner-color": "#fbfcfd",
    },
)


def named_for(theme: Theme, colours: Mapping[str, str]) -> dict[str, str]:
    """What flowtui's styles need and other themes do not name, out of the theme's own colours.

    `colours` is what Textual made of the theme. A theme of the terminal's own colours cannot be
    mixed: there the terminal's grey is taken.
    """
    if theme.ansi:
        return {"muted": "ansi_bright_black", "faint": "ansi_bright_black", "selected": "ansi_blue"}
    text = Color.parse(colours["foreground"])
    ground = Color.parse(colours["surface"])
    accent = Color.parse(colours["primary"])
    return {
        "muted": text.blend(ground, 0.35).hex,
        "faint": text.blend(ground, 0.55).hex,
        "selected": ground.blend(accent, 0.28).hex,
    }
