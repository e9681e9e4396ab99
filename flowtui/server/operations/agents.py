"""Agents and their configurations."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from flowtui.server.operations.base import (
    Act,
    IdPayload,
    JsonDocument,
    Refused,
    SuccessPayload,
    Uuid,
    mutation,
)
from flowtui.server.serialized import mapping
from flowtui.server.tables import Agent, AgentConfig


@dataclass(frozen=True)
class RegisterAgent:
    type: str
    name: str | None = None
    labels: tuple[str, ...] | None = None
    tenant_id: Uuid | None = None
    agent_config_id: Uuid | None = None


@mutation
def register_agent(act: Act, wanted: RegisterAgent) -> IdPayload:
    """An agent started again under the same name, type and labels is the same agent."""
    tenant_id = act.tenant_id(wanted.tenant_id)
    labels = sorted(set(wanted.labels or ()))
    same = act.session.scalars(
        select(Agent).where(
            Agent.tenant_id == tenant_id,
            Agent.type == wanted.type,
            Agent.name == wanted.name if wanted.name else Agent.name.is_(None),
        )
    )
    agent = next((known for known in same if known.labels == labels), None)
    if agent is None:
        agent = Agent(tenant_id=tenant_id, type=wanted.type, name=wanted.name, labels=labels)
        act.session.add(agent)
    if wanted.agent_config_id:
        agent.agent_config_id = act.row(AgentConfig, wanted.agent_config_id).id
    agent.core_version = act.caller.core_version
    agent.last_queried = act.now
    act.session.flush()
    return IdPayload(agent.id)


@dataclass(frozen=True)
class DeleteAgent:
    agent_id: Uuid


@mutation
def delete_agent(act: Act, wanted: DeleteAgent) -> SuccessPayload:
    act.delete(Agent, wanted.agent_id)
    return SuccessPayload()


@dataclass(frozen=True)
class CreateAgentConfig:
    name: str | None = None
    settings: JsonDocument = None
    tenant_id: Uuid | None = None


@mutation
def create_agent_config(act: Act, wanted: CreateAgentConfig) -> IdPayload:
    settings = mapping({} if wanted.settings is None else wanted.settings)
    if settings is None:
        raise Refused("settings must be an object")
    config = AgentConfig(
        tenant_id=act.tenant_id(wanted.tenant_id), name=wanted.name, settings=settings
    )
    act.session.add(config)
    act.session.flush()
    return IdPayload(config.id)
