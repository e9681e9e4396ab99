"""Keys that arrive all at once, as from a paste: each does what it would do alone."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from flowtui.tui.app import FlowtuiApp
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace

NAMES = {"/": "slash", " ": "space", "\r": "enter", "&": "ampersand"}


def burst(app: FlowtuiApp, text: str) -> None:
    """All of these keys before the app has dealt with the first."""
    for character in text:
        key = NAMES.get(character, character)
        app.post_message(events.Key(key, character))


async def test_what_is_typed_behind_a_slash_is_the_filter(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        burst(driver.app, "/hello\r")
        await driver.until(lambda: filter_of(driver) == "hello")
        await driver.idle()
        assert driver.app.session.deploys.running == ()
        assert workspace.deploys == []
        assert "hello" in driver.screen_text()
        assert "report" not in driver.screen_text().partition("2 Flows")[2].partition("3")[0]


async def test_a_dialog_gets_what_is_typed_behind_the_key_that_opens_it(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        burst(driver.app, "1nnightly jobs\r")
        await driver.until(
            lambda: any(p.name == "nightly jobs" for p in workspace.server.project_list)
        )
        await driver.idle()
        assert len(workspace.server.project_list) == 3


async def test_many_keys_arrive_in_order(workspace: MemoryWorkspace) -> None:
    text = "the quick brown fox jumps over the lazy dog" * 3
    async with running(workspace) as driver:
        burst(driver.app, f"/{text}")
        await driver.until(lambda: filter_of(driver) == text)


def filter_of(driver: Driver) -> str:
    return driver.app.screen.query_one("#filter", Input).value
