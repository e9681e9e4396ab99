"""One run that is open, looked at again and again while it is in sight."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from flowtui.agents.takers import takers
from flowtui.agents.waiting import Takers
from flowtui.api.log_tail import LogTail
from flowtui.errors import FlowtuiError
from flowtui.models import Ability
from flowtui.run_models import FlowRun, RunLine, RunState
from flowtui.runs.listing import seconds_until_next_look
from flowtui.tui import clock
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.tui.view_models.run_watch import Look, RunWatch, seconds_until_next, waits
from flowtui.tui.work.run_changes import RunChanges
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_KEPT = 8
"""Runs whose logs are kept after they were left; the one opened longest ago goes first."""
_SHARE = 3.0
"""How many times as long as a look took is waited at least before the next one."""
_GROUP = "run-watch"
_TOLD = 4.0
"""Seconds between two looks at a run whose changes are told: its log is not."""


class _Logs:
    """The logs of whichever control plane is connected: a tail outlives a reconnect."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def run_log(
        self, run_id: str, *, since: datetime | None = None, limit: int | None = None
    ) -> tuple[RunLine, ...]:
        return await self._workspace.control_plane.run_log(run_id, since=since, limit=limit)


class WatchedRun:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._tails: dict[str, LogTail] = {}
        self._followed = ""
        """Id of the run that is in sight."""
        self._changes = RunChanges(app, "run-watch-changes", _TOLD)

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.RunLookedAt: self._looked_at,
            msg.RunLookFailed: self._look_failed,
            msg.RunGone: self._gone,
            msg.RunDescribed: self._described,
            msg.RunGraphDrawn: self._graph_drawn,
        }

    def know(self, run: FlowRun) -> None:
        """A run as it was listed: shown at once, until it is looked at."""
        watches = self._app.session.run_watches
        watch = watches.pop(run.id, None)
        if watch is None:
            # Its log is empty: every line is wanted again.
            self._tails.pop(run.id, None)
            watch = RunWatch(run.id)
        watches[run.id] = watch
        if watch.run is None or not watch.looked:
            watch.run = run
        while len(watches) > _KEPT:
            gone = next(iter(watches))
            del watches[gone]
            self._tails.pop(gone, None)

    def follow(self, run_id: str) -> None:
        """Look now, and again and again, until `rest`."""
        self._followed = run_id
        app, workspace = self._app, self._app.session.workspace
        if workspace is None or Ability.TELL_RUN_DETAILS not in app.session.abilities:
            return

        async def job() -> None:
            failures, over_since = 0, None
            while watch := app.session.run_watches.get(run_id):
                begun = time.monotonic()
                try:
                    run = await self._look(workspace, watch)
                except FlowtuiError as error:
                    failures += 1
                    app.post_message(msg.RunLookFailed(run_id, error.problem))
                    await asyncio.sleep(seconds_until_next_look((), failures, clock.now()))
                    continue
                failures, ended = 0, time.monotonic()
                if run is None:
                    return
                over_since = (over_since or ended) if run.kind.is_over else None
                over_for = ended - over_since if over_since is not None else 0.0
                pause = seconds_until_next(run, clock.now(), over_for=over_for)
                if pause is None:
                    return
                await self._changes.wait(max(pause, (ended - begun) * _SHARE))

        self._changes.listen(run_id)
        app.begin(job, group=_GROUP, description="watching a run", counts=False)

    def rest(self) -> None:
        """Nobody sees it."""
        self._followed = ""
        self._changes.rest()
        self._app.cancel_group(_GROUP)

    def rest_of(self, run_id: str) -> None:
        """Nobody sees this run any more; another one may be in sight by now."""
        if self._followed == run_id:
            self.rest()

    def look_again(self) -> None:
        if self._followed:
            self.follow(self._followed)

    async def _look(self, workspace: Workspace, watch: RunWatch) -> FlowRun | None:
        """All there is to know of it now, told to the app. Raises FlowtuiError."""
        app, plane = self._app, workspace.control_plane
        run = await plane.flow_run(watch.id)
        if run is None:
            app.post_message(msg.RunGone(watch.id))
            return None
        states = await plane.run_states(watch.id)
        tasks = await plane.task_runs(watch.id)
        known: Takers | None = None
        unknown = bool(run.agent_id) and watch.takers is None
        if (waits(run) or unknown) and Ability.TELL_AGENTS in app.session.abilities:
            known = await takers(plane, app.session.abilities)
        tail = self._tails.setdefault(watch.id, LogTail(_Logs(workspace), watch.id))
        # Last, and told without waiting for anything: it gives each line only once.
        lines = await (tail.rest() if run.kind.is_over else tail.more())
        app.post_message(msg.RunLookedAt(watch.id, Look(run, states, tasks, lines, known)))
        if not watch.described and Ability.RETURN_FLOWS in app.session.abilities:
            serialized = await plane.serialized_flow(run.version_id)
            app.post_message(msg.RunDescribed(watch.id, serialized))
        return run

    def _looked_at(self, message: msg.RunLookedAt) -> None:
        app = self._app
        watch = app.session.run_watches.get(message.run_id)
        if watch is None:
            return
        ended = watch.take(message.look, clock.now())
        self._take_lines(watch)
        app.changed(Part.RUN_WATCHED)
        if ended:
            run = message.look.run
            bad = "information" if run.kind is RunState.GOOD else "warning"
            app.say(f"{run.flow_name}: run {run.name} has ended: {run.state}", severity=bad)
            app.registered.look_at_last_runs(anew=True)

    def _take_lines(self, watch: RunWatch) -> None:
        if not watch.take_lines():
            self._app.call_later(self._take_lines, watch)

    def _look_failed(self, message: msg.RunLookFailed) -> None:
        watch = self._app.session.run_watches.get(message.run_id)
        if watch is not None:
            watch.fail(message.problem)
            self._app.changed(Part.RUN_WATCHED)

    def _gone(self, message: msg.RunGone) -> None:
        watch = self._app.session.run_watches.get(message.run_id)
        if watch is not None:
            watch.gone = True
            self._app.changed(Part.RUN_WATCHED)

    def _described(self, message: msg.RunDescribed) -> None:
        app = self._app
        watch = app.session.run_watches.get(message.run_id)
        if watch is None:
            return
        watch.serialized, watch.described = message.serialized, True
        if message.serialized is not None and "tasks" in message.serialized:
            self._draw(watch)
        app.changed(Part.RUN_WATCHED)

    def _draw(self, watch: RunWatch) -> None:
        """In a thread: a large graph takes a second."""
        from flowtui.tui.looks.graph import drawn_graph

        app, serialized = self._app, watch.serialized or {}
        ascii_ = app.glyphs.ascii

        async def job() -> None:
            drawn = await asyncio.to_thread(drawn_graph, serialized, ascii=ascii_, states=True)
            app.post_message(msg.RunGraphDrawn(watch.id, drawn))

        app.begin(job, group="run-graph", description="drawing the graph", counts=False)

    def _graph_drawn(self, message: msg.RunGraphDrawn) -> None:
        watch = self._app.session.run_watches.get(message.run_id)
        if watch is not None:
            watch.drawn = message.drawn
            self._app.changed(Part.RUN_WATCHED)
