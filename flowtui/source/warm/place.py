"""Where warm Pythons are found: a folder that only their user can enter."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def folder() -> Path | None:
    """Short, as addresses of sockets must be; None where there is none that is only ours."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = Path(runtime) if runtime else None
    if base is not None and _only_ours(base):
        found = base / "flowtui"
    else:
        found = Path(tempfile.gettempdir()) / f"flowtui-{os.geteuid()}"
    try:
        found.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    return found if _only_ours(found) else None


def _only_ours(found: Path) -> bool:
    try:
        status = found.lstat()
    except OSError:
        return False
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return ours and not status.st_mode & 0o077
