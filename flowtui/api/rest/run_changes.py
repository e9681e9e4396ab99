"""Changes of runs as they happen, from the events of a Prefect REST API.

Mirrors Prefect 3.9 and 2.20: `/events/out`, a websocket that wants the subprotocol `prefect`, a
message with the credential, and a filter. Prefect Cloud has it below each workspace.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flowtui import addresses
from flowtui.api.http import trust_of
from flowtui.api.reading import moment, text, utc
from flowtui.api.rest.connection import Connection
from flowtui.api.rest.dialect import spoken
from flowtui.errors import ControlPlaneError
from flowtui.json_shapes import mapping
from flowtui.models import Ability, Json
from flowtui.text import clean

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_KIND = "prefect.flow-run."
_BEATS = "prefect.flow-run.heartbeat"
_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Seconds before it is tried again; a connection that told something begins anew."""
_LONG_AGO, _EVER = timedelta(days=1), timedelta(days=3650)
"""The clocks of the two machines may differ, and a filter without an end tells nothing at all."""
_HELD = 60.0
"""Seconds after which a connection was a good one, whatever it told."""
_GREETING = 15.0
"""Seconds to be let in."""
_OVERLAP = timedelta(seconds=10)
_TURNED_AWAY = (1002, 1008)
"""Codes of a server that does not want us, or does not understand."""


class _NoEventsError(ControlPlaneError):
    """Trying again does not help."""


async def run_changes(api: Connection, run_id: str | None) -> AsyncIterator[str]:
    """See `ControlPlane.run_changes`.

    Taken up again with what was missed meanwhile, where it breaks.
    """
    await spoken(api)
    if Ability.STREAM_RUN_CHANGES not in api.abilities:
        raise _no_events(api, "it has none of the events of Prefect 3")
    last: datetime | None = None
    failures = 0
    clock = asyncio.get_running_loop().time
    while True:
        begun = clock()
        try:
            async with _connected(api) as socket:
                await socket.send(json.dumps(_filter(run_id, last)))
                if run_id is not None:
                    yield run_id  # it may have changed before anybody listened
                async for message in socket:
                    event = mapping(mapping(json.loads(message)).get("event"))
                    failures = 0
                    last = moment(event.get("occurred")) or last
                    resource = text(mapping(event.get("resource")), "prefect.resource.id")
                    if resource.startswith(_KIND) and event.get("event") != _BEATS:
                        yield resource.removeprefix(_KIND)
                problem = _broken(api, socket.close_code)
        except _NoEventsError:
            raise
        except ControlPlaneError as error:
            problem = error
        if clock() - begun > _HELD:
            failures = 0
        if failures == len(_PAUSES):
            raise problem
        await asyncio.sleep(_PAUSES[failures] * random.uniform(0.75, 1.25))
        failures += 1


@asynccontextmanager
async def _connected(api: Connection) -> AsyncGenerator[ClientConnection]:
    """A connection that let us in. Raises ControlPlaneError, also for what breaks it later."""
    import websockets
    from websockets.asyncio.client import connect

    address = f"ws{api.base.removeprefix('http')}/events/out"
    if not api.credential.is_cloud:
        await api.get("/health")  # says in words why nobody is reached, and sends no token openly
    trust = await asyncio.to_thread(trust_of, api.base, api.ca_file)
    try:
        async with connect(
            address,
            subprotocols=[websockets.Subprotocol("prefect")],
            ssl=trust if address.startswith("wss:") else None,
            proxy=None if addresses.is_loopback(api.base) else True,
            open_timeout=_GREETING,
            close_timeout=2,
        ) as socket:
            secret = api.credential.secret
            token = secret.reveal() if secret is not None else None
            await socket.send(json.dumps({"type": "auth", "token": token}))
            async with asyncio.timeout(_GREETING):
                answer = mapping(json.loads(await socket.recv()))
            if answer.get("type") != "auth_success":
                raise _no_events(api, "it does not let us in")
            yield socket
    except websockets.InvalidStatus as error:
        status = error.response.status_code
        if status >= 500 or status == 429:
            raise _trouble(api, f"HTTP {status}") from None
        raise _no_events(api, f"HTTP {status}") from None
    except websockets.ConnectionClosed as error:
        code = error.rcvd.code if error.rcvd is not None else None
        raise _broken(api, code) from None
    except (OSError, TimeoutError, ValueError, websockets.WebSocketException) as error:
        raise _trouble(api, str(error) or type(error).__name__) from None


def _filter(run_id: str | None, last: datetime | None) -> Json:
    now = datetime.now(UTC)
    resource: Json = {"id": [f"{_KIND}{run_id}"]} if run_id else {"id_prefix": [_KIND]}
    since = last - _OVERLAP if last is not None else now - _LONG_AGO
    events: Json = {
        "occurred": {"since": utc(since), "until": utc(now + _EVER)},
        "event": {"prefix": [_KIND]},
        "resource": resource,
    }
    return {"type": "filter", "filter": events, "backfill": last is not None}


def _broken(api: Connection, code: int | None) -> ControlPlaneError:
    if code in _TURNED_AWAY:
        return _no_events(api, "it closes the connection: the credential is not accepted")
    return _trouble(api, "the connection was closed")


def _trouble(api: Connection, reason: str) -> ControlPlaneError:
    return ControlPlaneError(
        f"changes of runs are not told at once any more: {clean(reason)}",
        where=api.api_url,
        fix="check that the server runs; what is shown is still asked for now and then",
    )


def _no_events(api: Connection, reason: str) -> _NoEventsError:
    return _NoEventsError(
        f"this control plane does not tell changes of runs at once: {clean(reason)}",
        where=api.api_url,
        fix="nothing has to be done: what is shown is asked for now and then",
    )
