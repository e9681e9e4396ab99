"""Which answers are kept, and how long they hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowtui.config import ProjectConfig
from flowtui.deploy.events import (
    DeployFinished,
    DeployStarted,
    Event,
    Level,
    LogLine,
    Outcome,
    Planned,
    Stage,
)
from flowtui.deploy.unchanged import remembering
from flowtui.deploy.unchanged.answer import Answer, recall
from flowtui.deploy.unchanged.remembering import Done, remember
from flowtui.models import Interpreter
from tests.parts.stand_in import Asked, Reply, StandIn, stand_in

ID = "6a1f0c5e-0000-4000-8000-000000000001"
ROW: dict[str, Any] = {
    "id": ID, "updated": "2026-11-25T10:00:00Z", "version": "v", "status": "READY",
    "work_pool_name": "play", "pull_steps": [],
}  # fmt: skip
KEY = "k"


@pytest.fixture
def api() -> Iterator[StandIn]:
    with stand_in(lambda _: Reply(body=[ROW])) as server:
        yield server


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "venv/lib/python3.12/site-packages"
    folder.mkdir(parents=True)
    (tmp_path / "venv/pyvenv.cfg").write_text("include-system-site-packages = false\n")
    python = tmp_path / "venv/bin/python"
    python.parent.mkdir()
    python.touch()

    async def found(root: Path, configured: str | None) -> Interpreter:
        return Interpreter(str(python), "3.12.1", "3.9.1", "3.1.0")

    monkeypatch.setattr(remembering, "find_interpreter", found)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return folder


def told(outcome: Outcome = Outcome.DONE, storage: str = "local") -> tuple[Event, ...]:
    return (
        DeployStarted(deploy="d", flow="etl", target="etl.py:etl", project="", api_url="x"),
        LogLine(deploy="d", stage=Stage.SERIALIZE, text="loaded"),
        LogLine(deploy="d", stage=Stage.SERIALIZE, text="no worker", level=Level.WARNING),
        Planned(
            deploy="d", flow="etl", project="", storage=storage, lane="local storage",
            reasons=("it was never deployed",), content_hash="c",
        ),
        DeployFinished(
            deploy="d", flow="etl", outcome=outcome, seconds=3.0, exit_code=0, label="abc",
            version_id=ID,
        ),
    )  # fmt: skip


@pytest.fixture
def done(api: StandIn, packages: Path, tmp_path: Path) -> Done:
    root = tmp_path / "project"
    root.mkdir()
    (root / "etl.py").write_text("a = 1\n")
    return Done(root, ProjectConfig(root=root), f"{api.url}/api", time.time_ns() + 10**9, told())


async def kept(done: Done) -> Answer:
    assert await remember(KEY, done)
    answer = recall(KEY)
    assert answer is not None
    return answer


async def test_it_holds_while_nothing_changes_and_tells_what_is_so(
    done: Done, api: StandIn
) -> None:
    answer = await kept(done)
    assert answer.still_holds()
    assert [event["event"] for event in answer.events] == [
        "deploy_started", "log", "planned", "deploy_finished",
    ]  # fmt: skip
    *_, planned, finished = answer.events
    assert planned["lane"] == "nothing to do"
    assert finished["outcome"] == "unchanged"
    assert finished["reason"] == "version abc was made from exactly this input"
    assert set(api.paths()) == {"POST /api/deployments/filter"}


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "etl.py").write_text("a = 2\n"),
        lambda root: (root / "prefect.yaml").touch(),
        lambda root: (root.parent / "flowtui.toml").touch(),
        lambda root: (root / ".venv").mkdir(),
        lambda root: (root.parent / "venv/lib/python3.12/site-packages/new-1.dist-info").mkdir(),
        lambda root: (root.parent / "venv/bin/python").write_text("another"),
    ],
)
async def test_a_change_here_ends_it_without_asking_anybody(
    done: Done, api: StandIn, change: Callable[[Path], object]
) -> None:
    answer = await kept(done)
    asked = len(api.asked)
    change(done.root)
    assert not answer.still_holds()
    assert len(api.asked) == asked


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=[{**ROW, "updated": "2026-11-25T11:00:00Z"}]),
        Reply(body=[{**ROW, "status": "NOT_READY"}]),
        Reply(body=[]),
        Reply(503, "<busy>"),
        Reply(401, {"exception_message": "Unauthorized"}),
        Reply(hang_up=True),
        Reply(body={"detail": "what?"}),
    ],
)
async def test_a_change_there_or_no_plain_answer_ends_it(
    done: Done, api: StandIn, reply: Reply
) -> None:
    answer = await kept(done)

    def answers(_: Asked) -> Reply:
        return reply

    api.answer = answers
    assert not answer.still_holds()


async def test_what_changed_while_it_was_looked_at_is_not_kept(done: Done) -> None:
    assert not await remember(KEY, replace(done, began_ns=time.time_ns() - 10**12))


@pytest.mark.parametrize(
    "events", [told(Outcome.FAILED), told(storage="docker"), ()], ids=["failed", "no image", "none"]
)
async def test_other_outcomes_are_not_kept(done: Done, events: tuple[Event, ...]) -> None:
    assert not await remember(KEY, replace(done, events=events))


async def test_packages_that_lead_elsewhere_are_looked_at_or_refused(
    done: Done, packages: Path, tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    (packages / "mine.pth").write_text(f"{linked}\n")
    answer = await kept(done)
    assert answer.still_holds()
    (linked / "module.py").touch()
    assert not answer.still_holds()
    (packages / "editable.pth").write_text("import __editable___finder\n")
    assert not await remember(KEY, done)


async def test_an_answer_that_cannot_be_read_is_none(done: Done) -> None:
    await kept(done)
    from flowtui import paths

    (file,) = (paths.cache_dir() / "unchanged").iterdir()
    for text in ("", "{}", '{"scheme": 1, "rows": 3}', "[]"):
        file.write_text(text)
        assert recall(KEY) is None
