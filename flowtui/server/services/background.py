"""What the server does without being asked: services, each at its own interval, in one thread.

Several servers may share a database, so a service decides and changes within one write transaction,
and doing the same twice must do no harm.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from flowtui.server.database import Database
from flowtui.server.tables import now

_LOOK_EVERY = timedelta(seconds=10)
_SLEPT = timedelta(minutes=1)

log = logging.getLogger("flowtui.server")


@dataclass(frozen=True)
class Round:
    """One time that a service runs."""

    now: datetime
    listening_since: datetime
    """When this server started, or woke up with its machine: what was said before that, it may
    have missed."""


@dataclass(frozen=True)
class Service:
    name: str
    every: timedelta
    run_once: Callable[[Database, Round], None]
    """Must not take long: stopping the server waits for it."""


class Background:
    """Runs services when they are due. `clock` tells the time of day."""

    def __init__(
        self,
        database: Database,
        services: Sequence[Service],
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._database = database
        self._services = tuple(services)
        self._clock = clock
        self._looked = self._listening_since = clock()
        self._due = [self._looked] * len(self._services)

    def run_due(self) -> None:
        """Run every service whose time has come. An error ends this round of that service only."""
        self._notice_jump(self._clock())
        for index, service in enumerate(self._services):
            moment = self._clock()
            if moment < self._due[index]:
                continue
            self._due[index] = moment + service.every
            try:
                service.run_once(self._database, Round(moment, self._listening_since))
            except Exception:
                log.exception("the service %r failed and will be tried again", service.name)
        self._looked = self._clock()

    def seconds_to_wait(self) -> float:
        """Until a service is due; not so long that a sleeping machine would go unnoticed."""
        moment = self._clock()
        waits = [_LOOK_EVERY, *(due - moment for due in self._due)]
        return max(min(waits).total_seconds(), 0.0)

    def _notice_jump(self, moment: datetime) -> None:
        """The machine slept or its clock was set: nobody can have been heard meanwhile, and what
        is due is counted anew."""
        if not timedelta(0) <= moment - self._looked <= _SLEPT:
            self._listening_since = moment
            self._due = [moment] * len(self._services)


@contextmanager
def running(background: Background) -> Generator[None]:
    """Run the services in a thread of their own; leaving waits for the one being run."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(background.seconds_to_wait()):
            background.run_due()

    thread = threading.Thread(target=run, name="services")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
