"""Keys as they are printed on the keyboard, and back: Textual's name of each is the other side."""

from __future__ import annotations

import difflib
import unicodedata

_NAMED = {
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "tab": "Tab",
    "backspace": "Backspace",
    "delete": "Delete",
    "insert": "Insert",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
}
_SPOKEN = {
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "ins": "insert",
    "pgdn": "pagedown",
    "pgup": "pageup",
    "←": "left",
    "→": "right",
    "↑": "up",
    "↓": "down",
}
"""Other ways to write a key, beside Textual's own names and what is printed on it."""
_MODIFIERS = {"ctrl": "Ctrl", "shift": "Shift", "alt": "Alt"}
_FUNCTION_KEYS = tuple(f"f{number}" for number in range(1, 13))
_SHORTER = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""As Textual shortens Unicode's names of characters."""


def _of_character(character: str) -> str:
    if character.isalnum():
        return character
    name = unicodedata.name(character, character).lower().replace("-", "_").replace(" ", "_")
    return _SHORTER.get(name, name)


_PUNCTUATION = {
    _of_character(character): character
    for character in map(chr, range(33, 127))
    if not character.isalnum()
}
_KNOWN = (*_NAMED, *_FUNCTION_KEYS)

EATEN = {
    "ctrl+j": "a terminal cannot tell it from Enter",
    "ctrl+m": "a terminal cannot tell it from Enter",
    "ctrl+i": "a terminal cannot tell it from Tab",
    "ctrl+h": "a terminal cannot tell it from Backspace",
    "ctrl+left_square_bracket": "a terminal cannot tell it from Esc",
    "ctrl+b": "tmux takes it",
    "ctrl+a": "screen takes it",
    "ctrl+s": "a terminal stops its output at it",
    "ctrl+z": "it suspends the program",
    "ctrl+c": "it is for the terminal's own copy",
    "ctrl+backslash": "it ends the program",
    "ctrl+q": "it always leaves flowtui",
}
"""Keys that no action may have, and why."""


def key_name(key: str) -> str:
    """As it is printed on the keyboard: `Esc`, `Ctrl+X`, `/`, from Textual's name."""
    *modifiers, last = key.split("+")
    shown = _NAMED.get(last) or _PUNCTUATION.get(last) or last
    if modifiers or last in _FUNCTION_KEYS:
        shown = shown if last in _NAMED else shown.upper()
    return "+".join((*(_MODIFIERS.get(each, each) for each in modifiers), shown))


def key_names(keys: tuple[str, ...]) -> str:
    return " ".join(key_name(key) for key in keys)


def parse_key(written: str) -> str | None:
    """Textual's name of a key as a person writes it: `ctrl+x`, `D`, `/`, `Esc`, `f5`.

    None for what is no key of a keyboard.
    """
    text = written.strip()
    if len(text) == 1:
        return _SPOKEN.get(text) or (_of_character(text) if text.isprintable() else None)
    *modifiers, last = _parts(text)
    words = [each.strip().lower() for each in modifiers]
    if any(each not in _MODIFIERS for each in words) or len(set(words)) != len(words):
        return None
    base = _base(last.strip())
    if base is None:
        return None
    if words == ["shift"] and len(base) == 1:
        # A terminal sends the capital letter, not the modifier.
        return base.upper() if base.isalpha() else None
    if "ctrl" in words and len(base) == 1:
        base = base.lower()
    return "+".join((*sorted(words, key=("ctrl", "alt", "shift").index), base))


def nearest_key(written: str) -> str | None:
    """The printed name of the key that was probably meant."""
    names = [key_name(key) for key in (*_KNOWN, *(f"ctrl+{c}" for c in "defgklnoprtuvwxy"))]
    lowered = {name.lower(): name for name in (*names, *_KNOWN, *_SPOKEN)}
    close = difflib.get_close_matches(written.strip().lower(), lowered, n=1, cutoff=0.5)
    if not close:
        return None
    key = parse_key(lowered[close[0]])
    return key_name(key) if key is not None else None


def _parts(text: str) -> list[str]:
    """`ctrl++` is Ctrl and the plus."""
    if text.endswith("++"):
        return [*text[:-2].split("+"), "+"]
    return text.split("+")


def _base(text: str) -> str | None:
    if len(text) == 1:
        return _SPOKEN.get(text) or (_of_character(text) if text.isprintable() else None)
    name = text.lower()
    name = _SPOKEN.get(name, name)
    return name if name in _KNOWN or name in _PUNCTUATION else None
