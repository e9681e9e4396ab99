"""Prefect Cloud and Prefect's own profiles in the auth pane: against a server of the documented
shapes, with the real modules below the app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowtui.config import ProjectConfig, load_user, save_profile, set_active
from flowtui.credentials import CredentialStore, Secret, Where
from flowtui.models import Origin, Profile
from flowtui.tui.screens.dialogs import ChoiceDialog, ConfirmDialog, StoreDialog, TokenDialog
from flowtui.tui.screens.first_start import FirstStartScreen
from flowtui.tui.session import Link
from flowtui.workspace import Workspace
from tests.parts.documented_cloud import (
    ACME,
    OTHERS,
    PRODUCTION,
    SIDE,
    USER_KEY,
    DocumentedCloud,
    documented_cloud,
)
from tests.tui.driving import Driver, running
from tests.tui.memory import ADDRESS, MemoryWorkspace

pytestmark = pytest.mark.slow


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[DocumentedCloud]:
    with documented_cloud() as server:
        monkeypatch.setenv("PREFECT_CLOUD_API_URL", server.url)
        yield server


def on(address: str, root: Path) -> Workspace:
    profile = Profile("here", address, Origin.USER_FILE)
    save_profile(profile)
    set_active("here")
    return Workspace(root, config=ProjectConfig(root=root), profile=profile)


async def choose(driver: Driver, *keys: str) -> None:
    """In the list of workspaces."""
    await driver.until(lambda: isinstance(driver.app.screen, ChoiceDialog))
    await driver.press(*keys)


async def test_a_key_then_a_workspace_then_a_place(cloud: DocumentedCloud, tmp_path: Path) -> None:
    async with running(on(cloud.url, tmp_path)) as driver:
        await driver.press_and_settle("5")
        assert "log in with an API key" in driver.screen_text()
        await driver.press("i")
        assert isinstance(driver.app.screen, TokenDialog)
        assert "API key for http" in driver.screen_text() and "pnu_" in driver.screen_text()
        await driver.type(USER_KEY)
        await driver.press("enter")
        await choose(driver, "j", "j")
        text = driver.screen_text()
        assert "acme/production" in text and "Side projects" in text
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, StoreDialog))
        await driver.press("j", "enter")
        await driver.until(lambda: driver.app.session.connected)
        await driver.see("Prefect Cloud", "others/side", "with an API key", "workspace")
        assert USER_KEY not in driver.screen_text() + driver.said()
        user = load_user()
        assert user.active == "others/side"
        assert user.profiles["others/side"].api_url == cloud.address(OTHERS, SIDE)

        # The key is kept: another workspace is chosen without it.
        await driver.press("w")
        await choose(driver, "enter")
        await driver.see("acme/production")
        await driver.until(lambda: load_user().active == "acme/production")
        await driver.until(lambda: driver.app.session.connected)


async def test_a_cloud_whose_key_is_kept_asks_for_a_workspace(
    cloud: DocumentedCloud, tmp_path: Path
) -> None:
    await CredentialStore().store(cloud.url, Secret(USER_KEY), Where.FILE)
    async with running(on(cloud.url, tmp_path)) as driver:
        await driver.press_and_settle("5")
        await driver.see("workspaces has to be chosen", "choose one of its workspaces")
        await driver.press("w")
        await choose(driver, "enter")
        await driver.until(lambda: driver.app.session.connected)
        assert load_user().profiles["acme/production"].api_url == cloud.address(ACME, PRODUCTION)


async def test_the_first_start_leads_to_a_workspace_of_prefect_cloud(
    cloud: DocumentedCloud, tmp_path: Path
) -> None:
    fresh = MemoryWorkspace(tmp_path, Profile("embedded", ADDRESS, Origin.DEFAULT))
    fresh.server_is_up = False
    async with running(fresh) as driver:
        await driver.until(lambda: isinstance(driver.app.screen, FirstStartScreen))
        fresh.server_is_up = True
        await driver.press("G", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, TokenDialog))
        await driver.type(USER_KEY)
        await driver.press("enter")
        await choose(driver, "enter")
        await driver.until(lambda: isinstance(driver.app.screen, StoreDialog))
        await driver.press("enter")
        await driver.until(lambda: driver.app.session.connected)
        assert driver.app.session.profile is not None
        assert driver.app.session.profile.api_url == cloud.address(ACME, PRODUCTION)


async def test_a_key_that_is_not_taken_is_kept_nowhere(
    cloud: DocumentedCloud, tmp_path: Path
) -> None:
    async with running(on(cloud.url, tmp_path)) as driver:
        await driver.press_and_settle("5")
        await driver.press("w")
        await driver.until(lambda: isinstance(driver.app.screen, TokenDialog))
        await driver.type("pnu_revoked_9876543210")
        await driver.press("enter")
        await driver.until(lambda: "does not accept this API key" in driver.said())
        assert await CredentialStore().find(cloud.url) is None
        assert driver.app.session.connection.link is Link.FAILED


PROFILES = """
active = "work"
[profiles.ephemeral]
PREFECT_SERVER_EPHEMERAL_ENABLED = "true"
[profiles.work]
PREFECT_API_URL = "{address}"
PREFECT_API_KEY = "{key}"
"""


async def test_one_of_prefects_own_profiles_is_taken_over_its_key_after_a_yes(
    cloud: DocumentedCloud, tmp_path: Path, own_home: Path
) -> None:
    (own_home / ".prefect").mkdir()
    text = PROFILES.format(address=cloud.address(ACME, PRODUCTION), key=USER_KEY)
    (own_home / ".prefect" / "profiles.toml").write_text(text)
    async with running(on("http://127.0.0.1:9", tmp_path)) as driver:
        await driver.press_and_settle("5")
        await driver.press("p")
        await driver.until(lambda: isinstance(driver.app.screen, ChoiceDialog))
        shown = driver.screen_text()
        assert "work" in shown and "~/.prefect/profiles.toml, in use now" in shown
        assert "ephemeral" in shown
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, ConfirmDialog))
        assert await CredentialStore().find(cloud.url) is None
        await driver.press("j", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, StoreDialog))
        await driver.press("enter")
        await driver.until(lambda: driver.app.session.connected)
        assert load_user().active == "work"
        assert USER_KEY not in driver.screen_text() + driver.said()
        await driver.press("p")
        await driver.until(lambda: "is here already" in driver.said())
