"""One registered flow in full: all its versions and its runs; and the last run of every flow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flowtui.errors import FlowtuiError
from flowtui.models import Ability, Problem
from flowtui.run_models import FlowRun, RunState
from flowtui.tui import clock
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.tui.view_models.registered import Place, place_of

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_REST = 0.15
"""Seconds that the cursor rests on a flow before it is asked for: not once per key press."""
_MOVING = 5.0
"""Seconds between two looks at runs of which one runs or is due."""
_STILL = 30.0
"""The same where nothing is to be expected, and between two looks at the last runs of all."""
_EXPECTED = 120.0
"""Seconds after the start of a run in which it is looked for closely."""
_RUNS = 50
"""Runs of one flow that are shown."""


class RegisteredFlows:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._looked_for: frozenset[str] = frozenset()
        """Names of the flows whose last runs were asked for."""
        self._looked_at = 0.0
        self._expected_until = 0.0
        """A run that was started here may begin until then."""
        self._shown: Place | None = None
        """The flow whose versions the details show."""
        self._runs_of: Place | None = None
        """The flow whose runs they show."""

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.AllVersionsListed: self._all_versions_listed,
            msg.RunsListed: self._runs_listed,
            msg.LastRunsListed: self._last_runs_listed,
        }

    # --------------------------------------------------------------------------------- versions

    def list_versions(self, place: Place, *, group: str = "", rest: float = 0.0) -> None:
        """All versions of a flow, archived ones too, with the deploys from here that made them."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None or not app.session.connected:
            return
        project, name = place

        async def job() -> None:
            await asyncio.sleep(rest)
            try:
                versions = await workspace.versions(project=project, name=name, archived=True)
                ids = [version.id for version in versions]
                made_by = await asyncio.to_thread(workspace.history.by_version, ids)
            except FlowtuiError as error:
                app.post_message(msg.ProjectsFailed(error.problem))
                return
            ordered = tuple(sorted(versions, key=lambda version: version.version, reverse=True))
            app.post_message(msg.AllVersionsListed(place, ordered, made_by))

        app.begin(
            job,
            group=group or f"versions:{project}:{name}",
            description=f"listing the versions of {name}",
            counts=not rest,
        )

    def _all_versions_listed(self, message: msg.AllVersionsListed) -> None:
        session = self._app.session
        session.all_versions[message.place] = message.versions
        session.made_by |= message.made_by
        self._app.changed(Part.VERSIONS)

    # ------------------------------------------------------------------------------------- runs

    def read_for_details(self, place: Place, *, runs: bool) -> None:
        """What a tab of the details shows, once the cursor rests; `stop` when it moves on."""
        if runs:
            self._runs_of = place
            self._follow_runs(place)
        else:
            self._shown = place
            self.list_versions(place, group="detail-versions", rest=_REST)

    def read_again(self) -> None:
        """Something was changed on the control plane: what the details show may be old."""
        if self._shown is not None:
            self.list_versions(self._shown, group="detail-versions")

    def read_runs_again(self) -> None:
        """A run was started or cancelled: where the details show runs, they are old."""
        if self._runs_of is not None:
            self._follow_runs(self._runs_of)

    def stop(self) -> None:
        self._shown = self._runs_of = None
        for group in ("detail-versions", "detail-runs"):
            self._app.cancel_group(group)

    def _follow_runs(self, place: Place) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None or Ability.TELL_RUNS not in app.session.abilities:
            return
        project, name = place

        async def look() -> Problem | tuple[FlowRun, ...]:
            try:
                return await workspace.control_plane.flow_runs(
                    project=project, name=name, limit=_RUNS
                )
            except FlowtuiError as error:
                return error.problem

        async def job() -> None:
            await asyncio.sleep(_REST)
            seen: Problem | tuple[FlowRun, ...] | None = None
            while True:
                if seen is not None and not self._in_sight:
                    await asyncio.sleep(_MOVING)
                    continue
                found = await look()
                if found != seen:
                    app.post_message(msg.RunsListed(place, found))
                seen = found
                await asyncio.sleep(_MOVING if _something_moves(found, clock.now()) else _STILL)

        app.begin(job, group="detail-runs", description=f"reading runs of {name}", counts=False)

    @property
    def _in_sight(self) -> bool:
        """Whether the main screen is in front; what nobody sees is not asked for."""
        return len(self._app.screen_stack) == 1

    def _runs_listed(self, message: msg.RunsListed) -> None:
        self._app.session.runs[message.place] = message.runs
        self._app.changed(Part.RUNS)

    # -------------------------------------------------------------------------------- last runs

    def look_at_last_runs(self, *, anew: bool = False, started: bool = False) -> None:
        """Of the registered flows of this folder; not at each save, unless others came.

        While one of them runs it is looked at again and again; so it is for some time after one
        was `started` here.
        """
        app, session = self._app, self._app.session
        workspace = session.workspace
        if workspace is None or Ability.TELL_RUNS not in session.abilities:
            return
        names = frozenset(row.version.name for row in session.rows or () if row.version is not None)
        fresh = clock.seconds() - self._looked_at < _STILL
        if not names or (fresh and not anew and names <= self._looked_for):
            return
        self._looked_for, self._looked_at = names, clock.seconds()
        if started:
            self._expected_until = clock.seconds() + _EXPECTED

        async def job() -> None:
            while True:
                try:
                    runs = await workspace.control_plane.last_runs(names)
                except FlowtuiError:
                    return  # the connection itself says what is wrong
                app.post_message(msg.LastRunsListed(runs))
                running = any(run.kind is RunState.RUNNING for run in runs)
                if not running and clock.seconds() >= self._expected_until:
                    return
                await asyncio.sleep(_MOVING if self._in_sight else _STILL)

        app.begin(job, group="last-runs", description="reading the last runs", counts=False)

    def _last_runs_listed(self, message: msg.LastRunsListed) -> None:
        found = {place_of(run): run for run in message.runs}
        if found != self._app.session.last_runs:
            self._app.session.last_runs = found
            self._app.changed(Part.RUNS)


def _something_moves(found: Problem | tuple[FlowRun, ...], now: datetime) -> bool:
    """Whether a run is under way or due."""
    if isinstance(found, Problem):
        return False
    soon = now + timedelta(seconds=_STILL)
    return any(
        run.kind is RunState.RUNNING
        or (run.kind is RunState.PLANNED and run.scheduled is not None and run.scheduled <= soon)
        for run in found
    )
