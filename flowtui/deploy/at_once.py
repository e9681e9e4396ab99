"""The same work for many things at once, never more than so many at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def cores() -> int:
    """Processors that this process may use: how many flows are loaded at a time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def at_once(
    items: Iterable[_Item],
    work: Callable[[_Item], Awaitable[_Result]],
    *,
    limit: int,
    ready: Callable[[_Result], None] | None = None,
) -> list[_Result]:
    """Results in the order of the items; `ready` gets each in that order, as soon as it is known.

    What `work` raises ends the rest and comes out in an exception group: it should return failures
    as results. A cancellation waits until all of the work has cleaned up.
    """
    free = asyncio.Semaphore(limit)

    async def one(item: _Item) -> _Result:
        async with free:
            return await work(item)

    results: list[_Result] = []
    async with asyncio.TaskGroup() as group:
        for task in [group.create_task(one(item)) for item in items]:
            result = await task
            results.append(result)
            if ready is not None:
                ready(result)
    return results
