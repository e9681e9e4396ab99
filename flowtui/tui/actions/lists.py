"""Movement in lists and trees."""

from __future__ import annotations

from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("down", Scope.LIST, ("j", "down"), "down", "Next line.", reasons.always, bar=False),
    Action("up", Scope.LIST, ("k", "up"), "up", "Line before.", reasons.always, bar=False),
    Action("top", Scope.LIST, ("g", "home"), "top", "First line.", reasons.always, bar=False),
    Action("bottom", Scope.LIST, ("G", "end"), "bottom", "Last line.", reasons.always, bar=False),
)
