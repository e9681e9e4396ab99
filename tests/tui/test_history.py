"""Deploys of earlier sessions, read from the real history file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flowtui.deploy.events import (
    DeployFinished,
    DeployStarted,
    Event,
    LogLine,
    Outcome,
    Planned,
    Stage,
    StageFinished,
    StageStarted,
    problem_found,
)
from flowtui.deploy.history import History
from flowtui.models import Problem
from flowtui.tui.screens.deploy import DeployScreen
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.view_models.deploys import Phase
from tests.tui.driving import Driver, running
from tests.tui.memory import ADDRESS, MemoryWorkspace

DIGEST = "sha256:" + "ab" * 32


def record(root: Path, *events: Event) -> None:
    recorder = History().recorder(root, "f" * 64)
    for event in events:
        recorder(event)
    recorder.close()


def beginning(deploy: str, flow: str, at: float) -> tuple[Event, ...]:
    return (
        DeployStarted(
            deploy=deploy,
            at=at,
            flow=flow,
            target=f"flows/etl.py:{flow}",
            project="My Project",
            api_url=ADDRESS,
        ),
        Planned(
            deploy=deploy,
            at=at,
            flow=flow,
            project="My Project",
            storage="docker",
            lane="docker image",
            reasons=("new",),
            content_hash="0" * 64,
            image="registry.example.com/etl:abc",
        ),
        StageStarted(deploy=deploy, at=at, stage=Stage.BUILD),
        LogLine(deploy=deploy, at=at, stage=Stage.BUILD, text=f"Step 1/3 of {flow}"),
    )


def finished(deploy: str, flow: str, outcome: Outcome, at: float) -> DeployFinished:
    good = outcome is Outcome.DONE
    return DeployFinished(
        deploy=deploy,
        at=at,
        flow=flow,
        outcome=outcome,
        seconds=12.3,
        exit_code=0 if good else 1,
        version=4 if good else None,
        image="registry.example.com/etl:abc" if good else None,
        digest=DIGEST if good else None,
        reason="" if good else "no space",
    )


@pytest.fixture
def earlier(workspace: MemoryWorkspace) -> MemoryWorkspace:
    """A deploy that was done, one that failed, and one of another folder."""
    root = workspace.root
    record(
        root,
        *beginning("one", "etl", 1000.0),
        StageFinished(
            deploy="one", at=1002.0, stage=Stage.BUILD, outcome=Outcome.DONE, seconds=2.0
        ),
        finished("one", "etl", Outcome.DONE, 1012.0),
    )
    record(
        root,
        *beginning("two", "report", 2000.0),
        problem_found("two", Stage.BUILD, Problem("no space", "on the engine", "prune it")),
        StageFinished(
            deploy="two", at=2002.0, stage=Stage.BUILD, outcome=Outcome.FAILED, seconds=2.0
        ),
        finished("two", "report", Outcome.FAILED, 2012.0),
    )
    record(root / "elsewhere", *beginning("far", "far away", 3000.0))
    return workspace


async def opened(driver: Driver, *keys: str) -> str:
    await driver.press_and_settle("4")
    await driver.press(*keys)
    await driver.press_and_settle("enter")
    assert isinstance(driver.app.screen, DeployScreen)
    return driver.screen_text()


async def test_they_are_listed_with_how_they_ended(earlier: MemoryWorkspace) -> None:
    async with running(earlier) as driver:
        await driver.press_and_settle("4")
        lines = driver.screen_text().splitlines()
        assert "Deploys (2)" in driver.screen_text()
        failed = next(line for line in lines if "report" in line)
        done = next(line for line in lines if "etl" in line)
        assert "✗ failed" in failed
        assert "✓ done" in done
        assert "v4" in done
        assert "12s" in done
        assert lines.index(failed) < lines.index(done)
        assert "far away" not in driver.screen_text()


async def test_one_opens_as_if_live(earlier: MemoryWorkspace) -> None:
    async with running(earlier) as driver:
        text = await opened(driver, "j")
        for words in (
            "etl → My Project",
            "version 4 is registered in My Project",
            "✓ done 2.0s",
            "Log: build",
            "Step 1/3 of etl",
            DIGEST,
        ):
            assert words in text, text
        await driver.press("escape", "escape")
        assert isinstance(driver.app.screen, MainScreen)


async def test_a_failed_one_shows_its_problem_and_can_be_planned_again(
    earlier: MemoryWorkspace,
) -> None:
    record(
        earlier.root,
        *beginning("three", "etl", 4000.0),
        problem_found("three", Stage.BUILD, Problem("no space", "on the engine", "prune it")),
        finished("three", "etl", Outcome.FAILED, 4012.0),
    )
    async with running(earlier) as driver:
        text = await opened(driver)
        for words in ("no space", "on the engine", "prune it"):
            assert words in text
        await driver.press_and_settle("r")
        await driver.see("nothing is done until you press Enter")
        await driver.press("escape", "escape")
        assert earlier.deploys == []


@pytest.fixture
def interrupted(earlier: MemoryWorkspace) -> MemoryWorkspace:
    """And one more, of a process that ended before it did."""
    code = """
import sys
from pathlib import Path
from tests.tui.test_history import beginning, record
record(Path(sys.argv[1]), *beginning("cut", "etl", 5000.0))
"""
    subprocess.run([sys.executable, "-c", code, str(earlier.root)], check=True, timeout=60)
    return earlier


@pytest.mark.slow
async def test_an_interrupted_one_is_shown_as_such(interrupted: MemoryWorkspace) -> None:
    async with running(interrupted) as driver:
        await driver.press_and_settle("4")
        assert "✗ interrupted" in driver.screen_text()
        await driver.press_and_settle("enter")
        text = driver.screen_text()
        for words in ("etl → My Project   interrupted", "Step 1/3 of etl", "ended before"):
            assert words in text, text
        assert "✗ interrupted" in text


@pytest.mark.slow
async def test_deploys_of_this_session_are_listed_once(earlier: MemoryWorkspace) -> None:
    async with running(earlier) as driver:
        await driver.press("enter")
        await driver.see("nothing is done until you press Enter")
        await driver.press("enter")
        await driver.until(lambda: len(earlier.deploys) == 1)
        run = earlier.deploys[0]
        events = (
            DeployStarted(
                deploy=run.id,
                flow="etl",
                target="flows/etl.py:etl",
                project="My Project",
                api_url=ADDRESS,
            ),
        )
        record(earlier.root, *events)
        for event in events:
            run.emit(event)
        run.finish(Outcome.CANCELLED)
        await driver.idle()
        await driver.press("escape")
        await driver.press_and_settle("4")
        assert "Deploys (3)" in driver.screen_text()
        newest = next(iter(driver.app.session.deploys))
        assert newest.phase is Phase.FINISHED


@pytest.mark.slow
async def test_a_history_that_cannot_be_read_is_a_problem_and_no_crash(
    workspace: MemoryWorkspace,
) -> None:
    file = workspace.history.path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"this is no database at all, whatever its name says" * 40)
    async with running(workspace) as driver:
        await driver.press_and_settle("4")
        assert "history cannot be used" in driver.screen_text()
