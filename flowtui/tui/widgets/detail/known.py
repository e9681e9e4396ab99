"""What the session knows of one flow, wherever it knows it from."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.models import JsonObject
from flowtui.tui.deploys import DeployRecord
from flowtui.tui.session import Session
from flowtui.workspace import FlowRow


@dataclass(frozen=True, slots=True)
class Serialization:
    flow: JsonObject
    """As the flow's own Prefect wrote it."""
    origin: str
    """Of what: `as planned`, `version 3`."""


def last_deploy(session: Session, row: FlowRow) -> DeployRecord | None:
    """The newest deploy of this flow in this session."""
    return session.deploys.latest_of(row.flow) if row.flow is not None else None


def serialization(session: Session, row: FlowRow) -> Serialization | None:
    """Of the plan made last, else of what is registered; None where neither is known."""
    record = last_deploy(session, row)
    if record is not None and record.plan is not None:
        return Serialization(record.plan.loaded.serialized, "as planned last")
    if row.version is None:
        return None
    registered = session.registered.get(row.version.id)
    return (
        None if registered is None else Serialization(registered, f"version {row.version.version}")
    )
