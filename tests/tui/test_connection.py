"""The auth pane, by keys alone. Profiles and tokens are kept by the real modules in a home of
the test's own; there is no keyring there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from flowtui.config import load_user, save_profile
from flowtui.credentials import credentials_file
from flowtui.models import Origin, Profile
from flowtui.tui.screens.dialogs import ConfirmDialog, StoreDialog, TokenDialog
from flowtui.tui.screens.profile_dialog import ProfileDialog
from flowtui.tui.session import Link
from tests.tui.driving import Driver, running
from tests.tui.memory import ADDRESS, MemoryWorkspace

TOKEN = "sk-Zq81odd-token-Xy77"


def said(driver: Driver) -> str:
    return "\n".join(notification.message for notification in driver.app._notifications)


def refusal(driver: Driver) -> str:
    """What the dialog in front says against the answer."""
    return str(driver.app.screen.query_one(".dialog-error", Static).content)


async def enter_token(driver: Driver) -> None:
    await driver.press("c", "i")
    assert isinstance(driver.app.screen, TokenDialog)
    await driver.type(TOKEN)
    assert TOKEN not in driver.screen_text()
    await driver.press("enter")
    await driver.until(lambda: isinstance(driver.app.screen, StoreDialog))


async def test_state_profile_address_token_and_server_are_told(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press_and_settle("5")
        text = driver.screen_text()
    for words in ("● connected", ADDRESS, "none in use", "memory server 1.0", "without a token"):
        assert words in text
    assert "embedded" in text
    assert "▸ memory  in use" in text


@pytest.mark.slow
async def test_a_new_profile_is_checked_and_saved(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await driver.press_and_settle("5", "n")
        assert isinstance(driver.app.screen, ProfileDialog)
        await driver.press("enter", "enter")
        assert "Type a name first." in driver.screen_text()
        await driver.type("production")
        await driver.press("enter")
        await driver.type("prefect.example.com")
        await driver.press("enter")
        assert "it must start with http" in refusal(driver)
        driver.app.screen.query_one("#profile-address", Input).value = ""
        await driver.type("https://prefect.example.com/")
        await driver.press_and_settle("enter")
        assert load_user().profiles["production"].api_url == "https://prefect.example.com"
        assert "production" in driver.screen_text()
        assert "saved" in said(driver)


async def test_enter_switches_to_a_profile_and_remembers_it(workspace: MemoryWorkspace) -> None:
    save_profile(Profile("other", "http://127.0.0.1:4998", Origin.USER_FILE))
    async with running(workspace) as driver:
        await driver.press_and_settle("5")
        await driver.press("G", "k", "g")
        await choose(driver, "other")
        await driver.press_and_settle("enter")
        profile = driver.app.session.profile
        assert profile is not None
        assert profile.name == "other"
        assert driver.app.session.connection.link is Link.CONNECTED
        assert load_user().active == "other"
        assert "127.0.0.1:4998" in driver.screen_text().splitlines()[0]
        await driver.press("escape")
        assert "✓ up to date" in driver.screen_text()


async def choose(driver: Driver, name: str) -> None:
    from flowtui.tui.screens.connection import ProfileList

    profiles = driver.app.screen.query_one(ProfileList)
    for _ in range(profiles.option_count):
        if profiles.selected is not None and profiles.selected.name == name:
            return
        await driver.press("j")
    raise AssertionError(f"{name} is not in the list")


async def test_a_profile_is_removed_after_a_yes_but_not_the_one_in_use(
    workspace: MemoryWorkspace,
) -> None:
    save_profile(Profile("old", "http://127.0.0.1:4997", Origin.USER_FILE))
    async with running(workspace) as driver:
        await driver.press_and_settle("5", "x")
        assert "in use" in said(driver)
        await driver.press("g")
        await choose(driver, "old")
        await driver.press("x")
        assert isinstance(driver.app.screen, ConfirmDialog)
        await driver.press("down")
        await driver.press_and_settle("enter")
        assert "old" not in load_user().profiles
        assert "127.0.0.1:4997" not in driver.screen_text()


@pytest.mark.slow
async def test_without_a_safe_keyring_the_person_chooses_and_session_is_first(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await enter_token(driver)
        text = driver.screen_text()
        assert "No safe keyring" in text
        await driver.press("enter")
        await driver.until(lambda: driver.app.session.connection.token_source == "this session")
        await driver.idle()
        assert "from: this session" in driver.screen_text()
        assert "with a token" in driver.screen_text()
        assert not credentials_file().exists()


async def test_a_token_in_a_file_is_private_and_log_out_deletes_it(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await enter_token(driver)
        await driver.press("down", "enter")
        await driver.until(lambda: driver.app.session.connection.token_source.startswith("file"))
        await driver.idle()
        file = credentials_file()
        assert TOKEN in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert TOKEN not in driver.screen_text() + said(driver)
        await driver.press("o", "down", "enter")
        await driver.until(lambda: driver.app.session.connection.token_source == "none")
        await driver.idle()
        assert not file.exists()
        assert "Token deleted from file" in said(driver)


async def test_escape_keeps_the_token_nowhere(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await enter_token(driver)
        await driver.press_and_settle("escape")
        assert driver.app.session.connection.token_source == "none"
        assert not credentials_file().exists()
        assert "not kept anywhere" in said(driver)


async def test_a_token_with_a_blank_is_refused_and_not_repeated(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await driver.press("5", "i")
        await driver.type("two words-secret")
        await driver.press("enter")
        assert "no token has" in refusal(driver)
        assert "words-secret" not in driver.screen_text()
        assert driver.app.screen.query_one(Input).value == ""


async def test_a_token_of_the_environment_cannot_be_logged_out_and_says_why(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWTUI_API_KEY", TOKEN)
    async with running(workspace, size=(160, 45)) as driver:
        await driver.press_and_settle("5")
        assert "environment (FLOWTUI_API_KEY)" in driver.screen_text()
        assert TOKEN not in driver.screen_text()
        await driver.press("o")
        assert "unset it there" in said(driver)


async def test_a_missing_token_is_not_called_refused(workspace: MemoryWorkspace) -> None:
    workspace.refuse_token = True
    async with running(workspace) as driver:
        assert "token needed" in driver.screen_text().splitlines()[0]


async def test_a_refused_token_says_so_and_offers_to_log_in(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWTUI_API_KEY", TOKEN)
    workspace.refuse_token = True
    async with running(workspace) as driver:
        assert "token refused" in driver.screen_text().splitlines()[0]
        await driver.press_and_settle("5")
        text = driver.screen_text()
        assert "the token was refused" in text
        assert "log in with a token" in text
        await driver.press("s")
        assert "a server answers at this address already" in said(driver)


async def test_plain_http_to_another_machine_asks_before_a_token_is_sent(tmp_path: Path) -> None:
    far = MemoryWorkspace(tmp_path, Profile("far", "http://prefect.example.com", Origin.USER_FILE))
    async with running(far) as driver:
        await driver.press_and_settle("5", "i")
        assert isinstance(driver.app.screen, ConfirmDialog)
        assert "without encryption" in driver.screen_text()
        await driver.press("enter")
        assert not isinstance(driver.app.screen, TokenDialog)


async def test_a_crash_shows_neither_locals_nor_tokens(
    workspace: MemoryWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    class AccidentError(Exception):
        pass

    os.environ["FLOWTUI_API_KEY"] = TOKEN
    try:
        with pytest.raises(AccidentError):
            async with running(workspace) as driver:

                def fall(local: str = TOKEN) -> None:
                    raise AccidentError(f"while using {local}")

                driver.app.call_later(fall)
                await driver.settled()
    finally:
        del os.environ["FLOWTUI_API_KEY"]
    from flowtui.tui import crash

    report = crash.log_file().read_text()
    assert "AccidentError" in report
    assert "in fall" in report
    shown = capsys.readouterr()
    for text in (report, shown.out, shown.err):
        assert TOKEN not in text
    assert "flowtui crashed: AccidentError" in shown.err + shown.out
