"""Names behind ids. A flow and a deployment keep theirs for life, so each is asked for once."""

from __future__ import annotations

from collections.abc import Iterable

from flowtui.api.rest.connection import LARGEST_PAGE, Connection
from flowtui.api.rest.paging import at_once, page
from flowtui.models import JsonObject
from flowtui.text import clean


def learn(api: Connection, rows: Iterable[JsonObject]) -> None:
    api.names.update((str(row["id"]), clean(str(row["name"]))) for row in rows)


def known(api: Connection, each_id: object) -> str:
    """Empty for what was not asked for, and for what is not there any more."""
    return api.names.get(str(each_id), "")


async def find(api: Connection, table: str, ids: Iterable[object]) -> None:
    """Ask for those of `flows` or `deployments` that are not known yet."""
    missing = sorted({str(each) for each in ids if each} - api.names.keys())
    places = range(0, len(missing), LARGEST_PAGE)

    async def ask(place: int) -> list[JsonObject]:
        body: JsonObject = {table: {"id": {"any_": missing[place : place + LARGEST_PAGE]}}}
        return await page(api, f"/{table}/filter", body, 0)

    for rows in await at_once(places, ask):
        learn(api, rows)
