"""A workspace that is connected again: what works on the connection before goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from flowtui import workspace as workspaces
from flowtui.api.base import ControlPlane
from flowtui.errors import ControlPlaneError
from flowtui.models import Identity
from flowtui.workspace import Workspace


class Plane:
    """A connection that knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True


class Reached:
    """What `connect` of the API gives, one after another, each when it may."""

    def __init__(self) -> None:
        self.planes: list[Plane] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()
        self.answers = True

    async def __call__(self, *_: object, **__: object) -> tuple[ControlPlane, Identity]:
        self.asked.set()
        await self.may_answer.wait()
        if not self.answers:
            raise ControlPlaneError("nothing answers")
        self.planes.append(Plane())
        return cast("ControlPlane", self.planes[-1]), Identity("http://127.0.0.1:1", "")


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> Reached:
    made = Reached()
    monkeypatch.setattr(workspaces, "_connect", lambda: made)
    return made


@pytest.fixture
async def connected(tmp_path: Path, reached: Reached) -> Workspace:
    made = await Workspace.open(tmp_path, api_url="http://127.0.0.1:1")
    await made.connect()
    return made


async def test_it_can_be_used_until_the_next_connection_stands(
    connected: Workspace, reached: Reached
) -> None:
    reached.may_answer.clear()
    reached.asked.clear()
    again = asyncio.create_task(connected.connect())
    await reached.asked.wait()
    first = reached.planes[0]
    assert connected.control_plane is first and not first.closed
    reached.may_answer.set()
    await again
    assert connected.control_plane is reached.planes[1] and first.closed


async def test_what_cannot_be_reached_again_is_not_connected(
    connected: Workspace, reached: Reached
) -> None:
    reached.answers = False
    with pytest.raises(ControlPlaneError, match="nothing answers"):
        await connected.connect()
    assert not connected.connected and reached.planes[0].closed


async def test_a_look_whether_it_answers_leaves_the_connection_alone(
    connected: Workspace, reached: Reached
) -> None:
    await connected.check_token(None)
    assert connected.control_plane is reached.planes[0]
    assert [plane.closed for plane in reached.planes] == [False, True]
