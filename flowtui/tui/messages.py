"""What happened, as typed messages: workers post them, one handler of the app owns each change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from textual.message import Message

if TYPE_CHECKING:
    from flowtui.agents.events import AgentEvent
    from flowtui.api.rest.cloud import CloudWorkspace
    from flowtui.credentials import Secret
    from flowtui.deploy.change import Changes
    from flowtui.deploy.docker.reachability import EngineStatus, RegistryStatus
    from flowtui.deploy.events import DeployFinished, Event
    from flowtui.deploy.history import DeployRecord as HistoryLine
    from flowtui.deploy.history_search import HistoryQuery, Hit
    from flowtui.deploy.plan import Plan
    from flowtui.deploy.rolling_back import WayBack
    from flowtui.doctor.checks import Examination, Finding
    from flowtui.flow_rows import FlowRow
    from flowtui.hot.events import HotEvent
    from flowtui.models import (
        Discovery,
        ExecutionOptions,
        FlowVersion,
        Identity,
        JsonObject,
        LocalFlow,
        Problem,
        Profile,
        Project,
    )
    from flowtui.prefect_settings import Found, PrefectSettings
    from flowtui.preferences import Preferences
    from flowtui.project_state import ProjectState
    from flowtui.run_models import FlowRun, WorkPool
    from flowtui.runs.listing import RunQuery
    from flowtui.settings_list import ListedSetting
    from flowtui.tui.looks.graph import DrawnGraph
    from flowtui.tui.looks.highlighting import SourceFile
    from flowtui.tui.terminal.clipboard import Copied
    from flowtui.tui.view_models.agents import RunQueue
    from flowtui.tui.view_models.deploys import DeployRecord
    from flowtui.tui.view_models.registered import Place
    from flowtui.tui.view_models.run_watch import Look
    from flowtui.workspace import ResumePoint, Workspace


class Part(StrEnum):
    """What changed in the session: widgets that show that part look again."""

    CONNECTION = "connection"
    PROFILES = "profiles"
    PROJECTS = "projects"
    WORK_POOLS = "work pools"
    """Work pools with their queues and workers were read."""
    VERSIONS = "versions"
    """All versions of a flow that was looked at were read."""
    ROWS = "rows"
    DEPLOYS = "deploys"
    PROGRESS = "progress"
    """Of a running deploy: comes in floods, shown on a clock."""
    DESCRIPTION = "description"
    """What is registered of the flow under the cursor was read."""
    REMEMBERED = "remembered"
    """How the app was left in this folder was read."""
    SETTINGS = "settings"
    """Settings and keys were read."""
    DOCTOR = "doctor"
    REACH = "reach"
    """Whether the engine and the registry answer."""
    RUNS = "runs"
    """The runs of a flow that was looked at, or the last runs of all in the folder, were read."""
    RUN_LISTING = "run listing"
    """The runs of the runs screen were read."""
    RUN_WATCHED = "run watched"
    """A run that is open was looked at."""
    HOT = "hot"
    """What is hot, and what saves led to."""
    AGENTS = "agents"
    """Agents, those that this app started among them, and the runs that wait for one."""
    WORK = "work"


class Happened(Message):
    """Something that a worker did or found. One part of the app handles each kind."""


Handler: TypeAlias = Callable[[Any], None]


@dataclass(eq=False, repr=False)
class WorkspaceOpened(Happened):
    workspace: Workspace


@dataclass(eq=False, repr=False)
class WorkspaceFailed(Happened):
    problem: Problem


@dataclass(eq=False, repr=False)
class Connected(Happened):
    identity: Identity
    token_source: str
    notes: tuple[str, ...] = ()
    """Why a store gave no token, in words."""
    keyring_waits: bool = False


@dataclass(eq=False, repr=False)
class PreferencesRead(Happened):
    preferences: Preferences


@dataclass(eq=False, repr=False)
class SettingsListed(Happened):
    rows: tuple[ListedSetting, ...]
    problem: Problem | None = None


@dataclass(eq=False, repr=False)
class ConnectionFailed(Happened):
    problem: Problem
    credentials: bool
    """The address answers, but the token is missing or wrong."""
    keyring_waits: bool = False


@dataclass(eq=False, repr=False)
class KeyringAnswered(Happened):
    """The keyring that was waiting for a person has been unlocked, or has given up."""


@dataclass(eq=False, repr=False)
class ProfilesRead(Happened):
    profiles: tuple[Profile, ...]
    problem: Problem | None = None
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By address the places that hold a token for it."""


@dataclass(eq=False, repr=False)
class NeverStartedBefore(Happened):
    """No profile and no server was ever used here."""

    prefect: tuple[PrefectSettings, ...]
    """Where Prefect itself is configured to go, what it uses now first."""


@dataclass(eq=False, repr=False)
class FirstProjectWanted(Happened):
    """The server that was just started has no project yet."""


@dataclass(eq=False, repr=False)
class PrefectSettingsFound(Happened):
    """Prefect's own configuration was read, as a person asked."""

    found: Found


