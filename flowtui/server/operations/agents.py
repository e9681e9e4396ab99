"""Agents and their configurations.

Agents of Prefect 0.10.5 and later (against a server: 0.13 and later) register and send their id.
Older ones send none: those that look alike in all they do send share one row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from flowtui.models import JsonObject
from flowtui.server.operations.base import (
    Act,
    IdPayload,
    JsonDocument,
    Refused,
    SuccessPayload,
    Uuid,
    mutation,
)
from flowtui.server.serialized import mapping, strings
from flowtui.server.tables import Agent, AgentConfig

UNKNOWN_TYPE = "Agent"
"""Of an agent that never said what it is: Prefect's name for an agent of any type."""
_UNVERSIONED = ("0.6.2 to 0.6.4", "0.6.5 to 0.6.7", "0.7.0")
"""Versions that do not say which they are, told apart by what they ask for."""
_SEEN_EVERY = timedelta(seconds=2)
"""A busy agent polls four times a second; that is not worth a write each time."""


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
            Agent.anonymous.is_(False),
            Agent.type == wanted.type,
            Agent.name == wanted.name if wanted.name else Agent.name.is_(None),
        )
    )
    agent = _with_labels(same, labels)
    if agent is None:
        agent = Agent(tenant_id=tenant_id, type=wanted.type, name=wanted.name, labels=labels)
        act.session.add(agent)
    if wanted.agent_config_id:
        agent.agent_config_id = act.row(AgentConfig, wanted.agent_config_id).id
    agent.core_version = act.caller.core_version
    agent.last_queried = act.now
    act.session.flush()
    return IdPayload(agent.id)


def seen(act: Act, labels: Iterable[str], tenant_id: str, core_version: str) -> None:
    """Note that the calling agent asked for runs; `core_version` as far as it can be told."""
    agent = registered(act)
    if agent is None:
        agent = _anonymous(act, sorted(set(labels)), tenant_id, core_version)
    if agent.last_queried is None or act.now - agent.last_queried >= _SEEN_EVERY:
        agent.last_queried = act.now


def version_of_agent(act: Act, *, asks_before: bool, asks_labels: bool) -> str:
    """The core version of the agent that asks for runs, with or without a time and labels."""
    if act.caller.core_version:
        return act.caller.core_version
    return _UNVERSIONED[asks_before + asks_labels] if asks_before else _UNVERSIONED[0]


def registered(act: Act) -> Agent | None:
    """The caller, if it is an agent with a valid id."""
    return act.session.get(Agent, act.caller.agent_id) if act.caller.agent_id else None


def _anonymous(act: Act, labels: list[str], tenant_id: str, core_version: str) -> Agent:
    alike = act.session.scalars(
        select(Agent).where(
            Agent.tenant_id == tenant_id,
            Agent.anonymous.is_(True),
            Agent.core_version == core_version,
        )
    )
    agent = _with_labels(alike, labels)
    if agent is None:
        agent = Agent(
            tenant_id=tenant_id,
            anonymous=True,
            type=UNKNOWN_TYPE,
            name=None,
            labels=labels,
            core_version=core_version,
        )
        act.session.add(agent)
    return agent


def likely_anonymous(act: Act, tenant_id: str, run_labels: frozenset[str]) -> Agent | None:
    """Who submits a run without saying so: the anonymous agent of the caller's version that takes
    such runs and asked for some last."""
    version = act.caller.core_version
    same = Agent.core_version == version if version else Agent.core_version.in_(_UNVERSIONED)
    asked = act.session.scalars(
        select(Agent)
        .where(Agent.tenant_id == tenant_id, Agent.anonymous.is_(True), same)
        .order_by(Agent.last_queried.desc())
    )
    return next((agent for agent in asked if suits(strings(agent.labels), run_labels)), None)


def suits(agent_labels: frozenset[str], run_labels: frozenset[str]) -> bool:
    """An agent without labels takes runs without; one with labels takes runs with some of its
    own, never an unlabelled one."""
    return run_labels <= agent_labels and bool(run_labels) == bool(agent_labels)


def _with_labels(agents: Iterable[Agent], labels: list[str]) -> Agent | None:
    return next((agent for agent in agents if agent.labels == labels), None)


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
    config = AgentConfig(
        tenant_id=act.tenant_id(wanted.tenant_id),
        name=wanted.name,
        settings=_settings(wanted.settings),
    )
    act.session.add(config)
    act.session.flush()
    return IdPayload(config.id)


@dataclass(frozen=True)
class UpdateAgentConfig:
    agent_config_id: Uuid
    name: str | None = None
    settings: JsonDocument = None


@mutation
def update_agent_config(act: Act, wanted: UpdateAgentConfig) -> SuccessPayload:
    """What is not given stays as it is."""
    config = act.row(AgentConfig, wanted.agent_config_id)
    if wanted.name is not None:
        config.name = wanted.name
    if wanted.settings is not None:
        config.settings = _settings(wanted.settings)
    return SuccessPayload()


def _settings(given: object) -> JsonObject:
    settings = mapping({} if given is None else given)
    if settings is None:
        raise Refused("settings must be an object")
    return dict(settings)


@dataclass(frozen=True)
class DeleteAgentConfig:
    agent_config_id: Uuid


@mutation
def delete_agent_config(act: Act, wanted: DeleteAgentConfig) -> SuccessPayload:
    act.delete(AgentConfig, wanted.agent_config_id)
    return SuccessPayload()
