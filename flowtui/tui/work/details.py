"""One flow in full: what is read of it while the cursor rests on it, and dropped when it moves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowtui.errors import FlowtuiError
from flowtui.models import FlowVersion
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_REST = 0.15
"""Seconds that the cursor rests on a row before its flow is asked for: not once per key press."""
_KEPT = 200
"""Serializations kept; the oldest goes first."""


class Details:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {msg.FlowDescribed: self._described}

    def stop(self) -> None:
        """The cursor is elsewhere: what was being read for it is no longer wanted."""
        self._app.cancel_group("describe")

    def describe(self, version: FlowVersion | None) -> None:
        """Read the serialization registered as this version, unless it is known."""
        app, session = self._app, self._app.session
        workspace = session.workspace
        if version is None or version.id in session.registered or workspace is None:
            return
        if not session.connected:
            return

        async def job() -> None:
            await asyncio.sleep(_REST)
            try:
                serialized = await workspace.control_plane.serialized_flow(version.id)
            except FlowtuiError:
                return  # the connection itself says what is wrong
            app.post_message(msg.FlowDescribed(version.id, serialized))

        app.begin(job, group="describe", description=f"reading {version.name}", counts=False)

    def _described(self, message: msg.FlowDescribed) -> None:
        known = self._app.session.registered
        known[message.version_id] = message.serialized
        while len(known) > _KEPT:
            del known[next(iter(known))]
        self._app.changed(Part.DESCRIPTION)
