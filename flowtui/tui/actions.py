"""The one registry of actions: bindings, key bar, palette, help and docs/keys.md all read it.

Each action says when it can be used and, when not, why. Knows nothing of widgets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from flowtui.deploy.plan import Lane, Plan
from flowtui.models import FlowState, FlowVersion, Profile, Project
from flowtui.tui.deploys import Phase
from flowtui.workspace import FlowRow


class Scope(StrEnum):
    """Where a key is heard. The innermost scope wins."""

    APP = "everywhere"
    MAIN = "main screen"
    PROJECTS = "projects"
    FLOWS = "flows"
    DETAILS = "details"
    CONNECTION = "connection"
    DEPLOYS = "deploys"
    PLAN = "plan"
    RUN = "deploy"
    LOG = "log"
    LIST = "lists and trees"
    DIALOG = "dialogs"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that availability depends on, taken at the moment of asking."""

    connected: bool = False
    connecting: bool = False
    server_answers: bool = False
    """The address answers, with or without a good token."""
    row: FlowRow | None = None
    row_deploying: bool = False
    project: Project | None = None
    version: FlowVersion | None = None
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
    plan: Plan | None = None
    deploys: int = 0
    deploys_running: int = 0
    log_lines: int = 0


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
    why_not: Reason
    command: str = ""
    """The command line that does the same."""
    bar: bool = True
    """Whether it is in the key bar."""
    dangerous: bool = False

    @property
    def name(self) -> str:
        """Unique over all scopes: `flows.deploy`."""
        return f"{self.scope.name.lower()}.{self.id}"


def _always(_: Facts) -> str | None:
    return None


def _connected(facts: Facts) -> str | None:
    if facts.connected:
        return None
    return "still connecting" if facts.connecting else "not connected to a control plane"


def _project(facts: Facts) -> str | None:
    return _connected(facts) or (None if facts.project else "select a project first")


def _version(facts: Facts) -> str | None:
    return _connected(facts) or (None if facts.version else "select a flow version first")


def _row(facts: Facts) -> str | None:
    return None if facts.row else "no flow is selected"


def _deployable(facts: Facts) -> str | None:
    if facts.row is None:
        return "no flow is selected"
    if facts.row.state is FlowState.BROKEN or facts.row.flow is None:
        return "this file is broken: fix the error shown in the details"
    if facts.row_deploying:
        return None
    return _connected(facts)


def _deploys(facts: Facts) -> str | None:
    return None if facts.deploys else "nothing was deployed from this folder yet"


def _use_profile(facts: Facts) -> str | None:
    if facts.profile is None:
        return "no profile is selected"
    if facts.profile_in_use:
        return "this profile is in use already"
    return "a deploy is running: wait for it or cancel it first" if facts.deploys_running else None


def _remove_profile(facts: Facts) -> str | None:
    if facts.profile is None:
        return "no profile is selected"
    if facts.profile_in_use:
        return "this profile is in use: switch to another one first"
    return None if facts.profile_saved else "this profile is not in your configuration file"


def _log_in(facts: Facts) -> str | None:
    if facts.profile is None:
        return "no profile is selected"
    return None if facts.profile_in_use else "use this profile first (Enter)"


def _log_out(facts: Facts) -> str | None:
    if not facts.profile_in_use:
        return "use this profile first (Enter)"
    if not facts.has_token:
        return "no token is in use"
    return None if facts.token_removable else "the token comes from the environment: unset it there"


def _start_server(facts: Facts) -> str | None:
    if facts.embedded_running:
        return "the embedded server is running"
    if facts.connected or facts.server_answers:
        return "a server answers at this address already"
    if not facts.embedded_possible:
        return "the profile in use is not on this machine: switch to `embedded` first"
    return None


def _stop_server(facts: Facts) -> str | None:
    return None if facts.embedded_running else "flowtui has not started a server"


