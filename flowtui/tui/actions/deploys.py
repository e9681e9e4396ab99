"""The list of deploys."""

from __future__ import annotations

from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("open", Scope.DEPLOYS, ("enter",), "open", "Open the deploy.", reasons.any_deploys),
    Action("back", Scope.DEPLOYS, ("escape",), "back", "Back to the main screen.", reasons.always),
)
