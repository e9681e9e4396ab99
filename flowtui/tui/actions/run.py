"""A deploy at work."""

from __future__ import annotations

from flowtui.models import Ability
from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "cancel",
        Scope.RUN,
        ("ctrl+x",),
        "cancel",
        "Cancel this deploy; nothing is registered.",
        reasons.deploy_running,
        dangerous=True,
    ),
    Action(
        "again",
        Scope.RUN,
        ("r",),
        "run again",
        "Make a new plan for the same flow.",
        reasons.deploy_ended,
        command="flowtui deploy TARGET",
    ),
    Action(
        "resume",
        Scope.RUN,
        ("R",),
        "go on",
        "Go on from the health check, push or registration that did not get through, if nothing "
        "has changed since; else say what has, and plan again.",
        reasons.can_resume,
        command="flowtui history resume ID",
        changes=True,
    ),
    Action(
        "run",
        Scope.RUN,
        ("x",),
        "run",
        "Run the version that is registered now; asks for its parameters first.",
        reasons.able(Ability.START_RUNS, reasons.deployed_runnable),
        command="flowtui run FLOW",
        changes=True,
    ),
    *(
        Action(
            f"stage_{number}",
            Scope.RUN,
            (str(number),),
            name,
            f"Show the log of stage {number}, {name}.",
            reasons.always,
            bar=False,
        )
        for number, name in enumerate(
            ("serialize", "build", "health check", "push", "register"), start=1
        )
    ),
    Action(
        "all_stages",
        Scope.RUN,
        ("0",),
        "all stages",
        "Show the logs of all stages as one, in the order of time.",
        reasons.always,
        bar=False,
    ),
    Action(
        "expand",
        Scope.RUN,
        ("z",),
        "expand",
        "The log on the whole screen with line numbers, where digits are counts; and back.",
        reasons.always,
    ),
    Action(
        "previous_stage",
        Scope.RUN,
        ("left", "h"),
        "previous stage",
        "Show the log of the stage before.",
        reasons.always,
        bar=False,
    ),
    Action(
        "next_stage",
        Scope.RUN,
        ("right", "l"),
        "next stage",
        "Show the log of the stage after.",
        reasons.always,
        bar=False,
    ),
    Action(
        "back",
        Scope.RUN,
        ("escape",),
        "back",
        "Leave the log as it was, then this screen; a running deploy goes on.",
        reasons.always,
    ),
)