def _plan_ready(facts: Facts) -> str | None:
    match facts.phase:
        case Phase.PLANNED:
            return None
        case Phase.PLANNING:
            return "the plan is still being made"
        case Phase.PLAN_FAILED:
            return "there is no plan: see the problem above"
        case _:
            return "this deploy was started already"


def _deploy_plan(facts: Facts) -> str | None:
    reason = _plan_ready(facts)
    if reason is not None:
        return reason
    if facts.plan is not None and facts.plan.lane is Lane.NOTHING:
        return "nothing to do: press f to deploy all the same"
    return _connected(facts)


def _replan(facts: Facts) -> str | None:
    return "the plan is still being made" if facts.phase is Phase.PLANNING else None


def _running(facts: Facts) -> str | None:
    match facts.phase:
        case Phase.RUNNING:
            return None
        case Phase.CANCELLING:
            return "it is being cancelled"
        case _:
            return "this deploy is not running"


def _ended(facts: Facts) -> str | None:
    ended = facts.phase in (Phase.FINISHED, Phase.INTERRUPTED)
    return None if ended else "this deploy has not ended yet"


ACTIONS: tuple[Action, ...] = (
    Action("help", Scope.APP, ("question_mark",), "help", "Show all keys.", _always, bar=False),
    Action(
        "palette",
        Scope.APP,
        ("ctrl+p", "colon"),
        "palette",
        "Search actions, flows and projects by name.",
        _always,
        bar=False,
    ),
    Action(
        "problems",
        Scope.APP,
        ("exclamation_mark",),
        "problems",
        "List every problem known now, each with what to do next.",
        _always,
        bar=False,
    ),
    Action(
        "theme", Scope.APP, ("t",), "theme", "Switch between dark and light.", _always, bar=False
    ),
    Action(
        "quit",
        Scope.APP,
        ("q", "ctrl+q"),
        "quit",
        "Leave flowtui; asks first while something is deploying.",
        _always,
        bar=False,
    ),
    Action("down", Scope.LIST, ("j", "down"), "down", "Next line.", _always, bar=False),
    Action("up", Scope.LIST, ("k", "up"), "up", "Line before.", _always, bar=False),
    Action("top", Scope.LIST, ("g", "home"), "top", "First line.", _always, bar=False),
    Action("bottom", Scope.LIST, ("G", "end"), "bottom", "Last line.", _always, bar=False),
    Action("projects", Scope.MAIN, ("1",), "projects", "Go to the projects.", _always, bar=False),
    Action("flows", Scope.MAIN, ("2",), "flows", "Go to the flows.", _always, bar=False),
    Action("details", Scope.MAIN, ("3",), "details", "Go to the details.", _always, bar=False),
    Action(
        "deploys",
        Scope.MAIN,
        ("4",),
        "deploys",
        "List the deploys made in this folder, those of earlier sessions too.",
        _always,
        command="flowtui history",
    ),
    Action(
        "connection",
        Scope.MAIN,
        ("5", "c"),
        "connection",
        "Profiles, log in and out, the embedded server.",
        _always,
        command="flowtui whoami",
    ),
    Action(
        "refresh",
        Scope.MAIN,
        ("r",),
        "refresh",
        "Look at the folder and at the control plane again; connects if it must.",
        _always,
    ),
    Action(
        "server",
        Scope.MAIN,
        ("s",),
        "start server",
        "Start the embedded server; it ends with flowtui.",
        _start_server,
        command="flowtui server",
        bar=False,
    ),
    Action(
        "open",
        Scope.PROJECTS,
        ("enter", "space"),
        "open",
        "Show or hide what is in a project.",
        _always,
        bar=False,
    ),
    Action(
        "create",
        Scope.PROJECTS,
        ("n",),
        "new",
        "Create a project.",
        _connected,
        command="flowtui projects create NAME",
    ),
    Action(
        "rename",
        Scope.PROJECTS,
        ("e",),
        "rename",
        "Rename the project, where the control plane can.",
        _project,
        command="flowtui projects rename NAME NEW",
    ),
    Action(
        "delete",
        Scope.PROJECTS,
        ("x",),
        "delete",
        "Delete the project; asks, and wants its name typed when flows are in it.",
        _project,
        command="flowtui projects delete NAME",
        dangerous=True,
    ),
    Action(
        "archive",
        Scope.PROJECTS,
        ("a",),
        "archive",
        "Archive the flow version; asks first.",
        _version,
        command="flowtui versions archive ID",
        dangerous=True,
    ),
    Action(
        "deploy",
        Scope.FLOWS,
        ("enter", "d"),
        "deploy",
        "Show what a deploy would do, then deploy. A running deploy is opened instead.",
        _deployable,
        command="flowtui deploy TARGET",
    ),
    Action(
        "filter",
        Scope.FLOWS,
        ("slash",),
        "filter",
        "Show only rows with this text in state, name, file or project.",
        _always,
    ),
    Action(
        "clear_filter",
        Scope.FLOWS,
        ("escape",),
        "clear filter",
        "Show all rows again.",
        _always,
        bar=False,
    ),
    Action(
        "last_deploy",
        Scope.FLOWS,
        ("o",),
        "last deploy",
        "Open the newest deploy of this flow.",
        _row,
        bar=False,
    ),
    Action(
        "use",
        Scope.CONNECTION,
        ("enter",),
        "use",
        "Switch to the selected profile.",
        _use_profile,
        command="flowtui --profile NAME",
    ),
    Action("add", Scope.CONNECTION, ("n",), "new", "Add a profile.", _always),
    Action(
        "log_in",
        Scope.CONNECTION,
        ("i",),
        "log in",
        "Enter a token for the profile in use.",
        _log_in,
        command="flowtui login",
    ),
    Action(
        "log_out",
        Scope.CONNECTION,
        ("o",),
        "log out",
        "Delete the token of the profile in use from every store that holds it; asks first.",
        _log_out,
        command="flowtui logout",
        dangerous=True,
    ),
    Action("reconnect", Scope.CONNECTION, ("r",), "reconnect", "Connect again.", _always),
    Action(
        "server",
        Scope.CONNECTION,
        ("s",),
        "start server",
        "Start the embedded server; it ends with flowtui.",
        _start_server,
        command="flowtui server",
    ),
    Action(
        "stop_server",
        Scope.CONNECTION,
        ("S",),
        "stop server",
        "Stop the embedded server that flowtui started; asks first.",
        _stop_server,
        bar=False,
        dangerous=True,
    ),
    Action(
        "remove",
        Scope.CONNECTION,
        ("x",),
        "remove",
        "Remove the profile from your configuration file; asks first.",
        _remove_profile,
        dangerous=True,
    ),
    Action("back", Scope.CONNECTION, ("escape",), "back", "Back to the main screen.", _always),
    Action("open", Scope.DEPLOYS, ("enter",), "open", "Open the deploy.", _deploys),
    Action("back", Scope.DEPLOYS, ("escape",), "back", "Back to the main screen.", _always),
    Action(
        "deploy",
        Scope.PLAN,
        ("enter",),
        "deploy",
        "Do what the plan says.",
        _deploy_plan,
        command="flowtui deploy TARGET",
    ),
    Action(
        "force",
        Scope.PLAN,
        ("f",),
        "force",
        "Plan again as if nothing were deployed yet.",
        _replan,
        command="flowtui deploy TARGET --force",
    ),
    Action("replan", Scope.PLAN, ("r",), "plan again", "Make the plan again.", _replan),
    Action("overview", Scope.PLAN, ("1",), "plan", "Show the plan.", _plan_ready, bar=False),
    Action(
        "settings",
        Scope.PLAN,
        ("2",),
        "settings",
        "Show every setting and where its value comes from.",
        _plan_ready,
        bar=False,
    ),
    Action(
        "dockerfile",
        Scope.PLAN,
        ("3",),
        "Dockerfile",
        "Show the Dockerfile.",
        _plan_ready,
        command="flowtui deploy TARGET --dry-run",
        bar=False,
    ),
    Action(
        "files",
        Scope.PLAN,
        ("4",),
        "files",
        "Show the files that go into the image, with sizes.",
        _plan_ready,
        bar=False,
    ),
    Action("back", Scope.PLAN, ("escape",), "back", "Leave without deploying.", _always),
    Action(
        "cancel",
        Scope.RUN,
        ("ctrl+x",),
        "cancel",
        "Cancel this deploy; nothing is registered.",
        _running,
        dangerous=True,
    ),
    Action(
        "again",
        Scope.RUN,
        ("r",),
        "run again",
        "Make a new plan for the same flow.",
        _ended,
        command="flowtui deploy TARGET",
    ),
    *(
        Action(
            f"stage_{number}",
            Scope.RUN,
            (str(number),),
            name,
            f"Show the log of stage {number}, {name}.",
            _always,
            bar=False,
        )
        for number, name in enumerate(
            ("serialize", "build", "health check", "push", "register"), start=1
        )
    ),
    Action(
        "previous_stage",
        Scope.RUN,
        ("left", "h"),
        "previous stage",
        "Show the log of the stage before.",
        _always,
        bar=False,
    ),
    Action(
        "next_stage",
        Scope.RUN,
        ("right", "l"),
        "next stage",
        "Show the log of the stage after.",
        _always,
        bar=False,
    ),
    Action("back", Scope.RUN, ("escape",), "back", "Leave; a running deploy goes on.", _always),
    Action(
        "follow",
        Scope.LOG,
        ("f", "G", "end"),
        "follow",
        "Go to the newest line and stay there.",
        _always,
    ),
    Action("top", Scope.LOG, ("g", "home"), "top", "Go to the oldest line.", _always, bar=False),
    Action("down", Scope.LOG, ("j", "down"), "down", "One line down.", _always, bar=False),
    Action("up", Scope.LOG, ("k", "up"), "up", "One line up; stops following.", _always, bar=False),
    Action(
        "page_down",
        Scope.LOG,
        ("pagedown", "ctrl+d"),
        "page down",
        "One page down.",
        _always,
        bar=False,
    ),
    Action(
        "page_up", Scope.LOG, ("pageup", "ctrl+u"), "page up", "One page up.", _always, bar=False
    ),
    Action(
        "scroll_right",
        Scope.LOG,
        ("greater_than_sign", "shift+right"),
        "right",
        "Show what is right of the edge.",
        _always,
        bar=False,
    ),
    Action(
        "scroll_left",
        Scope.LOG,
        ("less_than_sign", "shift+left"),
        "left",
        "Back to the start of long lines.",
        _always,
        bar=False,
    ),
)


def in_scope(scope: Scope) -> tuple[Action, ...]:
    return tuple(action for action in ACTIONS if action.scope is scope)


def find(scope: Scope, action_id: str) -> Action:
    """Raises KeyError for what is not in the registry."""
    for action in ACTIONS:
        if action.scope is scope and action.id == action_id:
            return action
    raise KeyError(f"{scope.name.lower()}.{action_id}")


_KEY_NAMES = {
    "question_mark": "?",
    "exclamation_mark": "!",
    "colon": ":",
    "slash": "/",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "shift+right": "Shift+→",
    "shift+left": "Shift+←",
}


def key_name(key: str) -> str:
    """As it is printed on the keyboard: `Esc`, `Ctrl+X`, `/`."""
    if key in _KEY_NAMES:
        return _KEY_NAMES[key]
    if key.startswith("ctrl+"):
        return f"Ctrl+{key.removeprefix('ctrl+').upper()}"
    return key


def key_names(action: Action) -> str:
    return " ".join(key_name(key) for key in action.keys)
