"""The registry of actions: complete, free of clashes, and the page made from it current."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.tui.actions import ACTIONS, REACHES, Action, Facts, Scope, find, in_scope
from flowtui.tui.actions.key_names import EATEN
from flowtui.tui.actions.keysheet import keysheet
from flowtui.tui.app import FlowtuiApp
from flowtui.tui.screens.agent_log import AgentLog
from flowtui.tui.screens.agents import AgentList
from flowtui.tui.screens.commands import CommandsScreen
from flowtui.tui.screens.connection import ProfileList
from flowtui.tui.screens.doctor import DoctorList
from flowtui.tui.screens.help import HelpScreen
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.screens.problems import ProblemsScreen
from flowtui.tui.screens.settings import SettingsScreen
from flowtui.tui.screens.sheet import SheetList
from flowtui.tui.screens.viewer import ShowText
from flowtui.tui.view_models.deploys import Phase
from flowtui.tui.widgets.deploy_list import DeployList
from flowtui.tui.widgets.detail import DetailPane
from flowtui.tui.widgets.flow_run.graph import RunGraph
from flowtui.tui.widgets.flow_run.tasks import TaskRunList
from flowtui.tui.widgets.flow_run.view import FlowRunView
from flowtui.tui.widgets.flows import FlowTable
from flowtui.tui.widgets.log.view import LogView
from flowtui.tui.widgets.plan_view import PlanView
from flowtui.tui.widgets.project_tree import ProjectTree
from flowtui.tui.widgets.run_view import RunView
from flowtui.tui.widgets.runs.list import RunList

OWNERS = (
    FlowtuiApp,
    MainScreen,
    ProjectTree,
    FlowTable,
    DetailPane,
    ProfileList,
    DeployList,
    DoctorList,
    AgentList,
    AgentLog,
    PlanView,
    RunView,
    RunList,
    FlowRunView,
    TaskRunList,
    RunGraph,
    LogView,
    SheetList,
    ShowText,
    HelpScreen,
    CommandsScreen,
    ProblemsScreen,
    SettingsScreen,
)


def test_names_are_unique() -> None:
    names = [action.name for action in ACTIONS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.__name__)
def test_every_action_of_a_scope_is_carried_out_by_its_owner(owner: type) -> None:
    missing = [
        action.name
        for scope in owner.SCOPES  # type: ignore[attr-defined]
        for action in in_scope(scope)
        if not callable(getattr(owner, f"perform_{action.id}", None))
    ]
    assert missing == []


def test_every_scope_has_an_owner() -> None:
    owned = {scope for owner in OWNERS for scope in owner.SCOPES}
    assert {action.scope for action in ACTIONS} <= owned


def test_no_key_is_eaten_on_the_way() -> None:
    meant = {("app.quit", "ctrl+q"), ("app.suspend", "ctrl+z")}
    used = {(action.name, key) for action in ACTIONS for key in action.keys if key in EATEN}
    assert used == meant


@pytest.mark.parametrize("scopes", REACHES, ids=lambda scopes: "+".join(sorted(scopes)))
def test_no_key_means_two_things_at_once(scopes: frozenset[Scope]) -> None:
    keys = [key for scope in scopes for action in in_scope(scope) for key in action.keys]
    assert sorted({key for key in keys if keys.count(key) > 1}) == []


def test_every_scope_is_heard_somewhere() -> None:
    assert {action.scope for action in ACTIONS} <= frozenset().union(*REACHES)


def test_what_destroys_is_never_on_a_plain_movement_key() -> None:
    movement = {key for action in in_scope(Scope.LIST) for key in action.keys} | {"enter", "space"}
    assert [a.name for a in ACTIONS if a.dangerous and movement & set(a.keys)] == []


DANGEROUS = [action for action in ACTIONS if action.dangerous]


@pytest.mark.parametrize("action", DANGEROUS, ids=lambda action: action.name)
def test_what_is_dangerous_asks_or_needs_a_chord(action: Action) -> None:
    chord = all(key.startswith("ctrl+") for key in action.keys)
    assert chord or "asks" in action.help


@pytest.mark.parametrize(
    "action", [a for a in ACTIONS if a.dangerous or a.changes], ids=lambda action: action.name
)
def test_read_only_takes_away_what_changes_or_destroys(action: Action) -> None:
    assert action.why_not(Facts(read_only=True)) == "flowtui was started with --read-only"


def test_read_only_deploys_no_selection_and_shows_every_plan() -> None:
    reason = find(Scope.FLOWS, "deploy").why_not(Facts(read_only=True, selected=2, connected=True))
    assert reason == "flowtui was started with --read-only"


def test_reasons_are_words_for_a_person() -> None:
    situations = (
        Facts(),
        Facts(connected=True),
        Facts(connecting=True),
        Facts(phase=Phase.PLANNING),
        Facts(phase=Phase.RUNNING, connected=True),
    )
    for action in ACTIONS:
        for facts in situations:
            reason = action.why_not(facts)
            assert reason is None or (reason[0].islower() and not reason.endswith("."))


def test_the_key_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "keys.md"
    assert page.read_text(encoding="utf-8") == keysheet(), (
        "make it again: python -m flowtui.tui.actions.keysheet > docs/keys.md"
    )
