"""What became of processes."""

from __future__ import annotations

import asyncio
import os
import select

_SECONDS = 60


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
