"""The list of runs, kept up while it is in sight; starting runs and cancelling them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from flowtui.errors import FlowtuiError
from flowtui.models import Ability
from flowtui.run_models import FlowRun, RunRequest
from flowtui.runs.listing import (
    PAGE,
    RunListing,
    RunQuery,
    seconds_until_next_look,
)
from flowtui.tui import asking_runs, clock
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.tui.work.run_changes import RunChanges

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_AHEAD = timedelta(minutes=5)
"""What is planned within this time counts as due: clocks differ, and it is worth seeing."""
_OVERLAP = 10
"""Runs that are read again with the page after them: some may have gone from before it."""
_MOST_PAGES = 3
"""Pages in view that are looked at again and again, beside the first."""
_TOLD = 10.0
"""Seconds between two looks at a list whose changes are told."""
_GROUP, _MORE = "runs", "runs-more"


class FlowRuns:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._pages: frozenset[int] = frozenset()
        """Those in view, beside the first."""
        self._following = False
        self._changes = RunChanges(app, "runs-changes", _TOLD)

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.RunPageRead: self._page_read,
            msg.RunPageFailed: self._page_failed,
            msg.RunStarted: self._started,
            msg.RunRefused: self._refused,
            msg.RunCancelled: self._cancelled,
        }

    # ---------------------------------------------------------------------------------- the list

    def follow(self) -> None:
        """Look now, and again and again, until `rest`."""
        app, workspace = self._app, self._app.session.workspace
        self._following = True
        if workspace is None or Ability.TELL_RUNS not in app.session.abilities:
            return

        async def job() -> None:
            failures = 0
            while True:
                query, seen = app.session.run_listing.query, list[FlowRun]()
                try:
                    for number in sorted({0, *self._pages}):
                        page = await self._read(query, number * PAGE)
                        seen += page
                        app.post_message(msg.RunPageRead(query, page, number * PAGE))
                    failures = 0
                except FlowtuiError as error:
                    failures += 1
                    app.post_message(msg.RunPageFailed(query, error.problem))
                await self._changes.wait(seconds_until_next_look(seen, failures, clock.now()))

        self._changes.listen(None)
        app.begin(job, group=_GROUP, description="reading runs", counts=False)

    def rest(self) -> None:
        """Nobody sees the list."""
        self._following = False
        self._changes.rest()
        for group in (_GROUP, _MORE):
            self._app.cancel_group(group)

    async def _read(self, query: RunQuery, offset: int) -> tuple[FlowRun, ...]:
        workspace = self._app.session.workspace
        assert workspace is not None
        border = clock.now() + _AHEAD
        return await workspace.control_plane.flow_runs(
            names=query.names,
            states=query.states,
            planned_until=border if query.due else None,
            planned_after=None if query.due else border,
            offset=offset,
            limit=PAGE,
        )

    def ask(self, query: RunQuery) -> None:
        """Other runs are wanted."""
        if query != self._app.session.run_listing.query:
            self._app.session.run_listing = RunListing(query)
            self._pages = frozenset()
            self._app.cancel_group(_MORE)
            self._app.changed(Part.RUN_LISTING)
            self.follow()

    def in_view(self, numbers: range) -> None:
        """Which of the runs that were read are seen, by their numbers."""
        pages = {number // PAGE for number in (numbers.start, numbers.stop - 1) if number >= 0}
        self._pages = frozenset(sorted(pages - {0})[:_MOST_PAGES])

    def more(self) -> None:
        """The page after those that were read; not twice at once, and not where nobody answers:
        the next look says when somebody does."""
        app, listing = self._app, self._app.session.run_listing
        if listing.complete or listing.problem is not None or not self._following:
            return
        if listing.runs is None:
            return
        if any(worker.group == _MORE and worker.is_running for worker in app.workers):
            return
        query, offset = listing.query, max(len(listing.runs) - _OVERLAP, 0)

        async def job() -> None:
            try:
                page = await self._read(query, offset)
            except FlowtuiError as error:
                app.post_message(msg.RunPageFailed(query, error.problem))
                return
            app.post_message(msg.RunPageRead(query, page, offset))

        app.begin(job, group=_MORE, description="reading more runs", counts=False)

    def _page_read(self, message: msg.RunPageRead) -> None:
        session = self._app.session
        if message.query == session.run_listing.query:
            session.run_listing = session.run_listing.with_page(
                message.page, message.offset, clock.now()
            )
            self._app.changed(Part.RUN_LISTING)

    def _page_failed(self, message: msg.RunPageFailed) -> None:
        session = self._app.session
        if message.query == session.run_listing.query:
            session.run_listing = session.run_listing.with_failure(message.problem)
            self._app.changed(Part.RUN_LISTING)

    # ----------------------------------------------------------------------- starting, cancelling

    def start(self, form: str, request: RunRequest) -> None:
        """What became of it the form is told, by its key, where it is still open."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            try:
                run = await workspace.control_plane.start_run(request)
            except FlowtuiError as error:
                app.post_message(msg.RunRefused(form, error.problem))
                return
            app.post_message(msg.RunStarted(form, run))

        app.begin(job, group=f"start-run:{form}", description="starting a run")

    def _started(self, message: msg.RunStarted) -> None:
        app, run = self._app, message.run
        self._look_again(started=True)
        if getattr(app.screen, "form_key", None) == message.form:
            app.pop_screen()
            asking_runs.open_run(app, run)
        else:
            app.say(f"{run.flow_name}: run {run.name} is asked for")

    def _refused(self, message: msg.RunRefused) -> None:
        from flowtui.tui.screens.run_form import RunForm

        screen = self._app.screen
        if isinstance(screen, RunForm) and screen.form_key == message.form:
            screen.refused(message.problem)
        else:
            self._app.say_problem(message.problem)

    def cancel(self, run: FlowRun) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            state = await workspace.control_plane.cancel_run(run.id)
            app.post_message(msg.RunCancelled(run, state))

        app.begin(job, group=f"cancel-run:{run.id}", description=f"cancelling {run.name}")

    def _cancelled(self, message: msg.RunCancelled) -> None:
        app, run = self._app, replace(message.run, state=message.state)
        words = {"Cancelled": "is cancelled", "Cancelling": "is being cancelled"}
        said = words.get(run.state, f"had ended before that: {run.state}")
        app.say(f"{run.flow_name}: run {run.name} {said}")
        app.session.run_listing = app.session.run_listing.with_run(run)
        self._look_again()

    def _look_again(self, *, started: bool = False) -> None:
        app = self._app
        app.registered.look_at_last_runs(anew=True, started=started)
        app.registered.read_runs_again()
        app.flow_run.look_again()
        app.changed(Part.RUN_LISTING)
        if self._following:
            self.follow()
