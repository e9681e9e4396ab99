"""The escape sequences that hostile text carries, and how their way to the terminal is noticed.

The list is that of `reference/platform.md`, section 7: what public widgets let through.
"""

from __future__ import annotations

MARK = "OWNED"
"""Stands behind each sequence, so that one of Textual's own is never taken for one of these."""

_CLIPBOARD = "T1dORUQ="

SEQUENCES: dict[str, str] = {
    "clipboard, BEL": f"\x1b]52;c;{_CLIPBOARD}\x07",
    "clipboard, ST": f"\x1b]52;c;{_CLIPBOARD}\x1b\\",
    "title, BEL": f"\x1b]0;{MARK}\x07",
    "title, ST": f"\x1b]2;{MARK}\x1b\\",
    "link": f"\x1b]8;;http://{MARK}.example\x1b\\x\x1b]8;;\x1b\\",
    "clear": "\x1b[2J",
    "leave the alternate screen": "\x1b[?1049l",
    "ask for the cursor": "\x1b[6n",
    "device control": f"\x1bP$q{MARK}\x1b\\",
    "application command": f"\x1b_{MARK}\x1b\\",
    "reset": "\x1bc",
    "8-bit CSI": "\x9b2J",
    "8-bit OSC": f"\x9d0;{MARK}\x9c",
    "bidi override": "\u202e",
    "NUL": "\x00",
    "DEL": "\x7f",
}


def hostile_name(label: str) -> str:
    """A name that is still told apart once the sequence is gone: `pwn…OWNED`."""
    return f"pwn{SEQUENCES[label]}{MARK}"


ALL_IN_ONE = " ".join(f"{sequence}{MARK}" for sequence in SEQUENCES.values())


def found_in(output: bytes) -> list[str]:
    """Labels of the sequences that went out, in UTF-8 or as single bytes."""
    return [label for label in SEQUENCES if any(form in output for form in _forms(label))]


def _forms(label: str) -> list[bytes]:
    """How a sequence would be seen: its own payload, else itself with the mark behind it."""
    sequence = SEQUENCES[label]
    payload = next((word for word in (MARK, _CLIPBOARD) if word in sequence), None)
    whole = sequence + MARK if payload is None else sequence.partition(payload)[0] + payload
    forms = [whole.encode()]
    if sequence[0] in "\x9b\x9d":
        forms.append(whole.encode("latin-1"))
    return forms
