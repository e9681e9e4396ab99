"""Destructive keys are never one slip away: a chord, or a question whose default is no.

The actions come from the registry: a new dangerous one without a case fails here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.widgets import Input, OptionList

from flowtui.config import load_user, save_profile
from flowtui.credentials import credentials_file
from flowtui.models import Origin, Profile
from flowtui.tui import embedded
from flowtui.tui.acting import heard_by
from flowtui.tui.actions import ACTIONS
from flowtui.tui.screens.dialogs import ConfirmDialog, TypedConfirmDialog
from flowtui.tui.screens.roll_back import RollBackDialog
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.memory_rest import RestMemoryControlPlane
from tests.tui.test_connection import choose, enter_token
from tests.tui.test_managing import at_flow
from tests.tui.test_projects import at_project
from tests.tui.test_versions_and_runs import open_tab

DANGEROUS = {action.name: action for action in ACTIONS if action.dangerous}
CHORDS = {name for name, action in DANGEROUS.items() if all("ctrl+" in key for key in action.keys)}


async def _at_a_project(driver: Driver) -> None:
    await at_project(driver, "Empty")


async def _at_a_project_with_flows(driver: Driver) -> None:
    await at_project(driver, "My Project")


async def _at_a_registered_flow(driver: Driver) -> None:
    await at_flow(driver, "etl")


async def _at_a_deployment(driver: Driver) -> None:
    """Of a control plane that has them."""
    driver.workspace.server = server = RestMemoryControlPlane()
    server.add_deployment("etl", "nightly", project="Team")
    await driver.press_and_settle("r")
    driver.app.connecting.connect()
    await driver.idle()
    await at_flow(driver, "etl/nightly", "Team")


async def _at_an_earlier_version_in_the_tree(driver: Driver) -> None:
    await at_flow(driver, "etl")
    await driver.press_and_settle("enter")
    await driver.press("j", "j")


async def _at_the_version_in_use(driver: Driver) -> None:
    await open_tab(driver, "versions")
    await driver.until(lambda: bool(driver.app.session.all_versions))


async def _at_an_earlier_version(driver: Driver) -> None:
    await _at_the_version_in_use(driver)
    await driver.press("j")


async def _logged_in(driver: Driver) -> None:
    await enter_token(driver)
    await driver.press("down", "enter")
    await driver.until(lambda: driver.app.session.connection.token_source.startswith("file"))
    await driver.idle()


async def _at_another_profile(driver: Driver) -> None:
    save_profile(Profile("old", "http://127.0.0.1:4997", Origin.USER_FILE))
    await driver.press_and_settle("5", "g")
    driver.app.connecting.read_profiles()
    await driver.idle()
    await choose(driver, "old")


async def _with_a_server(driver: Driver) -> None:
    await driver.press_and_settle("5")


CASES: tuple[tuple[str, Callable[[Driver], Awaitable[None]]], ...] = (
    ("projects.delete", _at_a_project),
    ("projects.delete", _at_a_project_with_flows),
    ("projects.delete_version", _at_a_deployment),
    ("projects.archive", _at_a_registered_flow),
    ("projects.archive", _at_an_earlier_version_in_the_tree),
    ("projects.roll_back", _at_an_earlier_version_in_the_tree),
    ("details.archive", _at_the_version_in_use),
    ("details.roll_back", _at_an_earlier_version),
    ("connection.log_out", _logged_in),
    ("connection.stop_server", _with_a_server),
    ("connection.remove", _at_another_profile),
)


def test_every_dangerous_action_is_a_chord_or_has_a_case() -> None:
    assert {name for name, _ in CASES} == DANGEROUS.keys() - CHORDS


@pytest.mark.parametrize(("name", "go"), CASES, ids=[f"{n}{go.__name__}" for n, go in CASES])
async def test_its_key_asks_and_a_slip_changes_nothing(
    name: str,
    go: Callable[[Driver], Awaitable[None]],
    workspace: MemoryWorkspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped: list[bool] = []

    async def stop(_: embedded.EmbeddedServer) -> None:
        stopped.append(True)

    monkeypatch.setattr(embedded.EmbeddedServer, "stop", stop)
    if name == "connection.stop_server":
        monkeypatch.setattr(embedded.EmbeddedServer, "running", property(lambda _: True))

    def state() -> tuple[object, ...]:
        file = credentials_file()
        return (
            tuple(workspace.server.project_list),
            tuple(workspace.server.version_list),
            tuple(workspace.rolled_back),
            len(workspace.deploys),
            dict(load_user().profiles),
            file.read_text() if file.exists() else None,
            tuple(stopped),
        )

    async with running(workspace) as driver:
        await go(driver)
        heard = heard_by(driver.app.heard(driver.app.screen), driver.app.keymap)
        (owner,) = [owner for owner, action in heard if action.name == name]
        assert DANGEROUS[name].why_not(owner.facts()) is None
        before = state()
        for key in DANGEROUS[name].keys:
            await driver.press_and_settle(key)
            asks = driver.app.screen
            assert isinstance(asks, ConfirmDialog | TypedConfirmDialog | RollBackDialog)
            if isinstance(asks, ConfirmDialog | RollBackDialog):
                highlighted = asks.query_one(OptionList).highlighted_option
                assert highlighted is not None
                assert highlighted.id == "no"
            else:
                assert asks.query_one(Input).value == ""
            assert state() == before
            # The same key again, and Enter, as a slip would.
            await driver.press_and_settle(key, "enter")
            assert state() == before
            await driver.press_and_settle(*(["escape"] if driver.app.screen is asks else []))
            assert state() == before
