"""The first start: three keys to a control plane, offered until one was used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from flowtui import paths
from flowtui.api.probe import Answer
from flowtui.config import load_user, save_profile, set_active
from flowtui.models import Discovery, FlowKind, Interpreter, LocalFlow, Origin, Profile
from flowtui.tui.embedded import EmbeddedServer, kind_at
from flowtui.tui.screens.dialogs import ConfirmDialog, NameDialog, StoreDialog, TokenDialog
from flowtui.tui.screens.first_start import FirstStartScreen
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.screens.profile_dialog import ProfileDialog
from tests.tui.driving import Driver, running
from tests.tui.memory import ADDRESS, MemoryWorkspace, flow

TOKEN = "tok-first-start-8817"


@pytest.fixture
def fresh(tmp_path: Path) -> MemoryWorkspace:
    """Nothing was ever used, and nothing answers."""
    folder = tmp_path / "pipelines"
    folder.mkdir()
    made = MemoryWorkspace(folder, Profile("embedded", ADDRESS, Origin.DEFAULT))
    made.server_is_up = False
    made.found = Discovery(str(folder), (flow("etl"), flow("report", "flows/r.py", 4)), (), 9)
    return made


async def answers_nothing(api_url: str, ca_file: Path | None = None) -> Answer:
    return Answer(True, "answers: memory server 1.0")


async def sheet(driver: Driver) -> str:
    await driver.until(lambda: isinstance(driver.app.screen, FirstStartScreen))
    await driver.idle()
    return driver.screen_text()


async def test_it_tells_what_is_here_and_leads_in_three_keys_to_a_first_project(
    fresh: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(
        self: EmbeddedServer, api_url: str, answers: Callable[[], Awaitable[bool]]
    ) -> None:
        fresh.server_is_up = True
        assert await answers()

    async def ended(self: EmbeddedServer) -> None:
        await never.wait()

    never = asyncio.Event()
    monkeypatch.setattr(EmbeddedServer, "start", start)
    monkeypatch.setattr(EmbeddedServer, "ended", ended)
    async with running(fresh) as driver:
        text = await sheet(driver)
        assert "2 flows found in this folder." in text
        assert "Start the embedded server" in text and "Use what Prefect" not in text
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, NameDialog))
        assert "pipelines" in driver.screen_text()
        await driver.press("enter")
        await driver.see("pipelines 0", "not deployed")
        assert [project.name for project in fresh.server.project_list] == ["pipelines"]
        assert isinstance(driver.app.screen, MainScreen)


async def test_escape_leaves_and_it_does_not_come_back_by_itself(fresh: MemoryWorkspace) -> None:
    async with running(fresh) as driver:
        await sheet(driver)
        await driver.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, MainScreen))
        await driver.press_and_settle("r")
        assert isinstance(driver.app.screen, MainScreen)
        assert load_user().active is None


@pytest.mark.parametrize("used", ["profile", "active", "server"])
async def test_it_never_comes_once_something_was_used(fresh: MemoryWorkspace, used: str) -> None:
    if used == "profile":
        save_profile(Profile("team", "https://prefect.example.com", Origin.USER_FILE))
    elif used == "active":
        set_active("embedded")
    else:
        paths.server_database().parent.mkdir(parents=True)
        paths.server_database().touch()
    async with running(fresh) as driver:
        assert isinstance(driver.app.screen, MainScreen)


async def test_it_does_not_come_for_an_address_that_was_asked_for(tmp_path: Path) -> None:
    asked = MemoryWorkspace(tmp_path, Profile("x", ADDRESS, Origin.ENVIRONMENT))
    asked.server_is_up = False
    async with running(asked) as driver:
        assert isinstance(driver.app.screen, MainScreen)


async def test_a_real_control_plane_is_an_address_a_token_and_a_place(
    fresh: MemoryWorkspace,
) -> None:
    async with running(fresh) as driver:
        driver.app.connecting.probe = answers_nothing  # type: ignore[method-assign]
        await sheet(driver)
        fresh.server_is_up, fresh.refuse_token = True, True
        await driver.press("j", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ProfileDialog))
        await driver.type("team")
        await driver.press("enter")
        await driver.type("https://prefect.example.com")
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, TokenDialog))
        workspace = driver.app.session.workspace
        assert isinstance(workspace, MemoryWorkspace)
        workspace.refuse_token = False
        await driver.type(TOKEN)
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, StoreDialog))
        await driver.press("enter")
        await driver.until(lambda: driver.app.session.connected)
        await driver.idle()
        assert load_user().active == "team"
        assert driver.app.session.connection.token_source == "this session"
        assert TOKEN not in driver.screen_text() + driver.said()


@pytest.mark.slow
async def test_prefects_own_address_is_offered_and_its_token_only_when_asked(
    fresh: MemoryWorkspace, own_home: Path
) -> None:
    folder = own_home / ".prefect"
    folder.mkdir()
    (folder / "config.toml").write_text('[cloud]\napi = "https://prefect.example.com"\n')
    (folder / "auth.toml").write_text(f'api_key = "{TOKEN}"\n')
    async with running(fresh) as driver:
        text = await sheet(driver)
        assert "https://prefect.example.com (from ~/.prefect/config.toml)" in text
        fresh.server_is_up, fresh.refuse_token = True, True
        await driver.press("j", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ConfirmDialog))
        assert load_user().profiles["prefect"].api_url == "https://prefect.example.com"
        assert driver.app.session.connection.token_source == "none"
        workspace = driver.app.session.workspace
        assert isinstance(workspace, MemoryWorkspace)
        workspace.refuse_token = False
        await driver.press("down", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, StoreDialog))
        await driver.press("enter")
        await driver.until(lambda: driver.app.session.connected)
        assert TOKEN not in driver.screen_text() + driver.said()


def _prefect_project(fresh: MemoryWorkspace, *, mixed: bool = False) -> None:
    functions = (
        LocalFlow("f.py", 4, "daily", FlowKind.FLOW_FUNCTION, "daily", deployment="default"),
        LocalFlow("g.py", 4, "hourly", FlowKind.FLOW_FUNCTION, "hourly", deployment="default"),
    )
    more = (flow("etl"),) if mixed else ()
    fresh.found = Discovery(str(fresh.root), (*functions, *more), (), 9)


@pytest.mark.slow
async def test_a_project_of_prefect_3_is_offered_its_own_server(
    fresh: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, str]] = []

    async def python(root: Path, configured: str | None) -> Interpreter:
        return Interpreter("/project/.venv/bin/python", "3.12.1", "3.9.1", None, "the project's")

    async def start(
        self: EmbeddedServer, api_url: str, answers: Callable[[], Awaitable[bool]]
    ) -> None:
        started.append((self.kind.option, api_url))
        workspace = driver.app.session.workspace
        assert isinstance(workspace, MemoryWorkspace)
        workspace.server_is_up = True
        assert await answers()

    async def ended(self: EmbeddedServer) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("flowtui.source.interpreter.find_interpreter", python)
    monkeypatch.setattr(EmbeddedServer, "start", start)
    monkeypatch.setattr(EmbeddedServer, "ended", ended)
    _prefect_project(fresh)
    async with running(fresh) as driver:
        text = await sheet(driver)
        assert "Start Prefect's own server" in text and "embedded server" not in text
        await driver.press("enter")
        await driver.until(lambda: driver.app.session.connected)
        await driver.idle()
        user = load_user()
        assert user.active == "prefect3"
        assert started == [("--prefect3", user.profiles["prefect3"].api_url)]


async def test_a_folder_with_both_is_offered_both(fresh: MemoryWorkspace) -> None:
    _prefect_project(fresh, mixed=True)
    async with running(fresh) as driver:
        text = await sheet(driver)
        assert text.index("Start Prefect's own server") < text.index("Start the embedded server")


async def test_why_the_project_has_no_such_server_is_said(
    fresh: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def python(root: Path, configured: str | None) -> Interpreter:
        return Interpreter("/usr/bin/python3", "3.12.1", None, None, "found")

    monkeypatch.setattr("flowtui.source.interpreter.find_interpreter", python)
    _prefect_project(fresh)
    async with running(fresh) as driver:
        await sheet(driver)
        await driver.press("enter")
        await driver.until(lambda: driver.app.session.server_problem is not None)
        problem = driver.app.session.server_problem
        assert problem is not None and "no Prefect" in problem.what
        assert load_user().active is None


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:4200", "the embedded server"),
        ("http://localhost:4201/api", "Prefect's own server"),
        ("https://127.0.0.1/api", None),
        ("http://prefect.example.com/api", None),
        ("http://127.0.0.1:4200/graphql", None),
    ],
)
def test_the_address_says_which_server_can_be_started_there(
    address: str, words: str | None
) -> None:
    kind = kind_at(address)
    assert (kind.words if kind is not None else None) == words
