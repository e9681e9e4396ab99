"""Where something stands: a file and a line or a key of it, as the `where` of a problem says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from flowtui.errors import UsageError
from flowtui.user_document import line_of

_WHERE = re.compile(r"^(?P<file>.+?)(?::(?P<line>\d+))?(?::\d+)?(?:, key (?P<key>.+))?$")
_EDITED = {".py", ".toml", ".cfg", ".txt", ".dockerfile", ".json", ".yaml", ".yml", ".ini"}
_LARGEST = 4_000_000
"""Bytes of a file that is searched for a key."""


@dataclass(frozen=True, slots=True)
class Place:
    file: Path
    line: int | None = None
    key: str = ""
    """A key of a TOML file, whose line is looked for when it is opened."""

    def found(self) -> tuple[Path, int | None]:
        """The file and the line. Blocking; raises UsageError when there is no such file."""
        if not self.file.is_file():
            raise UsageError("there is no such file any more", where=str(self.file))
        if not self.key or self.file.stat().st_size > _LARGEST:
            return self.file, self.line
        return self.file, line_of(self.file.read_text("utf-8", errors="replace"), self.key)


def place_of(where: str, root: Path) -> Place | None:
    """From `flows/etl.py:12` or `/x/config.toml, key ui.theme`; None for what names no file.

    Whether the file is there is not looked at.
    """
    match = _WHERE.match(where.strip())
    if match is None or "\n" in where or "://" in where:
        return None
    file = Path(match["file"])
    if file.suffix.lower() not in _EDITED and file.name != "Dockerfile":
        return None
    line = int(match["line"]) if match["line"] else None
    return Place(root / file, line, match["key"] or "")
