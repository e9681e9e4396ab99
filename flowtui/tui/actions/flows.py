"""The flow browser."""

from __future__ import annotations

from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "deploy",
        Scope.FLOWS,
        ("enter", "d"),
        "deploy",
        "Show what a deploy would do, then deploy. A running deploy is opened instead.",
        reasons.deployable,
        command="flowtui deploy TARGET",
    ),
    Action(
        "filter",
        Scope.FLOWS,
        ("slash",),
        "filter",
        "Show only rows with this text in state, name, file or project.",
        reasons.always,
    ),
    Action(
        "clear_filter",
        Scope.FLOWS,
        ("escape",),
        "clear filter",
        "Show all rows again.",
        reasons.always,
        bar=False,
    ),
    Action(
        "last_deploy",
        Scope.FLOWS,
        ("o",),
        "last deploy",
        "Open the newest deploy of this flow.",
        reasons.row_selected,
        bar=False,
    ),
)
