"""The one registry of actions: bindings, key bar, palette, help and docs/keys.md all read it.

Each action says when it can be used and, when not, why. Knows nothing of widgets. One module for
each scope; a new action is a line in its scope's module.
"""

from __future__ import annotations

from flowtui.tui.actions import (
    connection,
    deploys,
    details,
    doctor,
    everywhere,
    flows,
    lists,
    log,
    main,
    plan,
    projects,
    run,
)
from flowtui.tui.actions.key_names import key_name, key_names
from flowtui.tui.actions.model import Action, Facts, Reason, Scope

__all__ = [
    "ACTIONS",
    "Action",
    "Facts",
    "Reason",
    "Scope",
    "find",
    "in_scope",
    "key_name",
    "key_names",
]

ACTIONS: tuple[Action, ...] = (
    *everywhere.ACTIONS,
    *lists.ACTIONS,
    *main.ACTIONS,
    *projects.ACTIONS,
    *flows.ACTIONS,
    *details.ACTIONS,
    *connection.ACTIONS,
    *deploys.ACTIONS,
    *doctor.ACTIONS,
    *plan.ACTIONS,
    *run.ACTIONS,
    *log.ACTIONS,
)


def in_scope(scope: Scope) -> tuple[Action, ...]:
    return tuple(action for action in ACTIONS if action.scope is scope)


def find(scope: Scope, action_id: str) -> Action:
    """Raises KeyError for what is not in the registry."""
    for action in ACTIONS:
        if action.scope is scope and action.id == action_id:
            return action
    raise KeyError(f"{scope.name.lower()}.{action_id}")
