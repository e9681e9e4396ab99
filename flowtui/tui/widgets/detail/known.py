"""What the session knows of one flow, wherever it knows it from."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.deploy.plan import Plan
from flowtui.flow_rows import FlowRow
from flowtui.models import FlowState, JsonObject
from flowtui.tui.session import Session
from flowtui.tui.view_models.deploys import DeployRecord


@dataclass(frozen=True, slots=True)
class Serialization:
    key: str
    """Differs where the serialization does."""
    flow: JsonObject
    """As the flow's own Prefect wrote it."""
    origin: str
    """Of what, in words."""


def last_deploy(session: Session, row: FlowRow) -> DeployRecord | None:
    """The newest deploy of this flow in this session."""
    return session.deploys.latest_of(row.flow) if row.flow is not None else None


def last_plan(session: Session, row: FlowRow) -> Plan | None:
    """The plan made last for this flow in this session, carried out or not."""
    return session.plans.get(row.flow.target) if row.flow is not None else None


def serialization(session: Session, row: FlowRow) -> Serialization | None:
    """Of the plan made last, else of what is registered; None where neither is known."""
    plan = last_plan(session, row)
    if plan is not None:
        key = f"{row.key}:{id(plan)}"
        return Serialization(key, plan.loaded.serialized, "as planned last")
    version = row.version
    registered = session.registered.get(version.id) if version is not None else None
    if version is None or registered is None:
        return None
    return Serialization(version.id, registered, f"as of {version.words}")


def plan_first(session: Session, row: FlowRow, key: str, then: str) -> str:
    """Why a flow's contents are not known, and what to do about it; `key` plans a deploy."""
    if row.state is FlowState.BROKEN:
        return "It is broken and cannot be loaded: see Problems."
    if row.version is not None and session.connected:
        if row.version.id not in session.registered:
            return f"Reading {row.version.words}."
        if row.flow is None:
            return "The control plane does not give back what is registered."
        return f"The control plane does not give it back. {key} plans a deploy: {then}."
    return f"{key} plans a deploy: {then}."
