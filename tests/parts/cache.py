"""Slow set-up is made once per machine, outside the clone, keyed by its inputs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

REAL_HOME = Path.home()
"""Taken at import: tests run with a home of their own."""


def cache_root() -> Path:
    base = os.environ.get("FLOWTUI_TEST_CACHE") or REAL_HOME / ".cache" / "flowtui-tests"
    root = Path(base)
    root.mkdir(parents=True, exist_ok=True)
    return root


def key_of(*inputs: str) -> str:
    """A short stable key for whatever the cached thing is made from."""
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` in the cache, filled by `make` on first use.

    Safe between processes: a lock is held while making, and a marker file tells a whole folder
    from one whose making was killed.
    """
    folder = cache_root() / name
    marker = folder / ".complete"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (cache_root() / f".{name.replace('/', '-')}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder)
            marker.touch()
    return folder
