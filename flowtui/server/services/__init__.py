"""Every background service."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from flowtui.server.services import agents, lazarus, retention, zombies
from flowtui.server.services.background import Service
from flowtui.server.services.scheduler import Scheduler
from flowtui.server.services.settings import ServiceSettings

_AGENTS_EVERY = timedelta(hours=1)
_RETENTION_EVERY = timedelta(minutes=1)


def services(settings: ServiceSettings) -> tuple[Service, ...]:
    """The services of one server, in the order in which they run when all are due."""
    every = settings.check_every
    return (
        Service("scheduler", settings.schedule_every, Scheduler().run_once),
        Service("zombie killer", every, partial(zombies.run_once, settings=settings)),
        Service("lazarus", every, partial(lazarus.run_once, settings=settings)),
        Service("agents", _AGENTS_EVERY, agents.run_once),
        Service("retention", _RETENTION_EVERY, partial(retention.run_once, settings=settings)),
    )
