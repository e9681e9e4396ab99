"""The auth pane."""

from __future__ import annotations

from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "use",
        Scope.CONNECTION,
        ("enter",),
        "use",
        "Switch to the selected profile.",
        reasons.profile_usable,
        command="flowtui profiles use PROFILE",
    ),
    Action(
        "add",
        Scope.CONNECTION,
        ("n",),
        "new",
        "Add a profile; its address is asked while it is typed.",
        reasons.always,
        command="flowtui profiles add NAME URL",
        changes=True,
    ),
    Action(
        "edit",
        Scope.CONNECTION,
        ("e",),
        "edit",
        "Change the profile's name, address or CA file.",
        reasons.profile_editable,
        command="flowtui profiles add NAME URL",
        changes=True,
    ),
    Action(
        "log_in",
        Scope.CONNECTION,
        ("i",),
        "log in",
        "Enter a token for the profile in use.",
        reasons.can_log_in,
        command="flowtui login",
        changes=True,
    ),
    Action(
        "log_out",
        Scope.CONNECTION,
        ("o",),
        "log out",
        "Delete the token of the profile in use from every store that holds it; asks first.",
        reasons.can_log_out,
        command="flowtui logout",
        dangerous=True,
        changes=True,
    ),
    Action(
        "reconnect",
        Scope.CONNECTION,
        ("r",),
        "reconnect",
        "Connect again.",
        reasons.always,
        command="flowtui whoami",
    ),
    Action(
        "server",
        Scope.CONNECTION,
        ("s",),
        "start server",
        "Start the embedded server; it ends with flowtui.",
        reasons.server_startable,
        command="flowtui server",
    ),
    Action(
        "stop_server",
        Scope.CONNECTION,
        ("S",),
        "stop server",
        "Stop the embedded server that flowtui started; asks first.",
        reasons.server_stoppable,
        bar=False,
        dangerous=True,
    ),
    Action(
        "remove",
        Scope.CONNECTION,
        ("x",),
        "remove",
        "Remove the profile from your configuration file; asks first.",
        reasons.profile_removable,
        command="flowtui profiles remove PROFILE",
        dangerous=True,
        changes=True,
    ),
    Action(
        "back", Scope.CONNECTION, ("escape",), "back", "Back to the main screen.", reasons.always
    ),
)
