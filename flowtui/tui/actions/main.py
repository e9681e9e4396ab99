"""The main screen."""

from __future__ import annotations

from flowtui.models import Ability
from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "projects", Scope.MAIN, ("1",), "projects", "Go to the projects.", reasons.always, bar=False
    ),
    Action("flows", Scope.MAIN, ("2",), "flows", "Go to the flows.", reasons.always, bar=False),
    Action(
        "details", Scope.MAIN, ("3",), "details", "Go to the details.", reasons.always, bar=False
    ),
    Action(
        "previous_tab",
        Scope.MAIN,
        ("left_square_bracket",),
        "previous tab",
        "Show the tab before in the details.",
        reasons.always,
        bar=False,
    ),
    Action(
        "next_tab",
        Scope.MAIN,
        ("right_square_bracket",),
        "next tab",
        "Show the next tab of the details: graph, changes, versions, runs, problems, source.",
        reasons.always,
        bar=False,
    ),
    Action(
        "zoom",
        Scope.MAIN,
        ("z",),
        "zoom",
        "Give the pane in front the whole screen, and back.",
        reasons.always,
        bar=False,
    ),
    Action(
        "fold_projects",
        Scope.MAIN,
        ("left_parenthesis",),
        "fold projects",
        "Hide the projects, and back.",
        reasons.always,
        bar=False,
    ),
    Action(
        "fold_details",
        Scope.MAIN,
        ("right_parenthesis",),
        "fold details",
        "Hide the details, and back.",
        reasons.always,
        bar=False,
    ),
    Action(
        "deploys",
        Scope.MAIN,
        ("4",),
        "deploys",
        "List the deploys made in this folder, those of earlier sessions too.",
        reasons.always,
        command="flowtui history",
    ),
    Action(
        "connection",
        Scope.MAIN,
        ("5", "c"),
        "connection",
        "Profiles, log in and out, a server on this machine.",
        reasons.always,
        command="flowtui whoami",
    ),
    Action(
        "doctor",
        Scope.MAIN,
        ("6",),
        "doctor",
        "Look at everything that flowtui needs: versions, folders, keyring, Docker, terminal, …",
        reasons.always,
        command="flowtui doctor",
        bar=False,
    ),
    Action(
        "runs",
        Scope.MAIN,
        ("7",),
        "runs",
        "List the runs of the control plane, live.",
        reasons.able(Ability.TELL_RUNS),
        command="flowtui runs",
    ),
    Action(
        "agents",
        Scope.MAIN,
        ("8",),
        "agents",
        "Agents: start and stop them; and why runs are not picked up.",
        reasons.always,
        command="flowtui agent list",
        bar=False,
    ),
    Action(
        "start_agent",
        Scope.MAIN,
        ("A",),
        "start an agent",
        "Start one of Prefect's agents here, so that runs are picked up; it ends with flowtui.",
        reasons.connected,
        command="flowtui agent start",
        bar=False,
        changes=True,
    ),
    Action(
        "refresh",
        Scope.MAIN,
        ("r",),
        "refresh",
        "Look at the folder and at the control plane again; connects if it must.",
        reasons.always,
        command="flowtui flows FOLDER",
    ),
    Action(
        "server",
        Scope.MAIN,
        ("s",),
        "start server",
        "Start a server here, the embedded one or Prefect's own; it ends with flowtui.",
        reasons.server_startable,
        command="flowtui server",
        bar=False,
    ),
)
