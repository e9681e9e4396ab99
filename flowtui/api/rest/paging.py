"""All rows of a table, however many: a page at a time, several pages at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from flowtui.api.rest.connection import LARGEST_PAGE, Connection
from flowtui.json_shapes import items, mapping, whole
from flowtui.models import JsonObject

AT_ONCE = 4
"""Requests that are under way together: more of them a server on SQLite does one by one."""

T = TypeVar("T")
R = TypeVar("R")


async def every(api: Connection, table: str, body: JsonObject) -> list[JsonObject]:
    """All rows that a filter of `deployments`, `flows`, … finds, each once.

    One request where they fit into a page.
    """
    path = f"/{table}/filter"
    rows = await page(api, path, body, 0)
    if len(rows) == LARGEST_PAGE:
        count = await _count(api, table, body)
        places = range(LARGEST_PAGE, count, LARGEST_PAGE)
        for more in await at_once(places, lambda place: page(api, path, body, place)):
            rows += more
        if await _count(api, table, body) != count:
            # What was made meanwhile pushed others from a page that was still to be read to one
            # that was read already. One page after another loses none.
            rows += await api.rows(path, body)
    return list({str(row.get("id")): row for row in rows}.values())


async def _count(api: Connection, table: str, body: JsonObject) -> int:
    counted = {key: value for key, value in body.items() if key != "sort"}
    return whole(await api.post(f"/{table}/count", counted, safe=True))


async def page(
    api: Connection, path: str, body: JsonObject, offset: int, limit: int = LARGEST_PAGE
) -> list[JsonObject]:
    answer = await api.post(path, {**body, "limit": limit, "offset": offset}, safe=True)
    return [mapping(row) for row in items(answer)]


async def at_once(each: Iterable[T], ask: Callable[[T], Awaitable[R]]) -> list[R]:
    """The answers in the order of what was asked for; the first failure ends them all."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(it: T) -> R:
        async with room:
            return await ask(it)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(it)) for it in each]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
