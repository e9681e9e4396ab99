"""For which addresses a token was put into the system's keyring: addresses only, never a token.

Asking the keyring itself may open a window that wants a password; a list of profiles must not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from flowtui import paths, private_files


def index_file() -> Path:
    return paths.data_dir() / "keyring.json"


def read() -> frozenset[str]:
    """Addresses; none when the file is not there or cannot be read. Blocking."""
    try:
        content = json.loads(index_file().read_bytes())
    except (OSError, ValueError):
        return frozenset()
    if not isinstance(content, list):
        return frozenset()
    return frozenset(each for each in cast("list[Any]", content) if isinstance(each, str))


def note(address: str, *, kept: bool) -> None:
    """Remember that the keyring holds, or no longer holds, a token. Blocking; raises OSError."""
    known = read()
    if (address in known) == kept:
        return
    with private_files.locked(paths.data_dir()):
        changed = read() | {address} if kept else read() - {address}
        private_files.write(index_file(), json.dumps(sorted(changed), indent=1) + "\n")
