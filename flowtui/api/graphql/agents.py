"""Agents as the GraphQL APIs tell of them."""

from __future__ import annotations

from flowtui.api.graphql import answers
from flowtui.api.graphql.connection import Connection
from flowtui.models import Ability
from flowtui.run_models import Agent

_OPTIONAL = ("name", "type", "labels", "core_version", "last_queried")


async def agents(api: Connection) -> tuple[Agent, ...]:
    """See `ControlPlane.agents`."""
    await api.require(Ability.TELL_AGENTS)
    rows = await api.rows(
        "agent", {}, "{id: asc}", {name: name for name in ("id", *_OPTIONAL)}, optional=_OPTIONAL
    )
    found = api.understood(rows, answers.agent)
    return tuple(sorted(found, key=_last_seen, reverse=True))


def _last_seen(agent: Agent) -> float:
    return agent.last_seen.timestamp() if agent.last_seen is not None else 0.0
