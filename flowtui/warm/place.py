"""Where warm Pythons are found: a folder that only their user can enter.

What this, `meeting` and `command` import decides over the start of every command: nothing large.
"""

from __future__ import annotations

import os
import stat

_LONGEST = 80
"""Characters: the address of a socket has little more room."""


def folder() -> str | None:
    """None where there is none that is only ours."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and len(runtime) < _LONGEST and _only_ours(runtime):
        found = os.path.join(runtime, "flowtui")
    else:
        found = os.path.join("/tmp", f"flowtui-{os.geteuid()}")
    try:
        os.mkdir(found, 0o700)
    except FileExistsError:
        pass
    except OSError:
        return None
    return found if _only_ours(found) else None


def _only_ours(found: str) -> bool:
    try:
        status = os.lstat(found)
    except OSError:
        return False
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return ours and not status.st_mode & 0o077
