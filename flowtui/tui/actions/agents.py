"""Agents, and the log of one that this app started."""

from __future__ import annotations

from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

_STOP = "Stop it: new runs are not picked up any more. Asks first when it has runs under way."
_AGAIN = "Start it again as it was."

ACTIONS: tuple[Action, ...] = (
    Action(
        "open",
        Scope.AGENTS,
        ("enter",),
        "open",
        "The log of an agent that flowtui started; all that is known of another, or of runs that "
        "wait.",
        reasons.on_agent_line,
    ),
    Action(
        "start",
        Scope.AGENTS,
        ("n",),
        "start an agent",
        "Start one of Prefect's agents here; on runs that wait, one that takes them.",
        reasons.connected,
        command="flowtui agent start",
        changes=True,
    ),
    Action(
        "stop",
        Scope.AGENTS,
        ("ctrl+x",),
        "stop",
        _STOP,
        reasons.agent_stoppable,
        dangerous=True,
    ),
    Action(
        "again",
        Scope.AGENTS,
        ("R",),
        "start again",
        _AGAIN,
        reasons.agent_ended,
        command="flowtui agent start",
        changes=True,
    ),
    Action(
        "forget",
        Scope.AGENTS,
        ("d",),
        "off the list",
        "Take an agent that has ended off the list, and its problem with it.",
        reasons.agent_ended,
        bar=False,
    ),
    Action(
        "look",
        Scope.AGENTS,
        ("r",),
        "look again",
        "Ask the control plane again, now.",
        reasons.connected,
        command="flowtui agent list",
        bar=False,
    ),
    Action("back", Scope.AGENTS, ("escape",), "back", "Back to the screen before.", reasons.always),
    Action(
        "stop",
        Scope.AGENT_LOG,
        ("ctrl+x",),
        "stop",
        _STOP,
        reasons.agent_stoppable,
        dangerous=True,
    ),
    Action(
        "expand",
        Scope.AGENT_LOG,
        ("z",),
        "expand",
        "The log on the whole screen with line numbers, where digits are counts; and back.",
        reasons.always,
    ),
    Action(
        "back",
        Scope.AGENT_LOG,
        ("escape",),
        "back",
        "Leave the log as it was, then this screen; the agent goes on.",
        reasons.always,
    ),
)
