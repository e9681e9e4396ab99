"""Idle is known: every piece of work is registered before it starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ticket:
    number: int
    description: str


class Busy:
    """The running work of the app, with a description a person can read for each.

    Watchers and clocks do not count: they never end.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._running: dict[int, Ticket] = {}
        self._next = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._changed = changed

    def start(self, description: str) -> Ticket:
        self._next += 1
        ticket = Ticket(self._next, description)
        self._running[ticket.number] = ticket
        self._idle.clear()
        self._changed()
        return ticket

    def finish(self, ticket: Ticket) -> None:
        """Ends a piece of work; doing it twice is no harm."""
        if self._running.pop(ticket.number, None) is None:
            return
        if not self._running:
            self._idle.set()
        self._changed()

    @property
    def descriptions(self) -> tuple[str, ...]:
        return tuple(ticket.description for ticket in self._running.values())

    @property
    def idle(self) -> bool:
        return not self._running

    async def wait_idle(self) -> None:
        await self._idle.wait()
