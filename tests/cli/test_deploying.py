"""Several deploys from the command line: none stops another, and a table says what came of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowtui.cli.deploying import Asked, Deploying
from flowtui.cli.output import Output
from flowtui.cli.targets import Targets
from flowtui.deploy.events import DeployFinished, DeployStarted, Event, Outcome
from flowtui.deploy.together import Together
from flowtui.errors import UsageError
from flowtui.models import DeployTable, Discovery, LocalFlow
from tests.cli.memory_session import MemorySession
from tests.tui.memory import broken, flow

_CODES = {Outcome.DONE: 0, Outcome.UNCHANGED: 0, Outcome.FAILED: 1}


@pytest.fixture
def session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> MemorySession:
    return MemorySession(tmp_path, monkeypatch, capsys)


def deploying(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch, **outcomes: Outcome | UsageError
) -> list[Together | None]:
    """A folder with flows of these names that end so; what they have in common."""
    flows = tuple(flow(name, f"{name}.py") for name in outcomes)
    session.workspace.found = Discovery(str(session.workspace.root), flows)
    shared: list[Together | None] = []

    async def deploy(
        each: LocalFlow,
        emit: Callable[[Event], None],
        overrides: DeployTable | None = None,
        *,
        together: Together | None = None,
        **_: Any,
    ) -> DeployFinished:
        name, shared_now = str(each.name), together
        shared.append(shared_now)
        outcome = outcomes[name]
        if isinstance(outcome, UsageError):
            raise outcome
        emit(DeployStarted(deploy=name, flow=name, target=each.target, project="p", api_url="u"))
        await asyncio.sleep(0)
        done = outcome is Outcome.DONE
        result = DeployFinished(
            deploy=name,
            flow=name,
            outcome=outcome,
            seconds=1.5,
            exit_code=_CODES[outcome],
            reason="" if done else f"why {name}",
            version=3 if done else None,
            image="r.example.com/etl:t3" if done else None,
            digest="sha256:0123456789abcdef" if done else None,
        )
        emit(result)
        return result

    monkeypatch.setattr(session.workspace, "deploy", deploy)
    return shared


def test_one_that_fails_stops_no_other_and_a_table_says_so(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = deploying(
        session,
        monkeypatch,
        good=Outcome.DONE,
        bad=Outcome.FAILED,
        gone=UsageError("the flow's file cannot be read"),
        same=Outcome.UNCHANGED,
    )
    code, out, err = session.run("deploy", "--all")
    assert code == 1
    rows = [line.split(maxsplit=2) for line in out.strip().splitlines()]
    assert [row[:2] for row in rows] == [
        ["FLOW", "OUTCOME"],
        ["good", "done"],
        ["bad", "failed"],
        ["gone", "failed"],
        ["same", "unchanged"],
    ]
    assert "r.example.com/etl:t3@sha256:0123456789ab " in rows[1][2]
    assert "why bad" in rows[2][2]
    assert "cannot be read" in rows[3][2]
    assert "1 done, 2 failed, 1 unchanged" in err
    assert len(shared) == 4
    assert len(set(shared)) == 1
    assert shared[0] is not None


def test_as_json_every_line_has_its_deploy_and_the_last_one_all_results(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploying(session, monkeypatch, good=Outcome.DONE, bad=Outcome.FAILED)
    code, out, _ = session.run("deploy", "--all", "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert {each["deploy"] for each in events[:-1]} == {"good", "bad"}
    assert [each["flow"] for each in events[-1]["deploys"]] == ["good", "bad"]
    assert (code, events[-1]["exit_code"]) == (1, 1)


def test_one_flow_alone_shares_nothing_and_needs_no_table(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = deploying(session, monkeypatch, good=Outcome.DONE)
    code, out, err = session.run("deploy", "good")
    assert (code, out, shared) == (0, "", [None]), err
    assert "version 3" in err


def test_all_and_targets_exclude_each_other(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploying(session, monkeypatch, good=Outcome.DONE)
    assert session.run("deploy", "--all", "good")[0] == 2
    assert session.run("deploy")[0] == 2


async def test_cancelled_it_says_what_was_done_until_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = MemorySession(tmp_path, monkeypatch, capsys)
    flows = tuple(flow(name, f"{name}.py") for name in ("quick", "slow"))
    await session.workspace.connect()
    deploy = Deploying(session.workspace, Asked(), Output(), verbose=False)
    task = asyncio.create_task(deploy.all(Targets(flows, (broken(),))))
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(session.workspace.deploys) == 2
    session.workspace.deploys[0].finish(Outcome.DONE, version=1)
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    out = capsys.readouterr().out
    rows = [line.split(maxsplit=2)[:2] for line in out.strip().splitlines()[1:]]
    assert rows == [["quick", "done"], ["slow", "cancelled"], ["flows/typo.py", "broken"]]
