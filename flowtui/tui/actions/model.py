"""What an action is, where its keys are heard, and the facts that its availability depends on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from flowtui.deploy.events import Outcome, Stage
from flowtui.deploy.plan import Plan
from flowtui.flow_rows import FlowRow
from flowtui.models import Ability, FlowVersion, LocalFlow, Profile, Project
from flowtui.run_models import FlowRun, WorkPool
from flowtui.runs.tasks import TaskLine
from flowtui.tui.actions.keymap import Keymap
from flowtui.tui.view_models.agents import Stand
from flowtui.tui.view_models.deploys import Phase
from flowtui.tui.view_models.registered import RegisteredFlow


class Scope(StrEnum):
    """Where a key is heard. The innermost scope wins."""

    APP = "everywhere"
    MAIN = "main screen"
    PROJECTS = "projects"
    FLOWS = "flows"
    DETAILS = "details"
    CONNECTION = "connection"
    DEPLOYS = "deploys"
    DOCTOR = "doctor"
    AGENTS = "agents"
    AGENT_LOG = "log of an agent"
    PLAN = "plan"
    RUN = "deploy"
    FLOW_RUNS = "runs"
    FLOW_RUN = "run"
    TASK_RUNS = "task runs"
    RUN_GRAPH = "graph of a run"
    LOG = "log"
    LIST = "lists and trees"
    HELP = "help"
    COMMANDS = "command lines"
    PROBLEMS = "problems"
    SETTINGS = "settings"
    LISTING = "lists in front"
    SHEET = "texts in front"
    DIALOG = "dialogs"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that availability depends on, taken at the moment of asking."""

    read_only: bool = False
    """Started with --read-only: what changes anything is taken away."""
    in_browser: bool = False
    """There is no terminal to go back to."""
    connected: bool = False
    connecting: bool = False
    server_answers: bool = False
    """The address answers, with or without a good token."""
    row: FlowRow | None = None
    row_deploying: bool = False
    row_hot: bool = False
    """It is deployed at every save."""
    rows: int = 0
    """Rows that match the filter."""
    selected: int = 0
    """Rows that are selected, to be deployed together."""
    targets: tuple[str, ...] = ()
    """Their targets."""
    flow: LocalFlow | None = None
    """The flow of the deploy in front."""
    deploy_id: str | None = None
    """The deploy under the cursor, as the history knows it."""
    folder: str = ""
    """The project folder as seen from where the app was started, empty when it is the same."""
    used_profile: Profile | None = None
    """The profile in use."""
    used_profile_saved: bool = False
    """It is known by its name."""
    project: Project | None = None
    projects: int = 0
    """How many projects there are."""
    abilities: frozenset[Ability] = frozenset()
    """What the control plane can do."""
    registered: RegisteredFlow | None = None
    """The registered flow, or the deployment, that the cursor is on or in."""
    several: bool = False
    """The cursor is on a flow with several deployments."""
    pool: WorkPool | None = None
    """The work pool that the cursor is on or in."""
    version: FlowVersion | None = None
    """The registered version under the cursor."""
    in_use: FlowVersion | None = None
    """The version of the same flow that is in use."""
    profile: Profile | None = None
    """The profile under the cursor."""
    profile_in_use: bool = False
    profile_saved: bool = False
    """It is in the user's file: it can be removed."""
    has_token: bool = False
    token_removable: bool = False
    embedded_running: bool = False
    embedded_possible: bool = False
    """The address in use is the one that the embedded server listens on."""
    phase: Phase | None = None
    rolls_back: bool = False
    """The deploy in front is a roll back."""
    unfinished: Stage | None = None
    """The stage that the deploy did not get through."""
    outcome: Outcome | None = None
    """How the deploy ended."""
    plan: Plan | None = None
    compared: bool = False
    """What a deploy of the flow would change is known."""
    deploys: int = 0
    deploys_running: int = 0
    log_lines: int = 0
    run: FlowRun | None = None
    """The flow run under the cursor, or in front."""
    deployed_version: str = ""
    """Id of the version that the deploy in front registered, or found as it is."""
    task: TaskLine | None = None
    """The task run under the cursor."""
    failed_tasks: int = 0
    file: str = ""
    """What the editor would open, absolute; empty where there is nothing to open."""
    no_editor: str | None = None
    """Why no editor can be opened."""
    agent_line: bool = False
    """There is an agent, or a reason why runs wait, under the cursor."""
    own_agent: Stand | None = None
    """How the agent in front stands, if it is one that this app started."""
    report_complete: bool = False
    """The doctor has looked at everything."""
    report_problems: int = 0
    keymap: Keymap = field(default_factory=Keymap)
    """The keys in force: a reason that names a key asks here."""
    log_searched: bool = False
    """There is a search, or one to take up again."""


Reason = Callable[[Facts], str | None]
"""None when the action can be used, else why not, in words for a person."""


@dataclass(frozen=True, slots=True)
class Action:
    id: str
    """`perform_<id>` is the method of the scope's widget that does it."""
    scope: Scope
    keys: tuple[str, ...]
    """Textual's names of keys, the main one first."""
    title: str
    """A word or two for the key bar."""
    help: str
    needs: Reason
    """What it needs; `why_not` asks."""
    command: str = ""
    """The command line that does the same; words in capitals are filled in (`commands.FILLED`)."""
    bar: bool = True
    """Whether it is in the key bar."""
    dangerous: bool = False
    """What it does cannot be undone, or stops something that runs."""
    changes: bool = False
    """It changes the control plane, a registry, settings or tokens: not with --read-only."""

    def why_not(self, facts: Facts) -> str | None:
        """None when it can be used now, else the reason in words for a person."""
        if facts.read_only and (self.changes or self.dangerous):
            return "flowtui was started with --read-only"
        return self.needs(facts)

    @property
    def name(self) -> str:
        """Unique over all scopes: `flows.deploy`."""
        return f"{self.scope.name.lower()}.{self.id}"
