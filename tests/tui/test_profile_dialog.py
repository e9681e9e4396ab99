"""Adding and changing a profile, with its address asked while it is typed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input

from flowtui.api.probe import Answer
from flowtui.config import load_user, save_profile, set_active
from flowtui.credentials import Where, token
from flowtui.models import Origin, Profile
from flowtui.tui.screens.connection import ProfileList
from flowtui.tui.screens.dialogs import ChoiceDialog
from flowtui.tui.screens.profile_dialog import ProfileDialog
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace

OLD, NEW = "https://old.example.com", "https://new.example.com"
TOKEN = "tok-of-the-old-address-31"


class Probe:
    """Answers what the test says, and remembers what was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[tuple[str, Path | None]] = []
        self.gate: asyncio.Event | None = None

    async def __call__(self, api_url: str, ca_file: Path | None = None) -> Answer:
        self.asked.append((api_url, ca_file))
        if self.gate is not None:
            await self.gate.wait()
        return self.answer


async def adding(driver: Driver, answer: Answer) -> Probe:
    probe = Probe(answer)
    driver.app.connecting.probe = probe  # type: ignore[method-assign]
    await driver.press_and_settle("5", "n")
    await driver.until(lambda: isinstance(driver.app.screen, ProfileDialog))
    await driver.type("production")
    await driver.press("enter")
    return probe


@pytest.mark.slow
async def test_the_syntax_is_told_at_once_and_nobody_is_asked(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        probe = await adding(driver, Answer(True, "answers: x"))
        await driver.type("prefect.example.com")
        await driver.see("it must start with http:// or https://")
        await driver.idle()
        assert probe.asked == []


@pytest.mark.slow
async def test_only_the_last_address_is_asked(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        probe = await adding(driver, Answer(True, "answers: flowtui server 0.1.0"))
        await driver.type(NEW)
        await driver.see("✓ answers: flowtui server 0.1.0")
        assert probe.asked[-1] == (NEW, None)
        assert len(probe.asked) < len(NEW)


@pytest.mark.slow
async def test_what_is_wrong_is_told_with_what_to_do_and_can_be_saved_all_the_same(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await adding(driver, Answer(False, "the certificate is refused", "set a CA file"))
        await driver.type(NEW)
        await driver.see("✗ the certificate is refused", "set a CA file")
        await driver.press("tab")
        await driver.type("/etc/own-ca.pem")
        await driver.press_and_settle("enter")
        assert load_user().profiles["production"] == Profile(
            "production", NEW, Origin.USER_FILE, "/etc/own-ca.pem"
        )


@pytest.mark.slow
async def test_an_answer_that_comes_late_is_not_shown_for_another_address(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        probe = await adding(driver, Answer(True, "answers: the first one"))
        probe.gate = asyncio.Event()
        await driver.type(NEW)
        await driver.until(lambda: bool(probe.asked))
        await driver.type("/x?a")
        await driver.see("no ? and no #")
        probe.gate.set()
        await driver.idle()
        assert "the first one" not in driver.screen_text()


@pytest.mark.slow
async def test_plain_http_to_another_machine_is_mentioned(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await adding(driver, Answer(True, "answers, and wants a token", wants_token=True))
        await driver.type("http://prefect.example.com")
        await driver.see("wants a token", "plain http")


# ---------------------------------------------------------------------------------------- changing


@pytest.fixture
def saved() -> Profile:
    profile = Profile("team", OLD, Origin.USER_FILE)
    save_profile(profile)
    return profile


async def editing(driver: Driver, name: str) -> None:
    driver.app.connecting.probe = Probe(Answer(True, "answers: x"))  # type: ignore[method-assign]
    await driver.press_and_settle("5")
    profiles = driver.app.screen.query_one(ProfileList)
    while profiles.selected is None or profiles.selected.name != name:
        await driver.press("j")
    await driver.press("e")
    await driver.until(lambda: isinstance(driver.app.screen, ProfileDialog))


def put(driver: Driver, field: str, text: str) -> None:
    driver.app.screen.query_one(f"#profile-{field}", Input).value = text


async def save(driver: Driver) -> None:
    driver.app.screen.set_focus(driver.app.screen.query_one("#profile-address"))
    await driver.press("enter")


@pytest.mark.slow
async def test_another_name_keeps_address_and_choice(
    workspace: MemoryWorkspace, saved: Profile
) -> None:
    set_active("team")
    async with running(workspace) as driver:
        await editing(driver, "team")
        put(driver, "name", "crew")
        await save(driver)
        await driver.until(lambda: "crew" in load_user().profiles)
        await driver.idle()
        user = load_user()
        assert user.active == "crew" and "team" not in user.profiles
        assert user.profiles["crew"].api_url == OLD


@pytest.mark.parametrize(
    ("downs", "places"),
    [(0, {OLD: ("file",), NEW: ()}), (1, {OLD: (), NEW: ("file",)}), (2, {OLD: (), NEW: ()})],
    ids=["left", "moved", "deleted"],
)
@pytest.mark.slow
async def test_what_becomes_of_the_token_at_another_address_is_asked(
    workspace: MemoryWorkspace, saved: Profile, downs: int, places: dict[str, tuple[str, ...]]
) -> None:
    await workspace.credentials.store(OLD, token(TOKEN), Where.FILE)
    async with running(workspace) as driver:
        await editing(driver, "team")
        put(driver, "address", NEW)
        await save(driver)
        await driver.until(lambda: isinstance(driver.app.screen, ChoiceDialog))
        assert "What about the token?" in driver.screen_text()
        await driver.press(*["down"] * downs, "enter")
        await driver.until(lambda: load_user().profiles["team"].api_url == NEW)
        await driver.idle()
        assert await workspace.credentials.kept([OLD, NEW]) == places
        assert TOKEN not in driver.screen_text() + driver.said()


@pytest.mark.slow
async def test_the_profile_in_use_is_connected_again_when_it_changes(
    workspace: MemoryWorkspace, saved: Profile
) -> None:
    workspace.profile = saved
    async with running(workspace) as driver:
        await editing(driver, "team")
        put(driver, "address", NEW)
        await save(driver)
        await driver.until(
            lambda: (
                driver.app.session.profile is not None and driver.app.session.profile.api_url == NEW
            )
        )
        await driver.until(lambda: driver.app.session.connected)
        assert load_user().active is None


@pytest.mark.slow
async def test_the_built_in_profile_cannot_be_changed_and_says_why(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await driver.press_and_settle("5")
        profiles = driver.app.screen.query_one(ProfileList)
        while profiles.selected is None or profiles.selected.name != "embedded":
            await driver.press("k")
        await driver.press("e")
        assert "not in your configuration file" in driver.said()


@pytest.mark.slow
async def test_the_list_tells_where_tokens_are_kept(
    workspace: MemoryWorkspace, saved: Profile
) -> None:
    await workspace.credentials.store(OLD, token(TOKEN), Where.FILE)
    async with running(workspace) as driver:
        await driver.press("5")
        text = await driver.see("token: file")
        assert text.count("token: file") == 1
        assert TOKEN not in text
