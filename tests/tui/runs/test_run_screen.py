"""One run on its screen: from waiting to its end, its task runs, its log and its graph."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flowtui.errors import ControlPlaneError
from flowtui.models import Ability
from flowtui.tui.looks.graph import layers
from flowtui.tui.screens.flow_run import FlowRunScreen
from flowtui.tui.widgets.flow_run.graph import RunGraph
from flowtui.tui.widgets.flow_run.tasks import TaskRunList
from flowtui.tui.widgets.flow_run.view import FlowRunView
from flowtui.tui.widgets.log.view import LogView
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.runs.acting import etl, going_on, look_again, open_run, with_flow

pytestmark = pytest.mark.slow


def log_lines(driver: Driver) -> list[str]:
    view = driver.app.screen.query_one(LogView)
    rows = ["".join(s.text for s in view.render_line(y)) for y in range(view.size.height)]
    return [row.rstrip(" │") for row in rows if row.strip(" │")]


async def test_what_it_is_how_it_stands_and_its_tasks_in_the_order_of_the_graph(
    workspace: MemoryWorkspace,
) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_run(driver, run)
        screen = await driver.see("etl v2  jolly-wren", "● Running", 'country="north"', "double")
        assert "Scheduled" in screen
        assert "Submitted +" in screen
        names = [line.label for line in driver.app.screen.query_one(TaskRunList)._tasks]
        assert names == ["country", "extract", "double", "load"]
        assert "2/5" in screen
        assert "1 failed" in screen
        assert "1 running" in screen


async def test_a_mapped_task_unfolds_and_the_next_failed_is_one_key_away(
    workspace: MemoryWorkspace,
) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_run(driver, run)
        await driver.press("j", "j", "enter")
        await driver.see("double[0]", "double[4]", "ZeroDivisionError")
        await driver.press("enter")
        await driver.until(lambda: "double[0]" not in driver.screen_text())
        await driver.press("n")
        await driver.see("double[1]")
        task = driver.app.screen.query_one(TaskRunList).task_line
        assert task is not None
        assert task.label == "double[1]"


async def test_the_log_of_one_task_and_back(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_run(driver, run)
        await driver.press("right_square_bracket")
        await driver.see("Beginning Flow run", "it broke", "double[1]", "Log: jolly-wren")
        await driver.press("h")
        await driver.see("double")
        await driver.press("j", "enter")
        await driver.see("Log: jolly-wren: extract")
        await driver.until(lambda: len(log_lines(driver)) == 1)
        assert log_lines(driver)[0].endswith("extracting")
        await driver.press("escape")
        await driver.see("Task runs", "double")
        await driver.press("j", "o")
        await driver.see("Log: jolly-wren: double", "it broke")


async def test_lines_that_come_are_followed_and_kept_per_task(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        watch = await open_run(driver, run)
        await driver.press("l")
        await driver.see("it broke")
        workspace.server.add_line(run.id, "one more")
        await look_again(driver, watch)
        await driver.see("one more", "4 lines, following")


async def test_the_first_error_is_one_key_away_from_every_tab(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    for _ in range(60):
        workspace.server.add_line(run.id, "noise")
    async with running(workspace) as driver:
        for keys in (("E",), ("h", "E")):
            await open_run(driver, run)
            await driver.press(*keys)
            await driver.see("it broke")
            assert not driver.app.screen.query_one(LogView).window.follow
            driver.app.pop_screen()
            await driver.settled()


async def test_a_run_that_fails_says_so_with_the_task_that_failed(
    workspace: MemoryWorkspace,
) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        watch = await open_run(driver, run)
        workspace.server.move_run(run.id, "Failed", "Some reference tasks failed.")
        await look_again(driver, watch)
        await driver.see("✗ Failed", "Task double[1]: ZeroDivisionError", "first error in the log")
        assert "run jolly-wren has ended: Failed" in driver.said()
        await driver.press("ctrl+x")
        assert "it has ended: Failed" in driver.said()


async def test_a_run_that_ends_well_says_so_once(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        watch = await open_run(driver, run)
        workspace.server.move_run(run.id, "Success", "All reference tasks succeeded.")
        await look_again(driver, watch)
        await look_again(driver, watch)
        await driver.see("✓ Success after", "All reference tasks succeeded.")
        assert driver.said().count("has ended") == 1


async def test_one_that_was_over_already_says_nothing(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    workspace.server.move_run(run.id, "Success")
    async with running(workspace) as driver:
        await open_run(driver, run)
        await driver.see("✓ Success after")
        assert "has ended" not in driver.said()


async def test_a_waiting_run_says_why_until_it_runs(workspace: MemoryWorkspace) -> None:
    server = with_flow(workspace).server
    run = server.add_run(etl(workspace), name="waiting")
    async with running(workspace) as driver:
        watch = await open_run(driver, run)
        await driver.see("No agent is there", "flowtui agent start", "No task runs yet")
        server.move_run(run.id, "Running", "Running flow.")
        server.add_task_run(run.id, "extract", "Running")
        await look_again(driver, watch)
        await driver.see("● Running", "extract")
        assert "No agent is there" not in driver.screen_text()


async def test_the_graph_has_a_mark_for_each_state_and_counts(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        watch = await open_run(driver, run)
        await driver.press("h")
        await driver.see("(✓ country)", "[✓ extract]", "● double 2/5", "[· load]")
        server = workspace.server
        load = next(task for task in watch.tasks if task.task == "load")
        server.move_task_run(run.id, load.id, "Running")
        await look_again(driver, watch)
        await driver.see("[● load]")


async def test_only_what_stands_otherwise_is_drawn_again(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = going_on(with_flow(workspace))
    drawn: list[int] = []
    async with running(workspace) as driver:
        watch = await open_run(driver, run)
        await driver.press("h")
        await driver.see("● double 2/5")
        monkeypatch.setattr(RunGraph, "refresh_line", lambda _, y: drawn.append(y))
        await look_again(driver, watch)
        await driver.idle()
        assert drawn == []
        load = next(task for task in watch.tasks if task.task == "load")
        workspace.server.move_task_run(run.id, load.id, "Running")
        await look_again(driver, watch)
        await driver.until(lambda: len(drawn) == 1)


async def test_a_control_plane_that_does_not_return_flows_has_no_graph(
    workspace: MemoryWorkspace,
) -> None:
    run = going_on(with_flow(workspace))
    workspace.server.serialized.clear()
    async with running(workspace) as driver:
        driver.app.flow_run.know(run)
        driver.app.push_screen(FlowRunScreen(run.id))
        await driver.see("double")
        await driver.press("h")
        await driver.see("there is no graph")


async def test_what_is_too_tangled_is_a_list_with_the_same_marks(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MOST_TASKS", 2)
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_run(driver, run)
        await driver.press("h")
        await driver.see("✓ country", "✓ extract", "● double 2/5", "· load")


async def test_tabs_by_jump_mode_and_by_mouse(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_run(driver, run)
        view = driver.app.screen.query_one(FlowRunView)
        _, log, graph = view.jump_spots()
        row = driver.screen_text().splitlines()[graph.at.y]
        assert row[graph.at.x + 1 :].startswith("Graph")
        graph.go()
        await driver.see("● double 2/5")
        await driver.pilot.click("#flow-run-tabs", offset=(log.at.x + 2, 0))
        await driver.see("it broke", "Log: jolly-wren")
        await driver.press("z")
        await driver.until(lambda: "etl v2" not in driver.screen_text())
        await driver.press("escape")
        await driver.see("etl v2", "it broke")


async def test_long_names_make_way_for_the_state(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    long = replace(run, name="n" * 100, flow="f" * 100)
    workspace.server.runs[0] = long
    async with running(workspace) as driver:
        await open_run(driver, long)
        await driver.see("fff…", "nnn…", "● Running", "since")


async def test_lost_answers_are_tried_again_and_nothing_is_lost(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        watch = await open_run(driver, run)
        workspace.server.refusal = ControlPlaneError("gone away")
        driver.app.flow_run.look_again()
        await driver.until(lambda: watch.failures > 0)
        watch.answered = datetime.now(UTC) - timedelta(seconds=12)
        driver.app.flow_run.look_again()
        await driver.see("last answer 12 s ago", "double")
        workspace.server.refusal = None
        workspace.server.add_line(run.id, "came meanwhile")
        await look_again(driver, watch)
        await driver.press("l")
        screen = await driver.see("came meanwhile")
        assert "last answer" not in screen
        assert watch.log.store.total == 4


async def test_a_run_that_is_gone_says_so(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_run(driver, run)
        workspace.server.runs.clear()
        driver.app.flow_run.look_again()
        await driver.see("does not know this run any more")


async def test_cancel_asks_and_again_takes_the_parameters_over(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_run(driver, run)
        await driver.press("ctrl+x", "enter")
        assert workspace.server.cancelled == []
        await driver.press("ctrl+x", "down", "enter")
        await driver.until(lambda: workspace.server.cancelled == [run.id])
        await driver.see("Cancelling", "It is being cancelled")
        await driver.press("R")
        await driver.see("Run etl v2 again", "north")
        await driver.press("enter")
        await driver.until(lambda: len(workspace.server.requests) == 1)
        assert workspace.server.requests[0].parameters == {"country": "north"}
        await driver.until(lambda: isinstance(driver.app.screen, FlowRunScreen))
        assert driver.app.screen.run_id != run.id  # type: ignore[attr-defined]


async def test_ten_thousand_lines_in_one_answer_keep_the_keys_alive(
    workspace: MemoryWorkspace,
) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        watch = await open_run(driver, run)
        lines = [workspace.server.add_line(run.id, f"line {number}") for number in range(10_000)]
        await driver.press("l")
        driver.app.flow_run.look_again()
        await driver.until(lambda: watch.log.store.total > 3)
        await driver.press("h", "h")
        await driver.see("[✓ extract]")
        await driver.press("h")
        await driver.until(lambda: watch.log.store.total == len(lines) + 3)
        await driver.press("f")
        await driver.see("line 9999", "10003 lines, following")


async def test_a_thousand_children_are_one_line_until_they_are_unfolded(
    workspace: MemoryWorkspace,
) -> None:
    run = going_on(with_flow(workspace), children=1_000)
    async with running(workspace) as driver:
        await open_run(driver, run)
        await driver.see("500/1000", "1 failed")
        await driver.press("j", "j", "enter")
        await driver.see("double[0]")
        await driver.press("G", "k")
        await driver.see("double[999]")
        await driver.press("h")
        await driver.see("double 500/1000")


async def test_hostile_names_messages_and_lines_do_no_harm(workspace: MemoryWorkspace) -> None:
    server = with_flow(workspace).server
    run = going_on(workspace)
    evil = "[b]evil[/b]\x1b[2J\x1b]0;title\x07\nsecond line"
    server._tasks[run.id] = [
        replace(task, task=evil, message=evil, state=evil if n else "Failed")
        for n, task in enumerate(server._tasks[run.id])
    ]
    server.add_line(run.id, evil, logger=evil, task_run_id=server._tasks[run.id][0].id)
    server.runs[0] = replace(
        server.runs[0], name=evil, state="Failed", message=evil, parameters={evil: evil}
    )
    async with running(workspace, size=(120, 40)) as driver:
        await open_run(driver, run)
        for _ in range(3):
            await driver.see("[b]evil[/b]")
            await driver.press("n")
            assert "\x1b" not in driver.screen_text()
            await driver.press("right_square_bracket")
        await driver.press("E")
        assert "\x1b" not in driver.screen_text()


async def test_leaving_it_ends_the_looks_and_coming_back_begins_them(
    workspace: MemoryWorkspace,
) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        watch = await open_run(driver, run)

        def looking() -> bool:
            return any(w.group == "run-watch" and not w.is_finished for w in driver.app.workers)

        assert looking()
        await driver.press("escape")
        await driver.until(lambda: not looking())
        await open_run(driver, run)
        assert looking()
        assert watch.log.store.total == 3, "its lines are not read twice"


async def test_a_run_that_was_forgotten_is_read_from_its_first_line(
    workspace: MemoryWorkspace,
) -> None:
    """As after another profile was used in between."""
    run = going_on(with_flow(workspace))
    async with running(workspace) as driver:
        await open_run(driver, run)
        await driver.press("escape")
        driver.app.session.run_watches.clear()
        watch = await open_run(driver, run)
        await driver.until(lambda: watch.log.store.total == 3)


async def test_read_only_neither_cancels_nor_runs_again(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace, read_only=True) as driver:
        await open_run(driver, run)
        for key in ("ctrl+x", "R"):
            await driver.press(key)
            assert "started with --read-only" in driver.said()
            driver.app.clear_notifications()


async def test_the_command_lines_are_those_of_this_run(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    async with running(workspace, size=(160, 45)) as driver:
        await open_run(driver, run)
        await driver.press("dollar_sign")
        await driver.see("Command lines", f"{run.id} --follow", "runs again", "runs cancel")


async def test_without_the_ability_nothing_of_it_is_asked(workspace: MemoryWorkspace) -> None:
    run = going_on(with_flow(workspace))
    workspace.server.abilities = frozenset(Ability) - {Ability.CANCEL_RUNS, Ability.TELL_AGENTS}
    async with running(workspace) as driver:
        await open_run(driver, run)
        await driver.press("ctrl+x")
        assert "cannot cancel runs" in driver.said()
