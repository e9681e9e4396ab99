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
        "Show what a deploy would do, then deploy. A running deploy is opened instead. With flows "
        "selected: ask once, then deploy all of them.",
        reasons.deployable,
        command="flowtui deploy TARGET",
    ),
    Action(
        "filter",
        Scope.FLOWS,
        ("slash",),
        "filter",
        "Show only rows with all of these words in state, name, file or project; !word hides.",
        reasons.always,
    ),
    Action(
        "clear_filter",
        Scope.FLOWS,
        ("escape",),
        "clear filter",
        "Show all rows again; without a filter, select none.",
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
    Action(
        "select",
        Scope.FLOWS,
        ("space",),
        "select",
        "Select the flow, or not any more: what is selected is deployed together.",
        reasons.row_selected,
        bar=False,
    ),
    Action(
        "select_all",
        Scope.FLOWS,
        ("asterisk",),
        "select all",
        "Select all flows that are shown; once more selects none of them.",
        reasons.any_rows,
        bar=False,
    ),
    Action(
        "sort",
        Scope.FLOWS,
        ("S",),
        "sort",
        "Sort by the next column.",
        reasons.always,
        bar=False,
    ),
    Action(
        "reverse",
        Scope.FLOWS,
        ("R",),
        "reverse",
        "Sort the other way round.",
        reasons.always,
        bar=False,
    ),
    Action(
        "times",
        Scope.FLOWS,
        ("T",),
        "exact times",
        "Exact times instead of relative ones, and back.",
        reasons.always,
        bar=False,
    ),
    Action(
        "page_down",
        Scope.FLOWS,
        ("pagedown", "ctrl+d"),
        "page down",
        "One page down.",
        reasons.always,
        bar=False,
    ),
    Action(
        "page_up",
        Scope.FLOWS,
        ("pageup", "ctrl+u"),
        "page up",
        "One page up.",
        reasons.always,
        bar=False,
    ),
)
