"""Waiting until a run has changed: cut short by a hint, as before where none comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

from flowtui.errors import ControlPlaneError
from flowtui.models import Ability
from flowtui.tui.work import run_changes
from flowtui.tui.work.run_changes import RunChanges


class App:
    """As much of the app as listens."""

    def __init__(self, *abilities: Ability) -> None:
        self.hints: asyncio.Queue[str | None] = asyncio.Queue()
        plane = SimpleNamespace(run_changes=self._changes)
        workspace = SimpleNamespace(control_plane=plane)
        self.session = SimpleNamespace(workspace=workspace, abilities=frozenset(abilities))
        self.jobs: list[asyncio.Task[None]] = []

    async def _changes(self, _run_id: str | None) -> AsyncIterator[str]:
        while (hint := await self.hints.get()) is not None:
            yield hint
        raise ControlPlaneError("the stream broke")

    def begin(self, job: Any, **_: Any) -> None:
        self.jobs.append(asyncio.ensure_future(job()))

    def cancel_group(self, _group: str) -> None:
        for job in self.jobs:
            job.cancel()


def changes_of(app: App) -> RunChanges:
    return RunChanges(cast("Any", app), "changes", 3_600)


async def test_a_hint_ends_the_waiting(monkeypatch: Any) -> None:
    monkeypatch.setattr(run_changes, "_GAP", 0.0)
    app = App(Ability.STREAM_RUN_CHANGES)
    changes = changes_of(app)
    changes.listen("run")
    app.hints.put_nowait("run")
    async with asyncio.timeout(30):
        await changes.wait(3_600)
    app.cancel_group("")


async def test_a_stream_that_breaks_leaves_the_time_as_it_was(monkeypatch: Any) -> None:
    monkeypatch.setattr(run_changes, "_GAP", 0.0)
    app = App(Ability.STREAM_RUN_CHANGES)
    changes = changes_of(app)
    changes.listen(None)
    for hint in ("run", None):
        app.hints.put_nowait(hint)
    await app.jobs[0]
    async with asyncio.timeout(30):
        await changes.wait(3_600)  # the hint that came
        await changes.wait(0.0)  # not an hour: nothing is told any more


async def test_nothing_is_listened_to_where_nothing_is_told() -> None:
    app = App()
    changes = changes_of(app)
    changes.listen(None)
    async with asyncio.timeout(30):
        await changes.wait(0.0)
    assert app.jobs == []
