"""The list of deploys."""

from __future__ import annotations

from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "open",
        Scope.DEPLOYS,
        ("enter",),
        "open",
        "Open the deploy, with its log.",
        reasons.any_deploys,
        command="flowtui history DEPLOY",
    ),
    Action(
        "cancel",
        Scope.DEPLOYS,
        ("ctrl+x",),
        "cancel",
        "Cancel the deploy; nothing is registered.",
        reasons.deploy_running,
        dangerous=True,
    ),
    Action(
        "filter",
        Scope.DEPLOYS,
        ("slash",),
        "filter",
        "Show only deploys with this text in flow, project, outcome, version, image, id or log.",
        reasons.always,
        command="flowtui history --search TEXT",
    ),
    Action(
        "folders",
        Scope.DEPLOYS,
        ("a",),
        "all folders",
        "Show the deploys of all folders, or of this one alone.",
        reasons.always,
        command="flowtui history",
    ),
    Action(
        "times",
        Scope.DEPLOYS,
        ("T",),
        "times",
        "Show exact times, or how long ago.",
        reasons.always,
        bar=False,
    ),
    Action(
        "copy_id",
        Scope.DEPLOYS,
        ("y",),
        "copy id",
        "Copy the id of the deploy.",
        reasons.any_deploys,
    ),
    Action(
        "page_down",
        Scope.DEPLOYS,
        ("pagedown", "ctrl+d"),
        "page down",
        "A page down.",
        reasons.always,
        bar=False,
    ),
    Action(
        "page_up",
        Scope.DEPLOYS,
        ("pageup", "ctrl+u"),
        "page up",
        "A page up.",
        reasons.always,
        bar=False,
    ),
    Action(
        "back",
        Scope.DEPLOYS,
        ("escape",),
        "back",
        "Show all deploys again, then back to the main screen.",
        reasons.always,
    ),
)
