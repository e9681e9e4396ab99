"""What every screen can do."""

from __future__ import annotations

from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "help", Scope.APP, ("question_mark",), "help", "Show all keys.", reasons.always, bar=False
    ),
    Action(
        "palette",
        Scope.APP,
        ("ctrl+p", "colon"),
        "palette",
        "Search actions, flows and projects by name.",
        reasons.always,
        bar=False,
    ),
    Action(
        "problems",
        Scope.APP,
        ("exclamation_mark",),
        "problems",
        "List every problem known now, each with what to do next.",
        reasons.always,
        bar=False,
    ),
    Action(
        "commands",
        Scope.APP,
        ("dollar_sign",),
        "command lines",
        "Show the command line of each action, filled in, to be copied.",
        reasons.always,
        bar=False,
    ),
    Action(
        "jump",
        Scope.APP,
        ("apostrophe",),
        "jump",
        "Label every pane and tab with a letter; the letter goes there.",
        reasons.always,
        bar=False,
    ),
    Action(
        "settings",
        Scope.APP,
        ("comma",),
        "settings",
        "Show every setting with its value and where it comes from.",
        reasons.always,
        command="flowtui config",
        bar=False,
    ),
    Action(
        "theme",
        Scope.APP,
        ("t",),
        "theme",
        "Switch between dark and light.",
        reasons.always,
        bar=False,
    ),
    Action(
        "redraw",
        Scope.APP,
        ("ctrl+l",),
        "redraw",
        "Paint the whole screen again, when another program wrote over it.",
        reasons.always,
        bar=False,
    ),
    Action(
        "suspend",
        Scope.APP,
        ("ctrl+z",),
        "suspend",
        "Back to the shell; `fg` comes back to flowtui.",
        reasons.in_terminal,
        bar=False,
    ),
    Action(
        "quit",
        Scope.APP,
        ("q", "ctrl+q"),
        "quit",
        "Leave flowtui; asks first while it deploys, or its agents have runs under way.",
        reasons.always,
        bar=False,
    ),
)
