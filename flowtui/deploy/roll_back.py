"""Going back to an earlier version: what that would change, told before it is done.

A flow object's earlier version is registered again (`flow_object.roll_back`); of a deployment,
whose control plane keeps no versions, an earlier payload is applied again (`deployment.roll_back`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flowtui.deploy.change import Changes
from flowtui.models import FlowVersion, Json, JsonObject


@dataclass(frozen=True, slots=True)
class WayBack:
    """What rolling back would do."""

    version: FlowVersion
    """The earlier version."""
    in_use: FlowVersion | None
    """What is registered now; None where the version's flow is not in use any more."""
    changes: Changes
    fields: JsonObject = field(default_factory=dict[str, "Json"])
    """Of a deployment: what would be sent."""
    exactly: bool = False
    """What was changed elsewhere goes back too."""
