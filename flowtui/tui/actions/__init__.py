"""The one registry of actions: bindings, key bar, palette, help and docs/keys.md all read it.

Each action says when it can be used and, when not, why. Knows nothing of widgets. One module for
each scope; a new action is a line in its scope's module.
"""

from __future__ import annotations

from collections.abc import Mapping

from flowtui.models import Problem
from flowtui.tui.actions import (
    agents,
    connection,
    deploys,
    details,
    doctor,
    everywhere,
    flow_run,
    flow_runs,
    flows,
    lists,
    log,
    main,
    plan,
    projects,
    run,
    sheets,
)
from flowtui.tui.actions.key_names import key_name, key_names
from flowtui.tui.actions.keymap import Keymap, resolve
from flowtui.tui.actions.model import Action, Facts, Reason, Scope

__all__ = [
    "ACTIONS",
    "DEFAULT_KEYS",
    "REACHES",
    "Action",
    "Facts",
    "Keymap",
    "Reason",
    "Scope",
    "find",
    "in_scope",
    "key_name",
    "key_names",
    "keymap_of",
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
    *agents.ACTIONS,
    *plan.ACTIONS,
    *run.ACTIONS,
    *flow_runs.ACTIONS,
    *flow_run.ACTIONS,
    *log.ACTIONS,
    *sheets.ACTIONS,
)

REACHES: tuple[frozenset[Scope], ...] = tuple(
    map(
        frozenset,
        (
            (Scope.FLOWS, Scope.LIST, Scope.MAIN, Scope.APP),
            (Scope.PROJECTS, Scope.LIST, Scope.MAIN, Scope.APP),
            (Scope.DETAILS, Scope.LIST, Scope.MAIN, Scope.APP),
            (Scope.CONNECTION, Scope.LIST, Scope.APP),
            (Scope.DEPLOYS, Scope.LIST, Scope.APP),
            (Scope.DOCTOR, Scope.LIST, Scope.APP),
            (Scope.AGENTS, Scope.LIST, Scope.APP),
            (Scope.LOG, Scope.AGENT_LOG, Scope.APP),
            (Scope.PLAN, Scope.LIST, Scope.APP),
            (Scope.LOG, Scope.RUN, Scope.APP),
            (Scope.FLOW_RUNS, Scope.LIST, Scope.APP),
            (Scope.TASK_RUNS, Scope.LIST, Scope.FLOW_RUN, Scope.APP),
            (Scope.RUN_GRAPH, Scope.LIST, Scope.FLOW_RUN, Scope.APP),
            (Scope.LOG, Scope.FLOW_RUN, Scope.APP),
            (Scope.HELP, Scope.LISTING, Scope.SHEET, Scope.LIST),
            (Scope.COMMANDS, Scope.LISTING, Scope.SHEET, Scope.LIST),
            (Scope.PROBLEMS, Scope.LISTING, Scope.SHEET, Scope.LIST),
            (Scope.SETTINGS, Scope.LISTING, Scope.SHEET, Scope.LIST),
        ),
    )
)
"""Scopes that are heard together: within one of these a key means one thing."""

DEFAULT_KEYS: Mapping[str, tuple[str, ...]] = {action.name: action.keys for action in ACTIONS}


def keymap_of(
    wanted: Mapping[str, tuple[str, ...]], *, file: str = ""
) -> tuple[Keymap, tuple[Problem, ...]]:
    """The keys in force with these over the defaults, and what of them does not count."""
    reaches = [
        frozenset(action.name for action in ACTIONS if action.scope in scopes) for scopes in REACHES
    ]
    return resolve(DEFAULT_KEYS, reaches, wanted, file=file)


def in_scope(scope: Scope) -> tuple[Action, ...]:
    return tuple(action for action in ACTIONS if action.scope is scope)


def find(scope: Scope, action_id: str) -> Action:
    """Raises KeyError for what is not in the registry."""
    for action in ACTIONS:
        if action.scope is scope and action.id == action_id:
            return action
    raise KeyError(f"{scope.name.lower()}.{action_id}")
