"""The border that all outside text crosses: control sequences are stripped, secrets masked."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"""(?x)
     (?:\x1b\]|\x9d).*?(?:\x07|\x1b\\|\x9c|$)                # OSC
    |(?:\x1b[PX^_]|[\x90\x98\x9e\x9f]).*?(?:\x1b\\|\x9c|$)   # DCS SOS PM APC
    |(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?                       # CSI
    |\x1b[ -/]*[0-~]?""",
    re.DOTALL,
)
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ud800-\udfff]"
)
_COLOUR_OR_CONTROL = re.compile(f"({_COLOUR.pattern})|{_CONTROL.pattern}")

MASK = "••••"


def clean(line: str, *, keep_colour: bool = False) -> str:
    """One line of outside text with every control sequence removed; colour (SGR) can be kept.

    Tabs stay, newlines stay. Apply it per line, so an unterminated sequence eats at most its line.
    """
    if line.isprintable():  # as most lines are: then there is no control character in it
        return line
    if not keep_colour:
        return _CONTROL.sub("", _SEQUENCE.sub("", line))
    coloured = _SEQUENCE.sub(
        lambda match: match.group() if _COLOUR.fullmatch(match.group()) else "", line
    )
    return _COLOUR_OR_CONTROL.sub(lambda match: match.group(1) or "", coloured)


def clean_block(text: str, *, keep_colour: bool = False) -> str:
    """Several lines, each cleaned on its own."""
    if text.isprintable():
        return text
    return "\n".join(clean(line, keep_colour=keep_colour) for line in text.splitlines())


class Redactor:
    """Masks known secrets in text, whole and in the forms they travel in."""

    _SHORTEST = 6

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()

    def add(self, secret: str) -> None:
        """Anything shorter than six characters is left alone: it would mask ordinary words."""
        if len(secret) >= self._SHORTEST and secret not in self._secrets:
            # A new tuple: another thread may be masking text by the old one.
            self._secrets = tuple(sorted((*self._secrets, secret), key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


redact = Redactor()
"""The one redactor of the process: credentials add to it, the event stream applies it."""
