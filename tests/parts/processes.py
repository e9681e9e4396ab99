"""What became of processes."""

from __future__ import annotations

import asyncio
import os
import select
import signal
from contextlib import suppress
from pathlib import Path

_SECONDS = 60


def with_variable(name: str, value: str) -> list[int]:
    """Processes of this user that were started with this environment variable."""
    wanted, found = f"{name}={value}".encode(), list[int]()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def end_all_of(program: Path) -> None:
    """Kill the processes of this user that run this file."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and os.fsencode(program) in (
                entry / "cmdline"
            ).read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)


def of_session(leader: int) -> list[int]:
    """Processes of the session of this leader, itself among them."""
    found = list[int]()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and os.getsid(int(entry.name)) == leader:
                found.append(int(entry.name))
    return found


async def gone(pid: int) -> None:
    """Wait until a process has ended, whether or not its parent has asked for its status."""
    await asyncio.to_thread(wait_until_ended, pid)


def wait_until_ended(pid: int) -> None:
    """The same, blocking."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([handle], [], [], _SECONDS)
    finally:
        os.close(handle)
    assert ended
