"""Whether the engine and the registry answer: looked at beside everything else, and rarely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_AGAIN = 300.0
"""Seconds between two looks when nothing asks for one."""


class Reaching:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._again = False

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.EngineLookedAt: self._engine_looked_at,
            msg.RegistryLookedAt: self._registry_looked_at,
        }

    def look(self) -> None:
        """Look now, and from now on every few minutes. Nothing waits for the answers."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        if not self._again:
            self._again = True
            app.set_interval(_AGAIN, self.look)

        async def engine() -> None:
            if workspace.needs_engine:
                app.post_message(msg.EngineLookedAt(await workspace.engine_status()))

        async def registry() -> None:
            url = workspace.registry_url
            if url is not None:
                app.post_message(msg.RegistryLookedAt(await workspace.registry_status(url)))

        app.begin(engine, group="engine", description="looking at the engine", counts=False)
        app.begin(registry, group="registry", description="looking at the registry", counts=False)

    def _engine_looked_at(self, message: msg.EngineLookedAt) -> None:
        if message.engine != self._app.session.engine:
            self._app.session.engine = message.engine
            self._app.changed(Part.REACH)

    def _registry_looked_at(self, message: msg.RegistryLookedAt) -> None:
        if message.registry != self._app.session.registry:
            self._app.session.registry = message.registry
            self._app.changed(Part.REACH)
