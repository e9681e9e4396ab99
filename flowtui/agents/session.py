"""The processes of one session: what an agent left running. Linux; elsewhere it finds nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def flow_processes(session: int) -> tuple[int, ...]:
    """Processes of this session that execute a flow run: `prefect execute flow-run`."""
    return tuple(pid for pid in _members(session) if b"execute" in _words(pid))


def worker_processes(session: int) -> tuple[int, ...]:
    """Processes of runs that the worker which leads this session has started."""
    children = _PROC / str(session) / "task" / str(session) / "children"
    try:
        text = children.read_text(encoding="ascii")
    except OSError:
        return ()
    return tuple(int(word) for word in text.split())


def end_session(session: int) -> None:
    """Ask all that is left of a session to end."""
    for pid in _members(session):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)


def _members(session: int) -> Iterator[int]:
    if not _PROC.is_dir():
        return
    for entry in _PROC.iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and os.getsid(int(entry.name)) == session:
                yield int(entry.name)


def _words(pid: int) -> list[bytes]:
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
