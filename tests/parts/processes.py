"""What became of processes."""

from __future__ import annotations

import asyncio
import os
import select


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = await asyncio.to_thread(select.select, [handle], [], [], 10)
    finally:
        os.close(handle)
    assert ended
