"""Hints of the control plane that runs have changed: what is looked at is looked at at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flowtui.errors import FlowtuiError
from flowtui.models import Ability

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_GAP = 0.5
"""Seconds between two looks at least: changes come in bursts."""


class RunChanges:
    """Of one run, or of all. Where they are not told, waiting takes its whole time."""

    def __init__(self, app: FlowtuiApp, group: str, patience: float) -> None:
        """`patience` is what is waited at least while changes are told, in seconds."""
        self._app, self._group, self._patience = app, group, patience
        self._changed = asyncio.Event()
        self._told = False
        """Changes are told: something was, and nothing has failed since."""

    def listen(self, run_id: str | None) -> None:
        """Until `rest`; to all runs without an id."""
        app, workspace = self._app, self._app.session.workspace
        self.rest()
        if workspace is None or Ability.STREAM_RUN_CHANGES not in app.session.abilities:
            return

        async def job() -> None:
            try:
                async for _ in workspace.control_plane.run_changes(run_id):
                    self._told = True
                    self._changed.set()
            except FlowtuiError:
                self._told = False  # asking now and then goes on as if nothing had been told

        app.begin(job, group=self._group, description="listening for changes", counts=False)

    def rest(self) -> None:
        self._told = False
        self._app.cancel_group(self._group)

    async def wait(self, seconds: float) -> None:
        """Until something has changed, so many seconds at most; longer where it would be told."""
        gap = min(_GAP, seconds)
        await asyncio.sleep(gap)
        longest = max(seconds, self._patience) if self._told else seconds
        try:
            async with asyncio.timeout(longest - gap):
                await self._changed.wait()
        except TimeoutError:
            return
        finally:
            self._changed.clear()
