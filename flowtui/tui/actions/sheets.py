"""What stands in front of a screen: texts and lists that are read and left again."""

from __future__ import annotations

from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "perform",
        Scope.HELP,
        ("enter",),
        "do it",
        "Close the help and do what the line says.",
        reasons.always,
    ),
    Action(
        "copy",
        Scope.COMMANDS,
        ("enter", "y"),
        "copy",
        "Copy the command line.",
        reasons.always,
    ),
    Action(
        "edit",
        Scope.PROBLEMS,
        ("enter", "e"),
        "edit",
        "Open the file of the problem in your editor, at the line.",
        reasons.editable,
    ),
    Action(
        "edit",
        Scope.SETTINGS,
        ("enter", "e"),
        "edit",
        "Open the file that says it, or would say it, in your editor, at the line.",
        reasons.editable,
        command="flowtui config edit",
    ),
    Action(
        "filter",
        Scope.LISTING,
        ("slash",),
        "filter",
        "Show only lines with this text.",
        reasons.always,
    ),
    Action("leave", Scope.SHEET, ("escape", "q"), "close", "Close it.", reasons.always),
    Action(
        "page_down",
        Scope.SHEET,
        ("pagedown", "ctrl+d", "space"),
        "page down",
        "One page down.",
        reasons.always,
        bar=False,
    ),
    Action(
        "page_up",
        Scope.SHEET,
        ("pageup", "ctrl+u"),
        "page up",
        "One page up.",
        reasons.always,
        bar=False,
    ),
)
