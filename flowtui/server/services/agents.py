"""Forgets agents that never registered and are gone: nobody could delete their rows by name."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from flowtui.server.database import Database
from flowtui.server.services.background import Round
from flowtui.server.services.silence import are_any
from flowtui.server.tables import Agent

FORGOTTEN_AFTER = timedelta(days=1)


def run_once(database: Database, turn: Round) -> None:
    gone = (Agent.anonymous.is_(True), Agent.last_queried < turn.now - FORGOTTEN_AFTER)
    if are_any(database, select(Agent.id).where(*gone)):
        database.write(lambda session: session.execute(delete(Agent).where(*gone)))
