"""For which addresses a token was put into the system's keyring: addresses only, never a token.

Asking the keyring itself may open a window that wants a password, which a list of profiles must
not, and takes as long as a whole deploy that finds nothing to do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from flowtui import paths, private_files


def index_file() -> Path:
    return paths.data_dir() / "keyring.json"


def read() -> frozenset[str] | None:
    """Addresses; None when nothing was noted yet, or the file cannot be read. Blocking."""
    try:
        content = json.loads(index_file().read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(content, list):
        return None
    return frozenset(each for each in cast("list[Any]", content) if isinstance(each, str))


def note(address: str, *, kept: bool) -> None:
    """Remember that the keyring holds, or no longer holds, a token. Blocking; raises OSError."""
    known = read()
    if known is not None and (address in known) == kept:
        return
    with private_files.locked(paths.data_dir()):
        known = read() or frozenset()
        changed = known | {address} if kept else known - {address}
        private_files.write(index_file(), json.dumps(sorted(changed), indent=1) + "\n")
