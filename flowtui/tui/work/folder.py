"""The flows of the folder: found, compared with what is registered, followed while files change."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowtui.errors import FlowtuiError
from flowtui.flow_rows import FlowRow
from flowtui.models import Problem
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.tui.session import Watching

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class Folder:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._looking = False
        self._look_again = False

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.FlowsDiscovered: self._discovered,
            msg.RowsUpdated: self._rows_updated,
            msg.RowsFailed: self._rows_failed,
            msg.FilesChanged: self._files_changed,
            msg.WatchingPolls: self._watching_polls,
            msg.WatchingFailed: self._watching_failed,
        }

    def look(self) -> None:
        """Discover again; while a walk is under way one more is queued, never two."""
        if self._looking:
            self._look_again = True
            return
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        self._looking = True

        async def job() -> None:
            try:
                discovery = await asyncio.to_thread(workspace.discover)
            except FlowtuiError as error:
                app.post_message(msg.RowsFailed(error.problem))
                return
            finally:
                self._looking = False
            app.post_message(msg.FlowsDiscovered(discovery))

        app.begin(job, group="discover", description="looking for flows")

    def _discovered(self, message: msg.FlowsDiscovered) -> None:
        self._app.session.discovery = message.discovery
        self._app.session.looks += 1
        self.refresh_rows()
        if self._look_again:
            self._look_again = False
            self.look()

    def refresh_rows(self) -> None:
        """Compare what is on disk with what is registered."""
        app, session = self._app, self._app.session
        workspace, discovery = session.workspace, session.discovery
        if workspace is None or discovery is None:
            return

        async def job() -> None:
            try:
                rows = await workspace.rows(discovery)
            except FlowtuiError as error:
                app.post_message(msg.RowsFailed(error.problem))
                return
            app.post_message(msg.RowsUpdated(rows))

        app.begin(job, group="rows", description="comparing flows with what is registered")

    def _rows_updated(self, message: msg.RowsUpdated) -> None:
        session = self._app.session
        keys = {row.key for row in message.rows}
        if session.rows is not None:
            session.new |= keys - session.seen
        session.new &= keys
        session.seen |= keys
        session.rows = message.rows
        self._app.session.rows_problem = None
        self._app.changed(Part.ROWS)
        self._app.registered.look_at_last_runs()

    def looked_at(self, row: FlowRow) -> None:
        """The cursor was on it: it is not new any more."""
        self._app.session.new.discard(row.key)

    def _rows_failed(self, message: msg.RowsFailed) -> None:
        self._app.session.rows_problem = message.problem
        self._app.session.rows = self._app.session.rows or ()
        self._app.changed(Part.ROWS)

    def watch(self) -> None:
        """Follow the files until the app ends."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            try:
                async for changed in workspace.watch(told):
                    app.post_message(msg.FilesChanged(changed))
            except FlowtuiError as error:
                app.post_message(msg.WatchingFailed(error.problem))

        def told(problem: Problem) -> None:
            app.post_message(msg.WatchingPolls(problem))

        app.session.watching, app.session.watch_problem = Watching.EVENTS, None
        app.begin(job, group="watch", description="watching the folder", counts=False)

    def _files_changed(self, message: msg.FilesChanged) -> None:
        self._app.hot.saved(message.paths)
        # What kept a flow from being planned may have been mended by this save.
        self._app.session.plan_problems.clear()
        self.look()

    def _watching_polls(self, message: msg.WatchingPolls) -> None:
        session = self._app.session
        session.watching, session.watch_note = Watching.POLLING, message.problem
        self._app.changed(Part.ROWS)

    def _watching_failed(self, message: msg.WatchingFailed) -> None:
        session = self._app.session
        session.watching, session.watch_problem = Watching.OFF, message.problem
        self._app.changed(Part.ROWS)
