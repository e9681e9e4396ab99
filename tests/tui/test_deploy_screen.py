"""From the plan to the result, by keys alone at 80x24. The deploys wait for the test."""

from __future__ import annotations

import asyncio

import pytest

from flowtui.deploy.events import (
    Level,
    LogLine,
    Outcome,
    Progress,
    Stage,
    log_line,
    problem_found,
)
from flowtui.deploy.plan import Lane
from flowtui.errors import DeployError
from flowtui.models import Problem
from flowtui.tui.screens.deploy import DeployScreen
from flowtui.tui.screens.deploys import DeploysScreen
from flowtui.tui.screens.dialogs import ConfirmDialog
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.view_models.deploys import Phase
from flowtui.tui.widgets.log.view import LogView
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryDeploy, MemoryWorkspace


def said(driver: Driver) -> str:
    return "\n".join(notification.message for notification in driver.app._notifications)


async def started(driver: Driver) -> MemoryDeploy:
    """The plan of the first flow is shown and carried out."""
    count = len(driver.workspace.deploys)
    await driver.press("enter")
    await shown(driver, "nothing is done until you press Enter")
    await driver.press("enter")
    await driver.until(lambda: len(driver.workspace.deploys) == count + 1)
    return driver.workspace.deploys[-1]


async def shown(driver: Driver, *words: str) -> None:
    """Until all of these words stand on the screen."""
    await driver.until(lambda: all(word in driver.screen_text() for word in words))


async def end(driver: Driver, run: MemoryDeploy) -> None:
    run.finish(
        Outcome.DONE, version=3, image="registry.example.com/etl:abc", digest="sha256:" + "ab" * 32
    )
    await driver.idle()


