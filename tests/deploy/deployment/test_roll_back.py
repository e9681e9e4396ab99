"""Rolling a deployment back: to what was deployed from here, with what others changed kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowtui.deploy.applied import Applied, AppliedPayload
from flowtui.deploy.deployment.earlier import deploy_id, deployment_id, earlier_versions
from flowtui.deploy.deployment.payload import SET_FOLDER
from flowtui.deploy.events import DeployFinished, DeployStarted, Event, LogLine, Outcome, Planned
from flowtui.deploy.history import History
from flowtui.errors import UsageError
from flowtui.models import FlowVersion
from tests.deploy.deployment.test_merge import payload, schedule
from tests.tui.memory import MemoryWorkspace
from tests.tui.memory_rest import RestMemoryControlPlane


def applied(number: int, **changes: Any) -> Applied:
    return Applied(
        deploy=f"deploy{number}",
        started=1_700_000_000.0 + number,
        version_id="dep",
        payload=payload(version=f"v{number}", **changes),
        content_hash=str(number) * 64,
    )


VERSION = FlowVersion("dep", "etl", 0, "p", False, None, "", deployment="default", label="v3")


def test_every_payload_that_was_applied_is_an_earlier_version_once() -> None:
    history = [applied(3), applied(2, tags=["b"]), applied(1), applied(2, tags=["b"])]
    found = earlier_versions(VERSION, history)
    assert [(each.id, each.label, each.tags) for each in found] == [
        ("dep@deploy2", "v2", ("b",)),
        ("dep@deploy1", "v1", ()),
    ]
    assert all(each.archived for each in found)
    assert (deployment_id(found[0].id), deploy_id(found[0].id)) == ("dep", "deploy2")
    assert (deployment_id("dep"), deploy_id("dep")) == ("dep", "")


def test_what_was_deployed_from_elsewhere_since_leaves_all_of_ours_earlier() -> None:
    found = earlier_versions(VERSION, [applied(2), applied(1)])
    assert [each.label for each in found] == ["v2", "v1"]


class Deployed:
    """A deployment that was deployed twice from here, then edited elsewhere."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "stored"
        self.folder.mkdir()
        self.server = RestMemoryControlPlane()
        self.workspace = MemoryWorkspace(root)
        self.workspace.server = self.server
        self.workspace.history = History(root / "history.sqlite")
        steps = [{SET_FOLDER: {"directory": str(self.folder)}}]
        self.first = payload(
            version="v1",
            pull_steps=steps,
            parameters={"day": 1},
            schedules=[schedule()],
            description="first",
        )
        self.second = {**self.first, "version": "v2", "parameters": {"day": 2}, "tags": ["new"]}
        self.id = self.server.add_deployment("etl", "default", project="p", payload=self.second).id
        for number, each in ((1, self.first), (2, self.second)):
            self.record(f"deploy{number}", each)
        self.server.serialized[self.id] = {
            **self.second,
            "schedules": [schedule(active=False)],
            "description": "edited",
        }

    def record(self, deploy: str, applied: dict[str, Any]) -> None:
        recorder = self.workspace.history.recorder(self.workspace.root, f"sources of {deploy}")
        recorder(DeployStarted(deploy=deploy, flow="etl", target="t", project="p", api_url="u"))
        recorder(
            Planned(
                deploy=deploy,
                flow="etl",
                project="p",
                storage="local",
                lane="",
                reasons=(),
                content_hash=deploy,
            )
        )
        recorder.keep(AppliedPayload(deploy, self.id, applied))
        recorder(
            DeployFinished(
                deploy=deploy,
                flow="etl",
                outcome=Outcome.DONE,
                seconds=1,
                exit_code=0,
                version_id=self.id,
            )
        )
        assert recorder.close() is None

    async def version(self, label: str) -> FlowVersion:
        await self.workspace.connect()
        found = await self.workspace.versions(archived=True)
        return next(each for each in found if each.label == label)

    async def roll_back(
        self, version: FlowVersion, emit: Callable[[Event], None], *, exactly: bool = False
    ) -> DeployFinished:
        real = super(MemoryWorkspace, self.workspace)
        return await real.roll_back(version, emit, exactly=exactly)


@pytest.fixture
def deployed(tmp_path: Path) -> Deployed:
    return Deployed(tmp_path)


async def test_what_was_changed_elsewhere_stays_and_is_said(deployed: Deployed) -> None:
    version = await deployed.version("v1")
    way = await deployed.workspace.way_back(version)
    kept = {change.field.partition(".")[0] for change in way.changes.found if change.kept}
    assert set(way.fields) == {"version", "parameters", "tags"}
    assert kept == {"description", "schedules"}

    events: list[Event] = []
    result = await deployed.roll_back(version, events.append)
    assert (result.outcome, result.reason) == (Outcome.DONE, "rolled back to version v1")
    now = deployed.server.serialized[deployed.id]
    assert (now["version"], now["parameters"], now["tags"]) == ("v1", {"day": 1}, [])
    assert (now["description"], now["schedules"]) == ("edited", [schedule(active=False)])
    said = [event.text for event in events if isinstance(event, LogLine)]
    assert any("left as it is: description" in text for text in said)


async def test_exactly_undoes_that_too(deployed: Deployed) -> None:
    version = await deployed.version("v1")
    way = await deployed.workspace.way_back(version, exactly=True)
    assert not any(change.kept for change in way.changes.found)
    result = await deployed.roll_back(version, list[Event]().append, exactly=True)
    assert result.outcome is Outcome.DONE
    now = deployed.server.serialized[deployed.id]
    assert {key: now[key] for key in deployed.first} == deployed.first


async def test_it_becomes_what_was_applied_last_and_can_be_undone(deployed: Deployed) -> None:
    await deployed.roll_back(await deployed.version("v1"), list[Event]().append)
    last, *_ = deployed.workspace.history.applied(deployed.id)
    assert (last.payload["version"], last.content_hash) == ("v1", "deploy1")
    record = deployed.workspace.history.by_version([deployed.id])[deployed.id]
    assert record.fingerprint == "sources of deploy1"

    undone = await deployed.roll_back(await deployed.version("v2"), list[Event]().append)
    assert undone.outcome is Outcome.DONE
    assert deployed.server.serialized[deployed.id]["parameters"] == {"day": 2}


async def test_without_its_stored_files_nothing_is_sent(deployed: Deployed) -> None:
    version = await deployed.version("v1")
    deployed.folder.rmdir()
    before = dict(deployed.server.serialized[deployed.id])
    result = await deployed.roll_back(version, list[Event]().append)
    assert (result.outcome, result.reason) == (Outcome.FAILED, "its stored files are gone")
    assert deployed.server.serialized[deployed.id] == before


async def test_what_is_in_use_is_nothing_to_go_back_to(deployed: Deployed) -> None:
    with pytest.raises(UsageError, match="is the one in use"):
        await deployed.workspace.way_back(await deployed.version("v2"))
