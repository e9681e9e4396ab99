"""A log."""

from __future__ import annotations

from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "follow",
        Scope.LOG,
        ("f", "G", "end"),
        "follow",
        "Go to the newest line and stay there.",
        reasons.always,
    ),
    Action(
        "top", Scope.LOG, ("g", "home"), "top", "Go to the oldest line.", reasons.always, bar=False
    ),
    Action("down", Scope.LOG, ("j", "down"), "down", "One line down.", reasons.always, bar=False),
    Action(
        "up",
        Scope.LOG,
        ("k", "up"),
        "up",
        "One line up; stops following.",
        reasons.always,
        bar=False,
    ),
    Action(
        "page_down",
        Scope.LOG,
        ("pagedown", "ctrl+d"),
        "page down",
        "One page down.",
        reasons.always,
        bar=False,
    ),
    Action(
        "page_up",
        Scope.LOG,
        ("pageup", "ctrl+u"),
        "page up",
        "One page up.",
        reasons.always,
        bar=False,
    ),
    Action(
        "scroll_right",
        Scope.LOG,
        ("greater_than_sign", "shift+right"),
        "right",
        "Show what is right of the edge.",
        reasons.always,
        bar=False,
    ),
    Action(
        "scroll_left",
        Scope.LOG,
        ("less_than_sign", "shift+left"),
        "left",
        "Back to the start of long lines.",
        reasons.always,
        bar=False,
    ),
)
