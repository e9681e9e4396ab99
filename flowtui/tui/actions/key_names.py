"""Keys as they are printed on the keyboard."""

from __future__ import annotations

from flowtui.tui.actions.model import Action

_KEY_NAMES = {
    "question_mark": "?",
    "exclamation_mark": "!",
    "colon": ":",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "shift+right": "Shift+→",
    "shift+left": "Shift+←",
}


def key_name(key: str) -> str:
    """As it is printed on the keyboard: `Esc`, `Ctrl+X`, `/`."""
    if key in _KEY_NAMES:
        return _KEY_NAMES[key]
    if key.startswith("ctrl+"):
        return f"Ctrl+{key.removeprefix('ctrl+').upper()}"
    return key


def key_names(action: Action) -> str:
    return " ".join(key_name(key) for key in action.keys)
