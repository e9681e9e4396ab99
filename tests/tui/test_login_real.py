"""Logging in to a real guarded server, with a real keyring package whose backend can be locked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from flowtui.credentials import CredentialStore, credentials_file
from flowtui.os_keyring import SERVICE, OsKeyring
from flowtui.tui.app import FlowtuiApp
from flowtui.tui.screens.dialogs import StoreDialog, TokenDialog, WaitDialog
from flowtui.tui.session import Link
from flowtui.workspace import Workspace
from tests.parts.control_plane import RunningServer, embedded_server
from tests.tui.driving import AppDriver, driving

pytestmark = pytest.mark.real

TOKEN = "guarded-server-token-1"
WRONG = "some-other-token-22"


class TestKeyring(KeyringBackend):
    """Keeps tokens in memory; while it is locked every call waits, as on a desktop."""

    __test__ = False
    priority = 1  # pyright: ignore[reportAssignmentType]

    def __init__(self) -> None:
        super().__init__()
        self.unlocked = threading.Event()
        self.unlocked.set()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        self.unlocked.wait()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.unlocked.wait()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.unlocked.wait()
        del self.kept[service, username]


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestKeyring]:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    before = keyring.get_keyring()
    made = TestKeyring()
    keyring.set_keyring(made)
    yield made
    made.unlocked.set()
    keyring.set_keyring(before)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with embedded_server(tmp_path / "server.sqlite", token=TOKEN) as running:
        yield running


def app_on(folder: Path, url: str) -> AbstractAsyncContextManager[AppDriver]:
    """The app on the real workspace; a keyring counts as waiting after half a second."""

    async def open_workspace(
        path: Path, *, profile: str | None = None, api_url: str | None = None
    ) -> Workspace:
        workspace = await Workspace.open(path, profile=profile, api_url=api_url)
        workspace._credentials = CredentialStore(keyring=OsKeyring(limit=0.5))
        return workspace

    return driving(FlowtuiApp(folder, api_url=url, open_workspace=open_workspace))


async def type_token(driver: AppDriver, token: str) -> None:
    await driver.press("i")
    await driver.until(lambda: isinstance(driver.app.screen, TokenDialog))
    await driver.type(token)
    await driver.press("enter")


async def test_a_wrong_token_is_refused_before_anything_is_asked_or_kept(
    tmp_path: Path, server: RunningServer, backend: TestKeyring
) -> None:
    async with app_on(tmp_path, server.url) as driver:
        assert driver.app.session.connection.credentials
        await driver.press("5")
        await type_token(driver, WRONG)
        await driver.until(lambda: "The token was not kept" in driver.said())
        await driver.idle()
        assert not isinstance(driver.app.screen, StoreDialog)
        assert backend.kept == {}
        assert not credentials_file().exists()
        assert driver.app.session.connection.link is Link.FAILED
        assert WRONG not in driver.screen_text() + driver.said()


async def test_a_good_token_is_kept_where_the_person_says_and_nowhere_before(
    tmp_path: Path, server: RunningServer, backend: TestKeyring
) -> None:
    async with app_on(tmp_path, server.url) as driver:
        await driver.press("5")
        await type_token(driver, TOKEN)
        text = await driver.see("Where is it kept?", "keyring of this computer", "TestKeyring")
        assert "As plain text in" in text
        assert backend.kept == {}
        await driver.press("enter")
        await driver.until(lambda: driver.app.session.connected)
        await driver.idle()
        assert backend.kept == {(SERVICE, server.url): TOKEN}
        await driver.see("from: keyring (TestKeyring)", "with a token")
        assert TOKEN not in driver.screen_text() + driver.said()


async def test_a_locked_keyring_is_waited_for_and_its_token_is_used_once_it_opens(
    tmp_path: Path, server: RunningServer, backend: TestKeyring
) -> None:
    backend.kept[SERVICE, server.url] = TOKEN
    backend.unlocked.clear()
    async with app_on(tmp_path, server.url) as driver:
        assert driver.app.session.connection.keyring_waits
        await driver.press("5")
        await driver.see("the keyring is locked", "token needed")
        await driver.press("j", "escape", "question_mark", "escape", "5")
        backend.unlocked.set()
        await driver.until(lambda: driver.app.session.connected)
        await driver.see("from: keyring (TestKeyring)", "with a token")


async def test_keeping_a_token_waits_for_the_unlock(
    tmp_path: Path, server: RunningServer, backend: TestKeyring
) -> None:
    async with app_on(tmp_path, server.url) as driver:
        await driver.press("5")
        backend.unlocked.clear()
        await type_token(driver, TOKEN)
        await driver.until(lambda: isinstance(driver.app.screen, StoreDialog))
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, WaitDialog))
        await driver.see("The keyring is locked", "keep it elsewhere")
        backend.unlocked.set()
        await driver.until(lambda: driver.app.session.connected)
        assert backend.kept == {(SERVICE, server.url): TOKEN}


async def test_while_the_keyring_is_locked_the_token_can_be_kept_for_this_session(
    tmp_path: Path, server: RunningServer, backend: TestKeyring
) -> None:
    async with app_on(tmp_path, server.url) as driver:
        await driver.press("5")
        backend.unlocked.clear()
        await type_token(driver, TOKEN)
        await driver.until(lambda: isinstance(driver.app.screen, StoreDialog))
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, WaitDialog))
        await driver.press("escape")
        await driver.see("the keyring is locked", "This session only")
        await driver.press("enter")
        await driver.until(lambda: driver.app.session.connected)
        assert driver.app.session.connection.token_source == "this session"