@dataclass(eq=False, repr=False)
class CloudKeyWanted(Happened):
    """Prefect Cloud was asked for workspaces, and no key that it takes is kept."""

    cloud: str
    """Its address."""


@dataclass(eq=False, repr=False)
class CloudWorkspacesFound(Happened):
    """Prefect Cloud said which workspaces a key may see."""

    cloud: str
    workspaces: tuple[CloudWorkspace, ...]
    secret: Secret | None = None
    """The key, where it was typed just now and is not kept yet."""


@dataclass(eq=False, repr=False)
class CloudWorkspaceChosen(Happened):
    """A person chose a workspace, and this is the profile for it, not saved yet."""

    profile: Profile
    secret: Secret | None = None
    """As in `CloudWorkspacesFound`."""


@dataclass(eq=False, repr=False)
class PrefectTokenFound(Happened):
    """The control plane wants a token, and Prefect keeps one for it."""

    prefect: PrefectSettings


@dataclass(eq=False, repr=False)
class PrefectServerPlaced(Happened):
    """An address was found for the server of the project's own Prefect."""

    profile: Profile


@dataclass(eq=False, repr=False)
class ServerStarted(Happened):
    """The server runs as a child of this app and answers."""


@dataclass(eq=False, repr=False)
class ServerFailed(Happened):
    problem: Problem


@dataclass(eq=False, repr=False)
class ServerStopped(Happened):
    """The server that this app started has ended."""


@dataclass(eq=False, repr=False)
class ProjectsListed(Happened):
    projects: tuple[Project, ...]


@dataclass(eq=False, repr=False)
class ProjectsFailed(Happened):
    problem: Problem


@dataclass(eq=False, repr=False)
class WorkPoolsListed(Happened):
    pools: tuple[WorkPool, ...]


@dataclass(eq=False, repr=False)
class WorkPoolsFailed(Happened):
    problem: Problem


@dataclass(eq=False, repr=False)
class WorkPoolTypesRead(Happened):
    """A person wants a new pool, and these are the types that there are."""

    types: tuple[str, ...]


@dataclass(eq=False, repr=False)
class VersionsListed(Happened):
    project: str
    versions: tuple[FlowVersion, ...]


@dataclass(eq=False, repr=False)
class AllVersionsListed(Happened):
    """Those of one flow, archived ones too."""

    place: Place
    versions: tuple[FlowVersion, ...]
    made_by: Mapping[str, HistoryLine]
    """By the version's id, as far as they were deployed from here."""


@dataclass(eq=False, repr=False)
class NextRunsRead(Happened):
    version_id: str
    moments: tuple[datetime, ...]


@dataclass(eq=False, repr=False)
class RunsListed(Happened):
    place: Place
    runs: Problem | tuple[FlowRun, ...]


@dataclass(eq=False, repr=False)
class LastRunsListed(Happened):
    runs: tuple[FlowRun, ...]


@dataclass(eq=False, repr=False)
class RunPageRead(Happened):
    query: RunQuery
    page: tuple[FlowRun, ...]
    offset: int


@dataclass(eq=False, repr=False)
class RunPageFailed(Happened):
    query: RunQuery
    problem: Problem


@dataclass(eq=False, repr=False)
class RunStarted(Happened):
    form: str
    """Which form asked for it: perhaps it is not open any more."""
    run: FlowRun


@dataclass(eq=False, repr=False)
class RunRefused(Happened):
    """The control plane did not start the run that a form asked for."""

    form: str
    problem: Problem


@dataclass(eq=False, repr=False)
class RunCancelled(Happened):
    run: FlowRun
    state: str
    """That it has now."""


@dataclass(eq=False, repr=False)
class RunLookedAt(Happened):
    run_id: str
    look: Look


@dataclass(eq=False, repr=False)
class RunLookFailed(Happened):
    run_id: str
    problem: Problem


@dataclass(eq=False, repr=False)
class RunGone(Happened):
    """The control plane does not know this run any more."""

    run_id: str


@dataclass(eq=False, repr=False)
class RunDescribed(Happened):
    """The serialization of the flow version that runs; None where it is not told."""

    run_id: str
    serialized: JsonObject | None


@dataclass(eq=False, repr=False)
class RunGraphDrawn(Happened):
    run_id: str
    drawn: DrawnGraph


@dataclass(eq=False, repr=False)
class ControlPlaneChanged(Happened):
    """A change asked for here was made there."""

    what: str
    """In words, for the notification."""
    renamed: tuple[str, str] | None = None
    """A project's name before and now."""


@dataclass(eq=False, repr=False)
class ChangeRefused(Happened):
    """A change asked for here was not made."""

    problem: Problem


@dataclass(eq=False, repr=False)
class FlowsDiscovered(Happened):
    discovery: Discovery


@dataclass(eq=False, repr=False)
class RowsUpdated(Happened):
    rows: tuple[FlowRow, ...]


@dataclass(eq=False, repr=False)
class RowsFailed(Happened):
    problem: Problem


@dataclass(eq=False, repr=False)
class FilesChanged(Happened):
    paths: frozenset[str]


