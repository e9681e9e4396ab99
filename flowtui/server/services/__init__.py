"""Every background service."""

from __future__ import annotations

from flowtui.server.services.background import Service
from flowtui.server.services.scheduler import Scheduler
from flowtui.server.services.settings import ServiceSettings


def services(settings: ServiceSettings) -> tuple[Service, ...]:
    """The services of one server, in the order in which they run when all are due."""
    return (Service("scheduler", settings.schedule_every, Scheduler().run_once),)
