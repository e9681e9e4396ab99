"""One project folder seen against one control plane: what the TUI and the command line share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flowtui.api.base import ControlPlane
from flowtui.deploy.events import DeployFinished, Event
from flowtui.deploy.plan import Plan
from flowtui.models import (
    BrokenFile,
    DeployTable,
    Discovery,
    FlowState,
    FlowVersion,
    Identity,
    LocalFlow,
    Profile,
)


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One line of the flow browser: a flow on disk (or a file that does not parse) and its state."""

    state: FlowState
    flow: LocalFlow | None = None
    broken: BrokenFile | None = None
    version: FlowVersion | None = None
    """The newest registered version, None if there is none or it is not known yet."""
    project: str | None = None
    note: str = ""
    """Why it is in this state, in a few words."""

    @property
    def name(self) -> str:
        if self.flow is not None:
            return self.flow.display_name
        return self.broken.path if self.broken is not None else ""

    @property
    def location(self) -> str:
        """`file:line`."""
        place = self.flow or self.broken
        return f"{place.path}:{place.line}" if place is not None else ""

    @property
    def key(self) -> str:
        """Stable identity of the row while its file changes."""
        if self.flow is not None:
            return self.flow.target
        return f"{self.name}:broken"


class Workspace:
    """A project folder, its settings, one profile, and the control plane behind it."""

    def __init__(self, root: Path, *, profile: Profile) -> None:
        self.root = root
        self.profile = profile

    @classmethod
    async def open(
        cls, path: Path, *, profile: str | None = None, api_url: str | None = None
    ) -> Workspace:
        """Read the project file and the user's profiles. Raises UsageError for a bad one.

        No network and no keyring is touched: `connect` does that.
        """
        raise NotImplementedError

    async def connect(self) -> Identity:
        """Find the token, reach the control plane. Raises ControlPlaneError, CredentialsError."""
        raise NotImplementedError

    @property
    def control_plane(self) -> ControlPlane:
        """Valid after `connect`."""
        raise NotImplementedError

    @property
    def token_source(self) -> str:
        """Where the token in use came from, in words; `none` when no token is used."""
        raise NotImplementedError

    def discover(self) -> Discovery:
        """Walk the folder. Blocking, imports nothing of the user's: run it in a thread."""
        raise NotImplementedError

    async def rows(self, discovery: Discovery) -> tuple[FlowRow, ...]:
        """Every flow and broken file with its state; asks the control plane once, if connected."""
        raise NotImplementedError

    def watch(self) -> object:
        """Async iterator over sets of changed paths (relative to the root), until cancelled."""
        raise NotImplementedError

    async def plan(
        self, flow: LocalFlow, overrides: DeployTable | None = None, *, force: bool = False
    ) -> Plan:
        """What a deploy of this flow would do. Loads the flow in the project's interpreter."""
        raise NotImplementedError

    async def deploy(
        self,
        flow: LocalFlow,
        emit: Callable[[Event], None],
        overrides: DeployTable | None = None,
        *,
        force: bool = False,
        push: bool = True,
        create_project: bool = False,
    ) -> DeployFinished:
        """Run all stages, emitting events; the last one is what is returned.

        A failure is an outcome, not an exception. Cancel the task to cancel the deploy: it cleans
        up, emits `DeployFinished` with outcome cancelled, then raises CancelledError.
        """
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
