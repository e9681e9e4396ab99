"""One flow run: what is done about it, its task runs, its graph."""

from __future__ import annotations

from flowtui.models import Ability
from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope


def _around(scope: Scope) -> tuple[Action, ...]:
    """What a log has keys of its own for."""
    return (
        Action(
            "copy_run_id",
            scope,
            ("y",),
            "copy id",
            "Copy the id of the run.",
            reasons.run_selected,
            bar=False,
        ),
        Action(
            "first_error",
            scope,
            ("E",),
            "error",
            "Go to the first error in the log.",
            reasons.log_has_lines,
        ),
        Action(
            "page_down",
            scope,
            ("pagedown", "ctrl+d"),
            "page down",
            "A page down.",
            reasons.always,
            bar=False,
        ),
        Action(
            "page_up",
            scope,
            ("pageup", "ctrl+u"),
            "page up",
            "A page up.",
            reasons.always,
            bar=False,
        ),
    )


ACTIONS: tuple[Action, ...] = (
    Action(
        "cancel_run",
        Scope.FLOW_RUN,
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
        Scope.FLOW_RUN,
        ("R",),
        "again",
        "Run the flow again with the parameters of this run, which can be changed first.",
        reasons.able(Ability.START_RUNS, reasons.run_selected),
        command="flowtui runs again RUN --newest",
        changes=True,
    ),
    Action(
        "previous_tab",
        Scope.FLOW_RUN,
        ("left_square_bracket", "left", "h"),
        "tab before",
        "Show the tab before: task runs, log, graph.",
        reasons.always,
        bar=False,
    ),
    Action(
        "next_tab",
        Scope.FLOW_RUN,
        ("right_square_bracket", "right", "l"),
        "next tab",
        "Show the next tab: task runs, log, graph.",
        reasons.always,
        command="flowtui logs RUN --follow",
    ),
    Action(
        "look_again",
        Scope.FLOW_RUN,
        ("r",),
        "look again",
        "Ask the control plane now.",
        reasons.connected,
        command="flowtui runs show RUN",
        bar=False,
    ),
    Action(
        "expand",
        Scope.FLOW_RUN,
        ("z",),
        "expand",
        "The tab on the whole screen, the log with line numbers where digits are counts; and back.",
        reasons.always,
    ),
    Action(
        "back",
        Scope.FLOW_RUN,
        ("escape",),
        "back",
        "Leave the log as it was, then the chosen task, then this screen; the run goes on.",
        reasons.always,
    ),
    Action(
        "open_task",
        Scope.TASK_RUNS,
        ("enter",),
        "open",
        "Show the log of the task alone; of a mapped task unfold its children, or fold them.",
        reasons.task_selected,
        command="flowtui logs RUN --follow",
    ),
    Action(
        "task_log",
        Scope.TASK_RUNS,
        ("o",),
        "its log",
        "Show the log of the task alone, of a mapped task with all of its children.",
        reasons.task_selected,
        bar=False,
    ),
    Action(
        "next_failed",
        Scope.TASK_RUNS,
        ("n",),
        "failed",
        "Go to the next task run that failed; unfolds mapped tasks on the way.",
        reasons.any_task_failed,
    ),
    *_around(Scope.TASK_RUNS),
    Action(
        "scroll_right",
        Scope.RUN_GRAPH,
        ("greater_than_sign", "shift+right"),
        "right",
        "Show what is right of the edge.",
        reasons.always,
        bar=False,
    ),
    Action(
        "scroll_left",
        Scope.RUN_GRAPH,
        ("less_than_sign", "shift+left"),
        "left",
        "Back to the left.",
        reasons.always,
        bar=False,
    ),
    *_around(Scope.RUN_GRAPH),
)
