"""Deploys that are made together: how many are in a stage at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from flowtui.deploy.at_once import cores
from flowtui.deploy.events import Stage

_BUILDS = 2
"""An engine does not build faster for more."""
_PUSHES = 2
_REGISTRATIONS = 8


class Together:
    """What deploys of one batch have in common. Each still has its own events and history."""

    def __init__(self) -> None:
        busy = cores()
        self._places = {
            Stage.SERIALIZE: asyncio.Semaphore(busy),
            Stage.BUILD: asyncio.Semaphore(_BUILDS),
            Stage.HEALTH_CHECK: asyncio.Semaphore(busy),
            Stage.PUSH: asyncio.Semaphore(_PUSHES),
            Stage.REGISTER: asyncio.Semaphore(_REGISTRATIONS),
        }

    @asynccontextmanager
    async def turn(self, stage: Stage) -> AsyncGenerator[None]:
        """A place in this stage, as soon as one is free; in the order of asking."""
        async with self._places[stage]:
            yield
