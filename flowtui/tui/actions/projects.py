"""The project tree."""

from __future__ import annotations

from flowtui.tui.actions import reasons
from flowtui.tui.actions.model import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action(
        "open",
        Scope.PROJECTS,
        ("enter", "space"),
        "open",
        "Show or hide what is in a project.",
        reasons.always,
        bar=False,
    ),
    Action(
        "create",
        Scope.PROJECTS,
        ("n",),
        "new",
        "Create a project.",
        reasons.connected,
        command="flowtui projects create NAME",
        changes=True,
    ),
    Action(
        "rename",
        Scope.PROJECTS,
        ("e",),
        "rename",
        "Rename the project, where the control plane can.",
        reasons.project_selected,
        command="flowtui projects rename NAME NEW",
        changes=True,
    ),
    Action(
        "delete",
        Scope.PROJECTS,
        ("x",),
        "delete",
        "Delete the project; asks, and wants its name typed when flows are in it.",
        reasons.project_selected,
        command="flowtui projects delete NAME",
        dangerous=True,
        changes=True,
    ),
    Action(
        "archive",
        Scope.PROJECTS,
        ("a",),
        "archive",
        "Archive the flow version; asks first.",
        reasons.version_selected,
        command="flowtui versions archive ID",
        dangerous=True,
        changes=True,
    ),
)
