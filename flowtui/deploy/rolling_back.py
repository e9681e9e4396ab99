"""Going back to an earlier version, and what that would change, told before it is done.

A flow object's earlier version is registered again (`flow_object.roll_back`); of a deployment,
whose control plane keeps no versions, an earlier payload is applied again (`deployment.roll_back`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from flowtui.api.base import ControlPlane
from flowtui.deploy.applied import Applied
from flowtui.deploy.change import Changes
from flowtui.deploy.changes import Registered
from flowtui.deploy.deployment.earlier import deploy_id, deployment_id
from flowtui.deploy.deployment.roll_back import DeploymentRollBack, merged_back, registered_now
from flowtui.deploy.events import DeployFinished
from flowtui.deploy.flow_object.between import between
from flowtui.deploy.flow_object.roll_back import RollBack
from flowtui.deploy.history import DeployRecord, History
from flowtui.deploy.shared_stages import Keep
from flowtui.deploy.under_way import Emit
from flowtui.errors import UsageError
from flowtui.models import FlowVersion, Json, JsonObject


@dataclass(frozen=True, slots=True)
class WayBack:
    """What rolling back would do."""

    version: FlowVersion
    """The earlier version."""
    in_use: FlowVersion | None
    """What is registered now; None where no version of the flow is in use any more."""
    changes: Changes
    fields: JsonObject = field(default_factory=dict[str, "Json"])
    """Of a deployment: what would be sent."""
    exactly: bool = False
    """What was changed elsewhere goes back too."""


class RollingBack:
    def __init__(self, control_plane: ControlPlane, history: History) -> None:
        self._control_plane = control_plane
        self._history = history

    def made_by(self, version: FlowVersion) -> DeployRecord | None:
        """The deploy that made the version, None where it was made elsewhere. Blocking."""
        deploy = deploy_id(version.id)
        if deploy:
            return self._history.find(deploy)
        return self._history.by_version([version.id]).get(version.id)

    async def way_back(self, version: FlowVersion, *, exactly: bool = False) -> WayBack:
        """Raises ControlPlaneError, and UsageError for what cannot be gone back to."""
        found = await self._control_plane.flow_versions(
            project=version.project or None, name=version.name
        )
        same = [each for each in found if each.deployment == version.deployment]
        in_use = max(same, key=lambda each: each.version, default=None)
        if not version.deployment:
            return WayBack(version, in_use, await self._between(in_use, version))
        applied, last = await asyncio.to_thread(self._applied, version)
        current = await registered_now(self._control_plane, version)
        merged = merged_back(applied, last, current, exactly=exactly)
        return WayBack(version, in_use, merged.changes, merged.fields, exactly)

    async def run(
        self, version: FlowVersion, emit: Emit, keep: Keep, *, target: str, exactly: bool
    ) -> DeployFinished:
        """A failure is an outcome; only what keeps it from beginning is raised."""
        record = await asyncio.to_thread(self.made_by, version)
        if not version.deployment:
            return await RollBack(version, self._control_plane, record, emit).run(target)
        applied, last = await asyncio.to_thread(self._applied, version)
        run = DeploymentRollBack(
            version,
            self._control_plane,
            applied,
            last,
            record,
            emit=emit,
            keep=keep,
            exactly=exactly,
        )
        return await run.run(target)

    def _applied(self, version: FlowVersion) -> tuple[Applied, Applied | None]:
        """What is gone back to, and what was applied last."""
        all_ = self._history.applied(deployment_id(version.id))
        wanted = deploy_id(version.id)
        found = next((each for each in all_ if each.deploy == wanted), None)
        if found is None and not wanted:
            raise UsageError(
                f"{version.words} of “{version.flow_name}” is the one in use",
                where=self._control_plane.api_url,
                fix="choose an earlier version: flowtui versions list --archived shows them",
            )
        if found is None:
            raise UsageError(
                f"the history of this machine does not know {version.words} any more",
                where=str(self._history.path),
                fix="check out the sources of that version and deploy them",
            )
        return found, all_[0]

    async def _between(self, in_use: FlowVersion | None, version: FlowVersion) -> Changes:
        if in_use is None:
            return Changes()
        before, after = await asyncio.gather(self._registered(in_use), self._registered(version))
        return await asyncio.to_thread(between, before, after)

    async def _registered(self, version: FlowVersion) -> Registered:
        known = await asyncio.to_thread(self._history.registered, version.id)
        serialized = await self._control_plane.serialized_flow(version.id)
        return replace(known, serialized=serialized, storage=version.storage)
