"""What is imported when, the first frame, and terminals that are small or far away."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from flowtui.errors import UsageError
from flowtui.tui.app import FlowtuiApp
from flowtui.tui.widgets.flows import FlowTable
from flowtui.workspace import Workspace

HEAVY = ("httpx", "docker", "keyring", "sqlalchemy", "watchfiles", "graphql", "prefect")


def modules_after(code: str) -> set[str]:
    """Names of top-level modules in a fresh interpreter after this code."""
    script = f"{code}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(answer.stdout.split())


def test_the_app_imports_textual_and_nothing_heavy() -> None:
    loaded = modules_after("import flowtui.tui.app")
    assert "textual" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_registry_of_actions_and_the_deploys_need_no_textual() -> None:
    code = (
        "import flowtui.tui.actions, flowtui.tui.view_models.deploys, flowtui.tui.actions.keysheet"
    )
    assert modules_after(code).isdisjoint({"textual", "rich", *HEAVY})


def test_the_first_frame_needs_nothing_heavy() -> None:
    code = """
import asyncio, sys
from pathlib import Path
from flowtui.tui.app import FlowtuiApp
from flowtui.tui.work.connecting import Connecting
Connecting.open = lambda self: self._app.exit()
async def main():
    app = FlowtuiApp(Path())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
asyncio.run(main())"""
    assert modules_after(code).isdisjoint(HEAVY)


@pytest.mark.slow
async def test_the_screen_stands_while_the_workspace_is_still_being_opened(tmp_path: Path) -> None:
    never = asyncio.Event()

    async def open_workspace(
        path: Path, *, profile: str | None = None, api_url: str | None = None
    ) -> Workspace:
        await never.wait()
        raise AssertionError

    app = FlowtuiApp(tmp_path, open_workspace=open_workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.busy.descriptions == ("reading the settings",)
        await pilot.press("j", "question_mark", "escape", "1", "2")
        assert app.screen.query_one(FlowTable).has_focus


async def test_settings_that_cannot_be_read_are_a_problem_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "flowtui.toml").write_text("projekt = 'x'\n")
    app = FlowtuiApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        async with asyncio.timeout(20):
            await app.busy.wait_idle()
        await pilot.pause()
        problem = app.session.connection.problem
        assert problem is not None
        assert "projekt" in problem.what
        await pilot.press("exclamation_mark")
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        assert "projekt" in "\n".join("".join(s.text for s in strip) for strip in strips)


def test_a_bad_address_ends_in_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        asyncio.run(Workspace.open(tmp_path, api_url="not an address"))
