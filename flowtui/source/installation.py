"""Whether an interpreter and what is installed in it are still the same, told from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def stamp(executable: Path) -> list[Any] | None:
    """Of the interpreter and its packages; None where that cannot be told. Blocking.

    pip makes or removes a folder in site-packages for each change.
    """
    try:
        prefix = executable.parent.parent
        sites = sorted(prefix.glob("lib/python3*/*-packages"))
        settings = prefix / "pyvenv.cfg"
        said = settings.read_text(encoding="utf-8", errors="replace") if settings.exists() else ""
        if not sites or "include-system-site-packages = true" in said.lower():
            return None
        real = executable.resolve(strict=True)
        return [state(real), said, [state(site) for site in sites]]
    except OSError:
        return None


def state(path: Path) -> list[Any]:
    """Of one file or folder. Raises OSError."""
    found = path.stat()
    return [str(path), found.st_mtime_ns, found.st_size, found.st_ino]
