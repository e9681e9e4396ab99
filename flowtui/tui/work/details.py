"""One flow in full: what is read of it while the cursor rests on it, and dropped when it moves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from flowtui.deploy.change import Changes
from flowtui.errors import FlowtuiError
from flowtui.flow_rows import FlowRow
from flowtui.models import Ability, FlowVersion, Schedule
from flowtui.tui import clock
from flowtui.tui import messages as msg
from flowtui.tui.looks.highlighting import read_source, source_path
from flowtui.tui.messages import Handler, Part
from flowtui.tui.session import FlowChanges
from flowtui.tui.widgets.detail.known import Serialization, last_plan

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.looks.graph import DrawnGraph

_REST = 0.15
"""Seconds that the cursor rests on a row before its flow is asked for: not once per key press."""
_KEPT = 200
"""Serializations and drawings kept; the oldest goes first."""
_FILES_KEPT = 12
_NEXT_RUNS = 3
"""Of a deployment by its schedules: how many are told."""
_AT_ONCE = 80
"""Tasks that are drawn without a thread: that takes a millisecond or two."""

T = TypeVar("T")


class Details:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._drawing = ""
        """Key of the graph that is being drawn."""
        self._comparing: tuple[object, ...] = ()
        """What is being compared."""

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.FlowDescribed: self._described,
            msg.NextRunsRead: self._next_runs_read,
            msg.GraphDrawn: self._drawn,
            msg.SourceRead: self._source_read,
            msg.ChangesFound: self._changes_found,
        }

    def stop(self) -> None:
        """The cursor is elsewhere: what was being read for it is no longer wanted."""
        for group in ("describe", "next-runs", "draw", "source", "changes"):
            self._app.cancel_group(group)
        self._app.registered.stop()
        self._drawing = ""
        self._comparing = ()

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

        app.begin(job, group="describe", description=f"reading {version.flow_name}", counts=False)

    def _described(self, message: msg.FlowDescribed) -> None:
        _keep(self._app.session.registered, message.version_id, message.serialized)
        self._app.changed(Part.DESCRIPTION)

    def read_next_runs(self, version: FlowVersion | None) -> None:
        """Read when the schedules of a deployment start runs next."""
        app, workspace = self._app, self._app.session.workspace
        if version is None or workspace is None or version.schedule is not Schedule.ACTIVE:
            return
        if version.paused or Ability.TELL_RUNS not in app.session.abilities:
            return

        async def job() -> None:
            await asyncio.sleep(_REST)
            try:
                runs = await workspace.control_plane.flow_runs(
                    version_id=version.id, planned_after=clock.now(), limit=_NEXT_RUNS
                )
            except FlowtuiError:
                return  # the connection itself says what is wrong
            moments = tuple(run.scheduled for run in runs if run.scheduled is not None)
            app.post_message(msg.NextRunsRead(version.id, moments))

        doing = f"reading the next runs of {version.flow_name}"
        app.begin(job, group="next-runs", description=doing, counts=False)

    def _next_runs_read(self, message: msg.NextRunsRead) -> None:
        if self._app.session.next_runs.get(message.version_id) != message.moments:
            _keep(self._app.session.next_runs, message.version_id, message.moments)
            self._app.changed(Part.DESCRIPTION)

    def drawn(self, known: Serialization) -> DrawnGraph | None:
        """The graph of a flow; a large one is drawn in a thread, None until that is done."""
        from flowtui.tui.looks.graph import drawn_graph

        app, key = self._app, known.key
        done = app.session.drawings.get(key)
        if done is not None:
            return done
        ascii_ = app.glyphs.ascii
        tasks = known.flow.get("tasks")
        if not isinstance(tasks, Sequence) or len(tasks) <= _AT_ONCE:
            done = drawn_graph(known.flow, ascii=ascii_)
            _keep(app.session.drawings, key, done)
            return done

        async def job() -> None:
            drawn = await asyncio.to_thread(drawn_graph, known.flow, ascii=ascii_)
            app.post_message(msg.GraphDrawn(key, drawn))

        if self._drawing != key:
            self._drawing = key
            app.begin(job, group="draw", description="drawing the graph", counts=False)
        return None

    def _drawn(self, message: msg.GraphDrawn) -> None:
        _keep(self._app.session.drawings, message.key, message.drawn)
        self._app.changed(Part.DESCRIPTION)

    def changes(self, row: FlowRow) -> Changes | None:
        """What a deploy would change, as far as it is known; what is new is compared again."""
        app, session = self._app, self._app.session
        workspace, flow, version = session.workspace, row.flow, row.version
        known = session.changes.get(row.key)
        if workspace is None or flow is None or version is None:
            return None
        plan, serialized = last_plan(session, row), session.registered.get(version.id)
        compared = (version.id, id(plan), serialized is not None, session.looks)
        if known is not None and known.compared == compared:
            return known.changes
        what = (row.key, *compared)

        async def job() -> None:
            await asyncio.sleep(_REST / 3)
            found = await asyncio.to_thread(
                workspace.changes, flow, version, serialized=serialized, plan=plan
            )
            app.post_message(msg.ChangesFound(row.key, compared, found))

        if self._comparing != what:
            self._comparing = what
            app.begin(job, group="changes", description=f"comparing {row.name}", counts=False)
        return known.changes if known is not None else None

    def _changes_found(self, message: msg.ChangesFound) -> None:
        found = FlowChanges(message.compared, message.changes)
        _keep(self._app.session.changes, message.key, found)
        self._app.changed(Part.DESCRIPTION)

    def read_source(self, path: str) -> None:
        """Read a file of the project; one that did not change since is left as it is."""
        app, workspace = self._app, self._app.session.workspace
        known = app.session.sources.get(path)
        if workspace is None:
            return

        async def job() -> None:
            if known is None:
                await asyncio.sleep(_REST / 3)
            file = await asyncio.to_thread(read_source, source_path(workspace.root, path), known)
            if file is not known:
                app.post_message(msg.SourceRead(path, file))

        app.begin(job, group="source", description=f"reading {path}", counts=False)

    def _source_read(self, message: msg.SourceRead) -> None:
        _keep(self._app.session.sources, message.path, message.file, most=_FILES_KEPT)
        self._app.changed(Part.DESCRIPTION)


def _keep(known: dict[str, T], key: str, value: T, *, most: int = _KEPT) -> None:
    """Beside what was kept before; the oldest goes when there is too much."""
    known.pop(key, None)
    known[key] = value
    while len(known) > most:
        del known[next(iter(known))]
