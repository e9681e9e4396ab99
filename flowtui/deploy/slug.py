"""A flow's name as it appears in image names and file names."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_GREEK = "αa βb γg δd εe ζz ηe θth ιi κk λl μm νn ξx οo πp ρr σs ςs τt υu φph χkh ψps ωo"
_CYRILLIC = (
    "аa бb вv гg дd еe жzh зz иi кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щshch "
    "ъ ыy ь эe юiu яia ђdj јj љlj њnj ћc џdz іi єie ґg"
)
_LATIN = "ßss æae œoe øo đd ðd þth łl ħh ıi ŋng ŧt ſs"
_LETTERS = {entry[0]: entry[1:] for table in (_GREEK, _CYRILLIC, _LATIN) for entry in table.split()}


def slug(name: str) -> str:
    """`My Flow: α_1` becomes `my-flow-a-1`, as python-slugify gives it to Prefect.

    Latin, Greek and Cyrillic letters are written in ASCII. Of other scripts nothing remains, so
    a name that loses letters gets a short hash of itself: two such names never share a slug.
    """
    lost = False
    ascii_text = ""
    for char in unicodedata.normalize("NFKD", name).lower():
        if char.isascii():
            ascii_text += char
        elif char in _LETTERS:
            ascii_text += _LETTERS[char]
        elif not unicodedata.combining(char):
            lost = lost or char.isalnum()
            ascii_text += "-"
    plain = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")
    if plain and not lost:
        return plain
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{plain}-{digest}" if plain else f"flow-{digest}"
