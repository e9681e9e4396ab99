"""All that the screens show, in one place. Only the app's message handlers change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from flowtui.deploy.change import Changes
from flowtui.deploy.events import Outcome
from flowtui.deploy.history import DeployRecord as HistoryLine
from flowtui.deploy.history_search import HistoryQuery
from flowtui.deploy.plan import Plan
from flowtui.doctor.report import Report
from flowtui.flow_rows import FlowRow
from flowtui.models import (
    Ability,
    Discovery,
    FlowState,
    FlowVersion,
    Identity,
    JsonObject,
    Problem,
    Profile,
    Project,
)
from flowtui.project_state import ProjectState
from flowtui.run_models import FlowRun, WorkPool
from flowtui.runs.listing import RunListing
from flowtui.settings_list import ListedSetting
from flowtui.tui.logs.habits import LogHabits
from flowtui.tui.looks.highlighting import SourceFile
from flowtui.tui.view_models.agents import AgentBook
from flowtui.tui.view_models.deploys import DeployBook, DeployRecord
from flowtui.tui.view_models.hot import HotView
from flowtui.tui.view_models.registered import Place
from flowtui.tui.view_models.run_watch import RunWatch
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.deploy.docker.reachability import EngineStatus, RegistryStatus
    from flowtui.doctor.checks import Examination, Finding
    from flowtui.tui.looks.graph import DrawnGraph


class Link(StrEnum):
    """How the app stands with the control plane."""

    OPENING = "reading settings"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "not connected"


class Watching(StrEnum):
    """How changes of the folder are noticed."""

    OFF = "not watching"
    EVENTS = "watching"
    POLLING = "polling"


@dataclass(frozen=True, slots=True)
class Connection:
    link: Link = Link.OPENING
    identity: Identity | None = None
    token_source: str = "none"
    problem: Problem | None = None
    credentials: bool = False
    """Not connected because of the token: the address itself answers."""
    since: datetime | None = None
    notes: tuple[str, ...] = ()
    """Why a store gave no token, in words."""
    keyring_waits: bool = False
    """The keyring is locked: what is in it will be used once a person has unlocked it."""

    @property
    def words(self) -> str:
        """How we stand, as the status line says it."""
        if not self.credentials:
            return str(self.link)
        return "token refused" if self.token_source != "none" else "token needed"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor was asked to look at, and what it has found so far."""

    asked: tuple[Examination, ...]
    findings: tuple[Finding, ...] = ()

    def with_finding(self, finding: Finding) -> Diagnosis:
        return Diagnosis(self.asked, (*self.findings, finding))

    @property
    def complete(self) -> bool:
        return len(self.findings) == len(self.asked)

    @property
    def report(self) -> Report:
        return Report.of(self.asked, self.findings)


@dataclass(frozen=True, slots=True)
class PastDeploys:
    """What of the history is listed."""

    query: HistoryQuery = field(default_factory=HistoryQuery)
    found: Mapping[str, str] = field(default_factory=dict[str, str])
    """By id of the deploy the line of its log with the text that is looked for."""
    reading: bool = False


@dataclass(frozen=True, slots=True)
class FlowChanges:
    """What a deploy of one flow would change."""

    compared: tuple[object, ...]
    """What was compared: other things, another comparison."""
    changes: Changes