async def test_the_plan_comes_first_and_escape_leaves_without_a_deploy(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        await driver.press_and_settle("enter")
        text = driver.screen_text()
        for words in (
            "docker image",
            "no version of it was made",
            "My Project",
            "2 files, 21.2 kB",
        ):
            assert words in text
        await driver.press("2")
        assert "pandas==2.1.0" in driver.screen_text()
        assert "inferred" in driver.screen_text()
        await driver.press("3")
        assert "FROM python:3.11-slim" in driver.screen_text()
        await driver.press("4")
        assert "flow.pickle" in driver.screen_text()
        assert ".env" in driver.screen_text()
        await driver.press("escape")
        assert isinstance(driver.app.screen, MainScreen)
        assert workspace.deploys == []
        assert not list(driver.app.session.deploys)


async def test_nothing_to_do_is_not_done_unless_forced(workspace: MemoryWorkspace) -> None:
    workspace.lane = Lane.NOTHING
    async with running(workspace) as driver:
        await driver.press_and_settle("enter")
        assert "nothing to do" in driver.screen_text()
        await driver.press("enter")
        assert "press f to deploy all the same" in said(driver)
        assert workspace.deploys == []
        await driver.press_and_settle("f")
        assert "docker image" in driver.screen_text()
        await driver.press("enter")
        await driver.until(lambda: len(workspace.deploys) == 1)
        await end(driver, workspace.deploys[0])


async def test_a_plan_that_cannot_be_made_shows_the_problem_and_can_be_made_again(
    workspace: MemoryWorkspace,
) -> None:
    workspace.plan_error = DeployError(
        "No module named 'pandas'", where="flows/etl.py:3", fix="install it in the .venv"
    )
    async with running(workspace) as driver:
        await driver.press_and_settle("enter")
        text = driver.screen_text()
        for words in ("No module named 'pandas'", "flows/etl.py:3", "install it in the .venv"):
            assert words in text
        await driver.press("enter")
        assert workspace.deploys == []
        session = driver.app.session
        assert "No module named 'pandas'" in [problem.what for problem in session.problems()]
        workspace.plan_error = None
        await driver.press_and_settle("r")
        assert "docker image" in driver.screen_text()
        assert "No module named 'pandas'" not in [problem.what for problem in session.problems()]


async def test_a_save_takes_back_why_no_plan_could_be_made(workspace: MemoryWorkspace) -> None:
    workspace.plan_error = DeployError("No module named 'pandas'")
    async with running(workspace) as driver:
        await driver.press_and_settle("enter")
        await driver.press_and_settle("escape")
        await driver.see("2 problems")
        workspace.change(workspace.found, "flows/etl.py")
        await driver.see("1 problem ")


@pytest.mark.slow
async def test_a_message_as_long_as_the_room_is_shown_whole(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        for length in range(48, 60):
            driver.app.say(f"{'x' * (length - 5)} end{length}"[-length:])
            await driver.see(f"end{length}")


async def test_stages_progress_log_and_result(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        run = await started(driver)
        run.start(Stage.SERIALIZE)
        run.done(Stage.SERIALIZE, 0.4)
        run.start(Stage.BUILD)
        run.emit(log_line(run.id, Stage.BUILD, "Step 1/4 : FROM python"))
        run.emit(
            Progress(
                deploy=run.id, stage=Stage.BUILD, item="step", current=1, total=4, unit="steps"
            )
        )
        await shown(driver, "✓ done 0.4s", "● running", "· waiting", "1 of 4 steps")
        await shown(driver, "Log: build", "Step 1/4 : FROM python", "following")
        run.done(Stage.BUILD, 61)
        for stage in (Stage.HEALTH_CHECK, Stage.PUSH, Stage.REGISTER):
            run.start(stage)
            run.done(stage, 2.0)
        await end(driver, run)
        await shown(driver, "version 3 is registered", "sha256:" + "ab" * 32, "✓ done 1m01s")
        assert "registry.example.com/etl:abc" in driver.screen_text()


async def test_number_and_arrow_keys_show_the_logs_of_other_stages(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        run = await started(driver)
        for stage in Stage:
            run.start(stage)
            run.emit(log_line(run.id, stage, f"words of {stage}"))
            run.done(stage)
        await shown(driver, "words of register")
        for key, stage in zip("12345", Stage, strict=True):
            await driver.press(key)
            await shown(driver, f"Log: {stage}", f"words of {stage}")
        await driver.press("left")
        await shown(driver, "words of push")
        await driver.press("h")
        await shown(driver, "words of health check")
        await driver.press("l")
        await shown(driver, "words of push")
        await end(driver, run)


async def test_scrolling_up_stops_following_and_counts_what_is_new(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        run = await started(driver)
        run.start(Stage.BUILD)
        for number in range(200):
            run.emit(log_line(run.id, Stage.BUILD, f"line {number:03}"))
        await shown(driver, "line 199", "200 lines, following")
        await driver.press("k", "k")
        await shown(driver, "line 197")
        assert "line 199" not in driver.screen_text()
        for number in range(200, 205):
            run.emit(log_line(run.id, Stage.BUILD, f"line {number:03}"))
        await shown(driver, "+5 new")
        assert "line 204" not in driver.screen_text()
        await driver.press("f")
        await shown(driver, "line 204", "following")
        await driver.press("g")
        await shown(driver, "line 000")
        await driver.press("G")
        await shown(driver, "line 204", "following")
        await end(driver, run)


@pytest.mark.slow
async def test_a_flood_of_lines_is_bounded_and_the_end_is_on_the_screen(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        run = await started(driver)
        run.start(Stage.BUILD)
        for number in range(130_000):
            run.emit(LogLine(deploy=run.id, stage=Stage.BUILD, text=f"line {number}"))
        await shown(driver, "line 129999", "130000 lines")
        view = driver.app.screen.query_one(LogView)
        assert len(view.window.stores[0]) == 100_000
        await driver.press("g")
        await shown(driver, "line 30000")
        await end(driver, run)


async def test_colours_of_the_build_stay_and_levels_have_theirs(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        run = await started(driver)
        run.start(Stage.BUILD)
        run.emit(log_line(run.id, Stage.BUILD, "\x1b[31mred words\x1b[0m and plain"))
        run.emit(log_line(run.id, Stage.BUILD, "an error", Level.ERROR))
        await shown(driver, "red words and plain", "an error")
        view = driver.app.screen.query_one(LogView)
        red, error = view.render_line(0), view.render_line(1)
        colours = {segment.text: segment.style for segment in red if segment.style is not None}
        assert colours["red words"].color != colours[" and plain"].color
        style = next(s.style for s in error if s.text.startswith("an error"))
        assert style is not None
        assert style.color is not None
        assert style.color.name == driver.app.theme_variables["error"].lower()
        await end(driver, run)


@pytest.mark.slow
async def test_a_failure_shows_what_where_and_what_to_do(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        run = await started(driver)
        run.start(Stage.HEALTH_CHECK)
        problem = Problem("pandas is not in the image", "flows/etl.py:3", "add it to the settings")
        run.emit(problem_found(run.id, Stage.HEALTH_CHECK, problem))
        run.fail(Stage.HEALTH_CHECK)
        run.finish(Outcome.FAILED, exit_code=1, reason="health check failed")
        await driver.idle()
        await shown(driver, "✗ failed 2.0s", "✗ pandas is not in the image", "flows/etl.py:3")
        await shown(driver, "add it to the settings", "Nothing was registered")
        await driver.press("escape")
        await shown(driver, "2 problems")
        await driver.press("3", "j")
        await driver.press("exclamation_mark")
        await shown(driver, "pandas is not in the image", "add it to the settings")
        await driver.press("escape", "2", "o")
        await driver.idle()
        await driver.press_and_settle("r")
        await shown(driver, "nothing is done until you press Enter")


async def test_cancel_takes_one_key_that_is_no_slip(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        run = await started(driver)
        run.start(Stage.BUILD)
        await shown(driver, "● running")
        await driver.press("x", "c")
        assert run.result is None
        await driver.press("ctrl+x")
        await driver.idle()
        await shown(driver, "Cancelled; nothing was registered", "✗ cancelled")
        assert run.result is not None
        assert run.result.outcome is Outcome.CANCELLED
        await driver.press("ctrl+x")
        assert "this deploy is not running" in said(driver)


async def test_left_while_it_runs_it_goes_on_and_the_row_shows_it(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace) as driver:
        run = await started(driver)
        run.start(Stage.BUILD)
        await shown(driver, "● running")
        await driver.press("escape")
        await shown(driver, "● build", "1 deploying")
        run.done(Stage.BUILD)
        run.start(Stage.PUSH)
        await shown(driver, "● push")
        await driver.press("enter")
        assert isinstance(driver.app.screen, DeployScreen)
        await shown(driver, "4 push", "● running")
        assert len(workspace.deploys) == 1
        await driver.press("escape")
        workspace.server.add_version("etl", "My Project")
        await end(driver, run)
        await shown(driver, "v3")
        assert "etl: version 3 is registered" in said(driver)


async def test_several_at_a_time_each_with_its_own_logs(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        first = await started(driver)
        first.start(Stage.BUILD)
        first.emit(log_line(first.id, Stage.BUILD, "words of the first"))
        await driver.press("escape", "j")
        second = await started(driver)
        second.start(Stage.PUSH)
        second.emit(log_line(second.id, Stage.PUSH, "words of the second"))
        await shown(driver, "words of the second")
        await driver.press("escape", "4")
        assert isinstance(driver.app.screen, DeploysScreen)
        await shown(driver, "Deploys (2)", "● push", "● build")
        await driver.press("j", "enter")
        await shown(driver, "words of the first")
        assert "words of the second" not in driver.screen_text()
        await driver.press("ctrl+x")
        await driver.until(lambda: first.result is not None)
        assert second.result is None
        await end(driver, second)
        await driver.press("escape")
        await shown(driver, "✓ done", "✗ cancelled")


async def test_leaving_asks_while_a_deploy_runs_and_cancels_it(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        run = await started(driver)
        run.start(Stage.BUILD)
        await driver.press("q")
        assert isinstance(driver.app.screen, ConfirmDialog)
        await driver.press("enter")
        assert isinstance(driver.app.screen, DeployScreen)
        assert run.result is None
        await driver.press("q", "down", "enter")
        await driver.until(lambda: driver.app.return_value == 0)
        assert run.result is not None
        assert run.result.outcome is Outcome.CANCELLED


async def test_a_deploy_that_falls_over_is_a_problem_with_a_report_and_no_crash(
    workspace: MemoryWorkspace,
) -> None:
    async def deploy(*_: object, **__: object) -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError("inside the pipeline")

    workspace.deploy = deploy  # type: ignore[method-assign, assignment]
    async with running(workspace) as driver:
        await driver.press_and_settle("enter")
        await driver.press_and_settle("enter")
        record = next(iter(driver.app.session.deploys))
        assert record.phase is Phase.FINISHED
        await shown(driver, "flowtui itself failed: ZeroDivisionError: inside the pipeline")
        assert "The report is in" in said(driver)


@pytest.mark.slow
async def test_a_project_is_created_only_where_the_plan_says_so(workspace: MemoryWorkspace) -> None:
    workspace.project_exists = False
    async with running(workspace) as driver:
        await driver.press_and_settle("enter")
        for key in "4321":
            await driver.press(key)
            text = driver.screen_text()
            assert "There is no project “My Project” yet. Enter creates it and deploys." in text
        assert "will be created" in text
        await driver.press("enter")
        await driver.until(lambda: len(workspace.deploys) == 1)
        assert workspace.deploys[0].creates_project
        await end(driver, workspace.deploys[0])


async def test_nothing_is_created_where_the_control_plane_was_not_asked(
    workspace: MemoryWorkspace,
) -> None:
    workspace.project_exists = None
    async with running(workspace) as driver:
        await driver.press_and_settle("enter")
        text = driver.screen_text()
        assert "was not asked" in text
        assert "creates it" not in text
        await driver.press("enter")
        await driver.until(lambda: len(workspace.deploys) == 1)
        assert not workspace.deploys[0].creates_project
        await end(driver, workspace.deploys[0])
