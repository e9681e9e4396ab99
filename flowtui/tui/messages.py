"""What happened, as typed messages: workers post them, one handler of the app owns each change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from textual.message import Message

from flowtui.deploy.events import Event
from flowtui.deploy.plan import Plan
from flowtui.models import Discovery, FlowVersion, Identity, Problem, Profile, Project
from flowtui.workspace import FlowRow, Workspace


class Part(StrEnum):
    """What changed in the session: widgets that show that part look again."""

    CONNECTION = "connection"
    PROFILES = "profiles"
    PROJECTS = "projects"
    ROWS = "rows"
    DEPLOYS = "deploys"
    PROGRESS = "progress"
    """Of a running deploy: comes in floods, shown on a clock."""
    WORK = "work"


@dataclass
class WorkspaceOpened(Message):
    workspace: Workspace


@dataclass
class WorkspaceFailed(Message):
    problem: Problem


@dataclass
class ConnectionStarted(Message):
    """A try to reach the control plane has begun."""


@dataclass
class Connected(Message):
    identity: Identity
    token_source: str


@dataclass
class ConnectionFailed(Message):
    problem: Problem
    credentials: bool
    """The address answers, but the token is missing or wrong."""


@dataclass
class ProfilesRead(Message):
    profiles: tuple[Profile, ...]
    problem: Problem | None = None


@dataclass
class ServerStarted(Message):
    """The embedded server runs as a child of this app and answers."""


@dataclass
class ServerFailed(Message):
    problem: Problem


@dataclass
class ServerStopped(Message):
    """The embedded server that this app started has ended."""


@dataclass
class ProjectsListed(Message):
    projects: tuple[Project, ...]


@dataclass
class ProjectsFailed(Message):
    problem: Problem


@dataclass
class VersionsListed(Message):
    project: str
    versions: tuple[FlowVersion, ...]


@dataclass
class ControlPlaneChanged(Message):
    """A change asked for here was made there."""

    what: str
    """In words, for the notification."""


@dataclass
class ChangeRefused(Message):
    """A change asked for here was not made."""

    problem: Problem


@dataclass
class FlowsDiscovered(Message):
    discovery: Discovery


@dataclass
class RowsUpdated(Message):
    rows: tuple[FlowRow, ...]


@dataclass
class RowsFailed(Message):
    problem: Problem


@dataclass
class FilesChanged(Message):
    paths: frozenset[str]


@dataclass
class WatchingFailed(Message):
    problem: Problem


@dataclass
class PlanMade(Message):
    key: str
    plan: Plan


@dataclass
class PlanFailed(Message):
    key: str
    problem: Problem


@dataclass
class DeployEventReceived(Message):
    """Any event of a deploy but a log line: those go straight into the log's ring."""

    key: str
    event: Event


@dataclass
class DeployEnded(Message):
    """The worker of a deploy is through; `problem` when it ended without a result."""

    key: str
    problem: Problem | None = None
