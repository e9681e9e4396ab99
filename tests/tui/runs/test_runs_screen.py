"""The list of runs: live, filtered, page by page, kind to the control plane."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from textual.widgets import OptionList

from flowtui.errors import ControlPlaneError
from flowtui.models import Ability
from flowtui.run_models import FlowRun
from flowtui.runs import listing
from flowtui.runs.listing import RunQuery, Shown
from flowtui.tui.screens.flow_run import FlowRunScreen
from flowtui.tui.screens.flow_runs import FlowRunsScreen
from flowtui.tui.screens.run_form import RunForm
from flowtui.tui.widgets.runs.list import RunList
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.runs.acting import ended, etl, going_on, with_flow
from tests.tui.test_versions_and_runs import open_tab

pytestmark = pytest.mark.slow


async def open_runs(driver: Driver) -> RunList:
    await driver.press("7")
    await driver.until(lambda: driver.app.session.run_listing.runs is not None)
    await driver.settled()
    return driver.app.screen.query_one(RunList)


async def look(driver: Driver) -> None:
    """As if the time had come."""
    before = driver.app.session.run_listing
    driver.app.flow_runs.follow()
    await driver.until(lambda: driver.app.session.run_listing is not before)


async def test_states_names_versions_and_times(workspace: MemoryWorkspace) -> None:
    ended(with_flow(workspace), 1, "Failed")
    going_on(workspace)
    late = workspace.server.add_run(etl(workspace), name="late", labels=("gpu", "eu"))
    due = datetime.now(UTC) - timedelta(minutes=7)
    workspace.server.runs[0] = replace(late, scheduled=due, state_start=due)
    async with running(workspace, size=(160, 45)) as driver:
        await open_runs(driver)
        lines = driver.screen_text().splitlines()
        for words in (
            ("● Running", "etl", "jolly-wren", "v2", "just now", "My Project"),
            ("· Scheduled", "etl", "late", "late 7m", "gpu, eu"),
            ("✗ Failed", "old-0", "5m ago", "42s"),
        ):
            assert any(all(word in line for word in words) for line in lines), words


async def test_at_80_columns_nothing_is_cut_off(workspace: MemoryWorkspace) -> None:
    ended(with_flow(workspace), 3)
    async with running(workspace) as driver:
        await open_runs(driver)
        for line in driver.screen_text().splitlines():
            if "old-" in line:
                assert "42s" in line
                assert "✓ Success" in line


async def test_the_cursor_stays_on_its_run_while_others_come(workspace: MemoryWorkspace) -> None:
    runs = ended(with_flow(workspace), 50)
    async with running(workspace) as driver:
        table = await open_runs(driver)
        await driver.press(*["j"] * 25)
        row = table.number or 0
        at = row - table.scroll_offset.y
        assert table.run is not None
        assert table.run.id == runs[row].id
        for _ in range(3):
            workspace.server.add_run(etl(workspace))
        await look(driver)
        await driver.settled()
        assert table.run.id == runs[row].id
        assert (table.number or 0) - table.scroll_offset.y == at, "and at its place on the screen"


async def test_states_are_gone_through_by_a_key(workspace: MemoryWorkspace) -> None:
    ended(with_flow(workspace), 2, "Failed")
    going_on(workspace)
    soon = datetime.now(UTC) + timedelta(hours=3)
    workspace.server.add_run(etl(workspace), name="planned", start=soon)
    async with running(workspace) as driver:
        await open_runs(driver)
        assert "planned" not in driver.screen_text(), "what is planned for later is apart"
        for shown, words in (
            (Shown.WAITING, "No run is waiting"),
            (Shown.RUNNING, "jolly-wren"),
            (Shown.FAILED, "old-1"),
            (Shown.SUCCEEDED, "No run is succeeded"),
            (Shown.CANCELLED, "No run is cancelled"),
            (Shown.PLANNED, "planned"),
        ):
            await driver.press("f")
            await driver.see(words, str(shown))
        await driver.see("in 2h")
        await driver.press("escape")
        await driver.see("jolly-wren", "old-0")
        await driver.press("escape")
        await driver.until(lambda: not isinstance(driver.app.screen, FlowRunsScreen))


async def test_words_filter_and_escape_shows_all(workspace: MemoryWorkspace) -> None:
    ended(with_flow(workspace), 2, "Failed")
    going_on(workspace)
    async with running(workspace) as driver:
        await open_runs(driver)
        await driver.press("slash")
        await driver.type("failed !old-0")
        await driver.until(lambda: "jolly-wren" not in driver.screen_text())
        assert "old-1" in driver.screen_text()
        await driver.press("enter", "slash")
        await driver.type(" nothing")
        await driver.see("No run has these words")
        await driver.press("escape")
        await driver.see("jolly-wren", "old-0")


async def test_the_flows_of_this_folder_alone(workspace: MemoryWorkspace) -> None:
    server = with_flow(workspace).server
    going_on(workspace)
    server.add_run(server.add_version("elsewhere", "My Project"), name="not-mine")
    async with running(workspace) as driver:
        await open_runs(driver)
        await driver.see("not-mine", "jolly-wren")
        await driver.press("a")
        await driver.until(lambda: "not-mine" not in driver.screen_text())
        await driver.see("jolly-wren", "of this folder")
        await driver.press("a")
        await driver.see("not-mine")


async def test_pages_come_when_their_place_is_reached(workspace: MemoryWorkspace) -> None:
    ended(with_flow(workspace), 450)
    async with running(workspace) as driver:
        table = await open_runs(driver)
        assert len(driver.app.session.run_listing.runs or ()) == 100
        await driver.see("Runs (100+)")
        for known in (190, 280, 370, 450):
            await driver.press("G")
            await driver.until(
                lambda known=known: len(driver.app.session.run_listing.runs or ()) >= known  # type: ignore[misc]
            )
        await driver.see("Runs (450)")
        await driver.press("G")
        assert table.run is not None
        assert table.run.name == "old-449"
        workspace.server.listings_of_runs.clear()
        await look(driver)
        await driver.idle()
        offsets = set(workspace.server.listings_of_runs)
        assert offsets <= {0, 300, 400}, "only what is new and what is in view is read again"
        assert 400 in offsets


async def test_a_filter_looks_through_more_pages(workspace: MemoryWorkspace) -> None:
    ended(with_flow(workspace), 350)
    async with running(workspace) as driver:
        await open_runs(driver)
        await driver.press("slash")
        await driver.type("old-349")
        await driver.until(lambda: driver.app.session.run_listing.complete)
        await driver.see("✓ Success", "old-349")


async def test_errors_keep_the_rows_and_say_since_when(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_runs(driver)
        workspace.server.refusal = ControlPlaneError("gone away")
        await look(driver)
        await driver.see("jolly-wren", "last answer")
        workspace.server.refusal = None
        await look(driver)
        await driver.until(lambda: "last answer" not in driver.screen_text())


async def test_a_page_that_cannot_be_read_is_not_asked_for_again_and_again(
    workspace: MemoryWorkspace,
) -> None:
    ended(with_flow(workspace), 150)
    async with running(workspace) as driver:
        await open_runs(driver)
        refused: list[int] = []

        async def refuse(**wanted: object) -> tuple[FlowRun, ...]:
            refused.append(1)
            raise ControlPlaneError("gone away")

        workspace.server.flow_runs = refuse  # type: ignore[method-assign, assignment]
        await driver.press("G")
        await driver.until(lambda: driver.app.session.run_listing.problem is not None)
        for _ in range(50):
            await driver.settled()
        assert len(refused) <= 2
        await driver.see("old-9", "last answer")


async def test_an_error_at_first_says_what_and_what_next(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace)) as driver:
        workspace.server.refusal = ControlPlaneError("gone away", fix="try again later")
        await driver.press("7")
        await driver.see("gone away", "try again later")


async def test_nobody_is_asked_while_it_is_out_of_sight(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOVING", 0.01)
    going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_runs(driver)
        asked = workspace.server.listings_of_runs
        await driver.until(lambda: len(asked) > 3)
        await driver.press("escape")
        await driver.until(lambda: not isinstance(driver.app.screen, FlowRunsScreen))
        await driver.idle()
        reading = [w for w in driver.app.workers if w.group == "runs" and not w.is_finished]
        assert reading == []


async def test_a_run_is_cancelled_after_a_question(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_runs(driver)
        await driver.press("ctrl+x")
        await driver.see("Cancel “jolly-wren” of “etl”?")
        assert driver.app.screen.query_one(OptionList).highlighted == 0, "the cursor is on no"
        await driver.press("down", "enter")
        await driver.until(lambda: workspace.server.cancelled == [run.id])
        await driver.see("Cancelling")
        assert "is being cancelled" in driver.said()
        await driver.press("ctrl+x")
        assert "it is being cancelled" in driver.said()


async def test_enter_opens_and_two_keys_ask_for_parameters(workspace: MemoryWorkspace) -> None:
    going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_runs(driver)
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, FlowRunScreen))
        await driver.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, FlowRunsScreen))
        for key, title in (("n", "Run etl v2"), ("R", "Run etl v2 again")):
            await driver.press(key)
            await driver.see(title)
            assert isinstance(driver.app.screen, RunForm)
            await driver.press_and_settle("escape")


async def test_why_a_run_waits(workspace: MemoryWorkspace) -> None:
    server = with_flow(workspace).server
    server.add_run(etl(workspace), name="waiting", labels=("gpu",))
    async with running(workspace) as driver:
        await open_runs(driver)
        await driver.press("w")
        await driver.see("Why “waiting” of “etl” waits", "No agent is there", "flowtui agent start")
        await driver.press("escape")
        server.add_agent("mine", "DockerAgent", ("eu",), last_seen=datetime.now(UTC))
        await driver.press("w")
        await driver.see("lacks “gpu”")


async def test_what_does_not_wait_says_so(workspace: MemoryWorkspace) -> None:
    going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_runs(driver)
        await driver.press("w")
        assert "it does not wait: Running" in driver.said()


async def test_without_runs_it_says_how_to_get_some(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace)) as driver:
        await driver.press("7")
        await driver.see("Nothing has run yet", "x on a flow")
        await driver.press("enter")
        assert "there is no run under the cursor" in driver.said()


async def test_what_the_control_plane_cannot_is_grey_with_its_reason(
    workspace: MemoryWorkspace,
) -> None:
    going_on(with_flow(workspace))
    lacking = {Ability.START_RUNS, Ability.CANCEL_RUNS, Ability.TELL_RUN_DETAILS}
    workspace.server.abilities = frozenset(Ability) - lacking - {Ability.TELL_AGENTS}
    async with running(workspace) as driver:
        await open_runs(driver)
        for key, ability in (
            ("enter", Ability.TELL_RUN_DETAILS),
            ("n", Ability.START_RUNS),
            ("R", Ability.START_RUNS),
            ("ctrl+x", Ability.CANCEL_RUNS),
            ("w", Ability.TELL_AGENTS),
        ):
            await driver.press(key)
            assert f"this control plane cannot {ability}" in driver.said()
            driver.app.clear_notifications()
        assert isinstance(driver.app.screen, FlowRunsScreen)


async def test_read_only_neither_starts_nor_cancels(workspace: MemoryWorkspace) -> None:
    going_on(with_flow(workspace))
    async with running(workspace, read_only=True) as driver:
        await open_runs(driver)
        for key in ("n", "R", "ctrl+x"):
            await driver.press(key)
            assert "started with --read-only" in driver.said()
            driver.app.clear_notifications()
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, FlowRunScreen))


async def test_hostile_names_do_no_harm(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    evil = "[b]evil[/b]\x1b[2J\x1b]0;title\x07\nsecond line"
    workspace.server.runs[0] = replace(
        run, name=evil, flow=evil, project=evil, state=evil, message=evil, labels=(evil,)
    )
    async with running(workspace, size=(160, 45)) as driver:
        await open_runs(driver)
        assert "\x1b" not in await driver.see("[b]evil[/b]")
        await driver.press("ctrl+x", "w")
        assert "\x1b" not in driver.screen_text()


async def test_the_runs_of_a_flows_details_have_the_same_keys(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace, size=(160, 45)) as driver:
        await open_tab(driver, "runs")
        await driver.see("jolly-wren")
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, FlowRunScreen))
        await driver.press("escape")
        await driver.press("n")
        await driver.see("Run etl v2")
        await driver.press_and_settle("escape")
        await driver.press("ctrl+x", "down", "enter")
        await driver.until(lambda: workspace.server.cancelled == [run.id])
        await driver.until(lambda: "Cancelling" in driver.screen_text())


async def test_a_filter_of_states_asks_the_control_plane(workspace: MemoryWorkspace) -> None:
    ended(with_flow(workspace), 150)
    failed = ended(workspace, 151)[150]
    workspace.server.runs[-1] = replace(failed, state="Failed")
    async with running(workspace) as driver:
        await open_runs(driver)
        driver.app.flow_runs.ask(RunQuery(Shown.FAILED))
        await driver.see("old-150", "Runs (1)")