@dataclass(slots=True)
class Session:
    workspace: Workspace | None = None
    connection: Connection = field(default_factory=Connection)
    profiles: tuple[Profile, ...] = ()
    profiles_problem: Problem | None = None
    kept_tokens: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By address the places that hold a token for it; nothing was unlocked to know."""
    projects: tuple[Project, ...] | None = None
    """None until they were listed once."""
    projects_problem: Problem | None = None
    work_pools: tuple[WorkPool, ...] | None = None
    """With their queues and workers; None until they were listed, or where there are none."""
    work_pools_problem: Problem | None = None
    versions: dict[str, tuple[FlowVersion, ...]] = field(
        default_factory=dict[str, tuple[FlowVersion, ...]]
    )
    """By project name, for the projects that were opened; without archived ones."""
    all_versions: dict[Place, tuple[FlowVersion, ...]] = field(
        default_factory=dict[Place, tuple[FlowVersion, ...]]
    )
    """Archived ones too, newest first, for the flows that were looked at."""
    made_by: dict[str, HistoryLine] = field(default_factory=dict[str, "HistoryLine"])
    """The deploy from here that made a version, by the version's id, for those looked at."""
    runs: dict[Place, Problem | tuple[FlowRun, ...]] = field(
        default_factory=dict[Place, "Problem | tuple[FlowRun, ...]"]
    )
    """The latest runs, for the flows that were looked at; why they could not be read."""
    last_runs: dict[Place, FlowRun] = field(default_factory=dict[Place, "FlowRun"])
    """The run of each flow in this folder that started last, as far as it is known."""
    run_listing: RunListing = field(default_factory=RunListing)
    """What the runs screen lists."""
    run_watches: dict[str, RunWatch] = field(default_factory=dict[str, RunWatch])
    """Runs that were opened, by id, the one opened last at the end."""
    discovery: Discovery | None = None
    rows: tuple[FlowRow, ...] | None = None
    """None until the folder was looked at once."""
    rows_problem: Problem | None = None
    watching: Watching = Watching.OFF
    watch_note: Problem | None = None
    """Why the folder is polled."""
    watch_problem: Problem | None = None
    engine: EngineStatus | None = None
    """None until it was looked at once."""
    registry: RegistryStatus | None = None
    """Of the registry that the project file names."""
    server_problem: Problem | None = None
    containers_address: str | None = None
    """Where containers reach the embedded server in use; empty where they do not, None where
    that is not known."""
    agents: AgentBook = field(default_factory=AgentBook)
    settings_problems: tuple[Problem, ...] = ()
    """What of [ui] and [keys] does not count."""
    settings: tuple[ListedSetting, ...] = ()
    """Every setting, as far as somebody asked for them."""
    settings_problem: Problem | None = None
    deploys: DeployBook = field(default_factory=DeployBook)
    hot: HotView = field(default_factory=HotView)
    """The flows that are deployed at every save, and what the last save led to."""
    history: tuple[HistoryLine, ...] | None = None
    """Deploys that are listed, newest first, those of this session among them."""
    history_problem: Problem | None = None
    past: PastDeploys = field(default_factory=PastDeploys)
    registered: dict[str, JsonObject | None] = field(default_factory=dict[str, "JsonObject | None"])
    """The serialization that is registered, by id of its version, as far as the cursor rested on
    it; None where the control plane does not tell."""
    next_runs: dict[str, tuple[datetime, ...]] = field(
        default_factory=dict[str, "tuple[datetime, ...]"]
    )
    """When the control plane will start runs of a deployment by itself, by its id, the soonest
    first, as far as the cursor rested on it."""
    plans: dict[str, Plan] = field(default_factory=dict[str, "Plan"])
    """The plan made last, by the flow's target, also where it was left without a deploy."""
    plan_problems: dict[str, Problem] = field(default_factory=dict[str, "Problem"])
    """Why no plan could be made, by the flow's target, until it is tried again or files change."""
    changes: dict[str, FlowChanges] = field(default_factory=dict[str, "FlowChanges"])
    """What a deploy would change, by the key of the row, as far as the cursor rested on it."""
    drawings: dict[str, DrawnGraph] = field(default_factory=dict[str, "DrawnGraph"])
    """By the key of the serialization that was drawn."""
    sources: dict[str, SourceFile] = field(default_factory=dict[str, "SourceFile"])
    """Files of the project that were looked at, by path."""
    looks: int = 0
    """How often the folder was looked at: what was read of files before may be old."""
    seen: set[str] = field(default_factory=set[str])
    """Keys of all rows that there ever were: a file that was broken and is mended is not new."""
    new: set[str] = field(default_factory=set[str])
    """Keys of rows that appeared in this session and were not looked at yet."""
    remembered: ProjectState = field(default_factory=ProjectState)
    diagnosis: Diagnosis | None = None
    """None until the doctor was asked once."""
    log_habits: LogHabits = field(default_factory=LogHabits)

    def forget_what_the_server_said(self) -> None:
        self.projects = None
        self.work_pools = self.work_pools_problem = None
        self.versions.clear()
        self.all_versions.clear()
        self.made_by.clear()
        self.runs.clear()
        self.last_runs.clear()
        self.run_listing = RunListing(self.run_listing.query)
        self.registered.clear()
        self.next_runs.clear()
        self.agents.queue = self.agents.problem = None
        self.containers_address = None

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the control plane can do; nothing where none is connected."""
        identity = self.connection.identity
        return identity.abilities if identity is not None and self.connected else frozenset()

    @property
    def earlier_deploys(self) -> tuple[HistoryLine, ...]:
        """Deploys of other sessions, newest first."""
        own = self.deploys.ids
        return tuple(line for line in self.history or () if line.id not in own)

    @property
    def profile(self) -> Profile | None:
        return self.workspace.profile if self.workspace is not None else None

    @property
    def connected(self) -> bool:
        return self.connection.link is Link.CONNECTED

    @property
    def connecting(self) -> bool:
        return self.connection.link in (Link.OPENING, Link.CONNECTING)

    @property
    def engine_wanted(self) -> bool:
        """The project file says so: elsewhere flows may well be stored without an image."""
        workspace = self.workspace
        return workspace is not None and workspace.registry_url is not None

    @property
    def flow_count(self) -> int:
        return sum(1 for row in self.rows or () if row.flow is not None)

    @property
    def broken_count(self) -> int:
        return sum(1 for row in self.rows or () if row.state is FlowState.BROKEN)

    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong now, the most general first."""
        general = (
            self.connection.problem,
            self.server_problem,
            self.profiles_problem,
            self.projects_problem,
            self.work_pools_problem,
            self.rows_problem,
            self.watch_problem,
            self.engine.problem if self.engine is not None and self.engine_wanted else None,
            self.registry.problem if self.registry is not None else None,
            self.history_problem,
        )
        known: dict[Problem, None] = {problem: None for problem in general if problem is not None}
        known |= dict.fromkeys(self.settings_problems)
        known |= dict.fromkeys(self.agents.problems())
        for row in self.rows or ():
            if row.broken is not None:
                known[Problem(row.broken.message, row.location, "correct the file")] = None
        for record in self._newest_per_flow():
            if record.result is not None and record.result.outcome is Outcome.FAILED:
                for problem in record.problems:
                    where = problem.where or f"deploy of {record.flow.display_name}"
                    known[Problem(problem.what, where, problem.fix)] = None
        known |= dict.fromkeys(self.plan_problems.values())
        return tuple(known)

    def _newest_per_flow(self) -> tuple[DeployRecord, ...]:
        newest: dict[str, DeployRecord] = {}
        for record in self.deploys.ran:
            newest.setdefault(record.flow.target, record)
        return tuple(newest.values())
