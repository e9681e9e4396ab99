"""The details of one flow."""

from __future__ import annotations

from flowtui.models import Ability
from flowtui.tui.actions import flow_runs, reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "previous_tab",
        Scope.DETAILS,
        ("left", "h"),
        "tab before",
        "Show the tab before.",
        reasons.always,
    ),
    Action(
        "next_tab", Scope.DETAILS, ("right", "l"), "next tab", "Show the next tab.", reasons.always
    ),
    Action(
        "page_down",
        Scope.DETAILS,
        ("pagedown", "ctrl+d"),
        "page down",
        "One page down.",
        reasons.always,
        bar=False,
    ),
    Action(
        "page_up",
        Scope.DETAILS,
        ("pageup", "ctrl+u"),
        "page up",
        "One page up.",
        reasons.always,
        bar=False,
    ),
    Action(
        "scroll_right",
        Scope.DETAILS,
        ("greater_than_sign", "shift+right"),
        "right",
        "Show what is right of the edge.",
        reasons.always,
        bar=False,
    ),
    Action(
        "scroll_left",
        Scope.DETAILS,
        ("less_than_sign", "shift+left"),
        "left",
        "Back to the start of long lines.",
        reasons.always,
        bar=False,
    ),
    Action(
        "edit",
        Scope.DETAILS,
        ("e",),
        "edit",
        "Open the file of the problem under the cursor, else of the flow, in your editor.",
        reasons.editable,
    ),
    Action(
        "difference",
        Scope.DETAILS,
        ("v",),
        "difference",
        "Show all that a deploy would change: long values and files with none of their lines left "
        "out.",
        reasons.flow_compared,
        command="flowtui diff TARGET",
        bar=False,
    ),
    Action(
        "archive",
        Scope.DETAILS,
        ("a",),
        "archive",
        "Archive the version under the cursor, in Versions; asks first.",
        reasons.able(Ability.ARCHIVE_VERSIONS, reasons.version_archivable),
        command="flowtui versions archive ID",
        dangerous=True,
        changes=True,
    ),
    Action(
        "roll_back",
        Scope.DETAILS,
        ("u",),
        "roll back",
        "Register the version under the cursor again, in Versions; asks first.",
        reasons.able(Ability.RETURN_FLOWS, reasons.earlier_version),
        command="flowtui versions roll-back ID",
        dangerous=True,
        changes=True,
    ),
    *flow_runs.of_one_run(Scope.DETAILS),
)
