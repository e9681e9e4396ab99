"""Flow runs where they are listed: on the runs screen, and in the details of a flow."""

from __future__ import annotations

from flowtui.models import Ability
from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope


def of_one_run(scope: Scope) -> tuple[Action, ...]:
    """What can be done about the run under the cursor."""
    return (
        Action(
            "open_run",
            scope,
            ("enter",),
            "open",
            "Open the run: its task runs, its log, its graph.",
            reasons.able(Ability.TELL_RUN_DETAILS, reasons.run_selected),
            command="flowtui runs show RUN",
        ),
        Action(
            "new_run",
            scope,
            ("n",),
            "new",
            "Run the flow; asks for its parameters first.",
            reasons.able(Ability.START_RUNS, reasons.runnable),
            command="flowtui run FLOW",
            changes=True,
        ),
        Action(
            "cancel_run",
            scope,
            ("ctrl+x",),
            "cancel",
            "Cancel the run; asks first.",
            reasons.able(Ability.CANCEL_RUNS, reasons.run_going_on),
            command="flowtui runs cancel RUN",
            dangerous=True,
            changes=True,
        ),
        Action(
            "run_again",
            scope,
            ("R",),
            "again",
            "Run the flow again with the parameters of this run, which can be changed first.",
            reasons.able(Ability.START_RUNS, reasons.run_selected),
            command="flowtui runs again RUN --newest",
            changes=True,
        ),
        Action(
            "why_waiting",
            scope,
            ("w",),
            "why waiting",
            "Say why the run does not start yet.",
            reasons.able(Ability.TELL_AGENTS, reasons.run_waits),
            command="flowtui runs why RUN",
        ),
        Action(
            "copy_run_id",
            scope,
            ("y",),
            "copy id",
            "Copy the id of the run.",
            reasons.run_selected,
            bar=False,
        ),
    )


_ONE = of_one_run(Scope.FLOW_RUNS)

ACTIONS: tuple[Action, ...] = (
    *_ONE[:2],
    Action(
        "filter",
        Scope.FLOW_RUNS,
        ("slash",),
        "filter",
        "Show only runs with all of these words in flow, run name, state, version, label or id; "
        "!word hides.",
        reasons.always,
        command="flowtui runs",
    ),
    Action(
        "next_state",
        Scope.FLOW_RUNS,
        ("f",),
        "state",
        "Show other states: all but planned, waiting, running, failed, succeeded, cancelled, "
        "planned for later.",
        reasons.always,
        command="flowtui runs",
    ),
    *_ONE[2:],
    Action(
        "folder",
        Scope.FLOW_RUNS,
        ("a",),
        "all flows",
        "Show the runs of the flows in this folder alone, or of all flows.",
        reasons.always,
    ),
    Action(
        "times",
        Scope.FLOW_RUNS,
        ("T",),
        "times",
        "Show exact times, or how long ago.",
        reasons.always,
        bar=False,
    ),
    Action(
        "page_down",
        Scope.FLOW_RUNS,
        ("pagedown", "ctrl+d"),
        "page down",
        "A page down.",
        reasons.always,
        bar=False,
    ),
    Action(
        "page_up",
        Scope.FLOW_RUNS,
        ("pageup", "ctrl+u"),
        "page up",
        "A page up.",
        reasons.always,
        bar=False,
    ),
    Action(
        "back",
        Scope.FLOW_RUNS,
        ("escape",),
        "back",
        "Show all runs again, then back to the screen before.",
        reasons.always,
    ),
)
