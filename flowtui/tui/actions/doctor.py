"""The doctor."""

from __future__ import annotations

from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "open",
        Scope.DOCTOR,
        ("enter",),
        "whole",
        "Show all of the line, and what to do.",
        reasons.always,
    ),
    Action(
        "again",
        Scope.DOCTOR,
        ("r",),
        "again",
        "Look at everything again.",
        reasons.always,
        command="flowtui doctor",
    ),
    Action(
        "load",
        Scope.DOCTOR,
        ("l",),
        "load flows",
        "Look again, and load every flow in the project's Python: that runs the code of its file.",
        reasons.always,
        command="flowtui doctor --load",
        bar=False,
    ),
    Action(
        "next_problem",
        Scope.DOCTOR,
        ("n",),
        "problem",
        "Go to the next line that is not well.",
        reasons.report_has_problems,
    ),
    Action(
        "copy",
        Scope.DOCTOR,
        ("y",),
        "copy",
        "Copy the report, to be pasted into a bug report.",
        reasons.report_complete,
        command="flowtui doctor",
    ),
    Action("back", Scope.DOCTOR, ("escape",), "back", "Back to the screen before.", reasons.always),
    Action(
        "save",
        Scope.DOCTOR,
        ("s",),
        "save",
        "Save the report to a file in flowtui's data folder.",
        reasons.report_complete,
        command="flowtui doctor > FILE",
    ),
)