@dataclass(eq=False, repr=False)
class WatchingPolls(Happened):
    """Events do not work here: the folder is looked at again and again."""

    problem: Problem


@dataclass(eq=False, repr=False)
class EngineLookedAt(Happened):
    engine: EngineStatus


@dataclass(eq=False, repr=False)
class RegistryLookedAt(Happened):
    registry: RegistryStatus


@dataclass(eq=False, repr=False)
class WatchingFailed(Happened):
    problem: Problem


@dataclass(eq=False, repr=False)
class PlanMade(Happened):
    key: str
    plan: Plan


@dataclass(eq=False, repr=False)
class PlanFailed(Happened):
    key: str
    problem: Problem


@dataclass(eq=False, repr=False)
class WorkPoolKept(Happened):
    """A work pool stands in the flow's table of the project file."""

    key: str
    """Of the deploy whose plan it was chosen for."""
    file: Path
    pool: str


@dataclass(eq=False, repr=False)
class ExecutorKept(Happened):
    """An executor stands in the flow's table of the project file, or None does not any more."""

    key: str
    """Of the deploy whose plan it was chosen for."""
    file: Path
    chosen: ExecutionOptions | None


@dataclass(eq=False, repr=False)
class DeployEventReceived(Happened):
    """Any event of a deploy but a log line: those go straight into the log's ring."""

    key: str
    event: Event


@dataclass(eq=False, repr=False)
class DeployEnded(Happened):
    """The worker of a deploy is through; `problem` when it ended without a result."""

    key: str
    problem: Problem | None = None


@dataclass(eq=False, repr=False)
class FlowDescribed(Happened):
    version_id: str
    serialized: JsonObject | None
    """None where the control plane does not tell."""


@dataclass(eq=False, repr=False)
class GraphDrawn(Happened):
    key: str
    drawn: DrawnGraph


@dataclass(eq=False, repr=False)
class ChangesFound(Happened):
    key: str
    """Of the row."""
    compared: tuple[object, ...]
    changes: Changes


@dataclass(eq=False, repr=False)
class SourceRead(Happened):
    path: str
    file: SourceFile


@dataclass(eq=False, repr=False)
class StateRemembered(Happened):
    """How the app was left in this folder."""

    state: ProjectState


@dataclass(eq=False, repr=False)
class RememberingFailed(Happened):
    reason: str


@dataclass(eq=False, repr=False)
class HistoryRead(Happened):
    query: HistoryQuery
    hits: tuple[Hit, ...]
    first: bool
    """They take the place of what is listed; else they come after it."""
    last: bool


@dataclass(eq=False, repr=False)
class HistoryFailed(Happened):
    problem: Problem


@dataclass(eq=False, repr=False)
class DoctorFound(Happened):
    asked: tuple[Examination, ...]
    """Of which run: those of one that was begun anew are no longer wanted."""
    finding: Finding


@dataclass(eq=False, repr=False)
class ResumeChecked(Happened):
    """Whether a deploy can be gone on with: `reasons` say why not, in words."""

    key: str
    point: ResumePoint | None
    plan: Plan | None
    reasons: tuple[str, ...]


@dataclass(eq=False, repr=False)
class WayBackFound(Happened):
    """What rolling back would change is known: a person is asked now."""

    way: WayBack


@dataclass(eq=False, repr=False)
class HotHappened(Happened):
    event: HotEvent


@dataclass(eq=False, repr=False)
class HotDeployDue(Happened):
    """A save is to be deployed now. `ended` gets the result, `emit` each event."""

    flow: LocalFlow
    emit: Callable[[Event], None]
    ended: asyncio.Future[DeployFinished]


@dataclass(eq=False, repr=False)
class HotDeploySuperseded(Happened):
    """The deploy that this future waits for is not wanted any more."""

    ended: asyncio.Future[DeployFinished]


@dataclass(eq=False, repr=False)
class EarlierDeployRead(Happened):
    record: DeployRecord


@dataclass(eq=False, repr=False)
class TextCopied(Happened):
    copied: Copied


@dataclass(eq=False, repr=False)
class TextSaved(Happened):
    file: Path
    lines: int


@dataclass(eq=False, repr=False)
class FileInTheWay(Happened):
    """There is a file where a text was to be saved; nothing was written."""

    file: Path
    text: str


@dataclass(eq=False, repr=False)
class AgentTold(Happened):
    """An agent that this app started."""

    key: str
    event: AgentEvent


@dataclass(eq=False, repr=False)
class AgentsListed(Happened):
    queue: RunQueue


@dataclass(eq=False, repr=False)
class AgentsFailed(Happened):
    problem: Problem


@dataclass(eq=False, repr=False)
class AgentRunsCounted(Happened):
    """What agents of ours have under way, before they are stopped."""

    keys: tuple[str, ...]
    count: int | None
    """None: it cannot be told."""
    leaving: bool
    """The app is to be left."""


@dataclass(eq=False, repr=False)
class ContainersAddressFound(Happened):
    """Where containers reach the embedded server."""

    api_url: str
    address: str | None
    """Empty where they do not; None where it is not an embedded server that answers."""
