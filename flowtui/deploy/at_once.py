"""The same work for many things at once, never more than so many at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_One = TypeVar("_One")
_Two = TypeVar("_Two")
_Three = TypeVar("_Three")


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


async def all_of(
    one: Awaitable[_One], two: Awaitable[_Two], three: Awaitable[_Three]
) -> tuple[_One, _Two, _Three]:
    """Work done side by side; the first failure ends the rest, and is what is raised."""
    first, second, third = (
        asyncio.ensure_future(one),
        asyncio.ensure_future(two),
        asyncio.ensure_future(three),
    )
    tasks = (first, second, third)
    try:
        return await asyncio.gather(first, second, third)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
