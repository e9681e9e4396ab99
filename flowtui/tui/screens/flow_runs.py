"""All runs of the control plane, live."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from flowtui.models import Ability
from flowtui.quantities import ago
from flowtui.run_models import FlowRun, RunState
from flowtui.runs.listing import MOST, RunQuery, Shown
from flowtui.tui import clock
from flowtui.tui.acting import app_of
from flowtui.tui.looks.words import plain, plain_block
from flowtui.tui.messages import Part
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.line_list import LineList
from flowtui.tui.widgets.painted import Painted
from flowtui.tui.widgets.runs.list import RunList
from flowtui.tui.widgets.status_line import StatusLine

_NEAR = 20
"""Lines before the end of the list where the next page is read."""


class RunsFilter(Input):
    """The line below the runs; Escape shows all again, Enter keeps the filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "clear filter"),
        Binding("down", "submit", "to the runs"),
    ]

    class Left(Message):
        pass

    def __init__(self) -> None:
        super().__init__(
            placeholder="flow, run name, state, version, label or id; !word hides", id="runs-filter"
        )

    def action_leave(self) -> None:
        self.post_message(self.Left())


class FlowRunsScreen(Screen[None]):
    AUTO_FOCUS = "#runs"

    def __init__(self) -> None:
        super().__init__()
        self._words = ""
        self._shown: tuple[FlowRun, ...] = ()

    def compose(self) -> ComposeResult:
        yield StatusLine()
        with Vertical(id="runs-box"):
            yield Painted(id="runs-head")
            yield RunList()
            yield Painted(id="runs-empty")
            yield RunsFilter()
        yield KeyBar()

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self.set_interval(1.0, self._tick)
        self.call_after_refresh(self._show)

    def on_screen_resume(self) -> None:
        app_of(self).flow_runs.follow()

    def on_screen_suspend(self) -> None:
        """What nobody sees is not asked for."""
        app_of(self).flow_runs.rest()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _tick(self) -> None:
        """Durations go on, and so does the time since the last answer."""
        if not self.is_current:
            return
        if any(run.kind in (RunState.RUNNING, RunState.PLANNED) for run in self._shown):
            self.query_one(RunList).draw()
        self._show_title()

    def _changed(self, part: Part) -> None:
        if part is Part.CONNECTION and self.is_current:
            app_of(self).flow_runs.follow()
        if part in (Part.RUN_LISTING, Part.CONNECTION) and self.is_attached:
            self._show()

    # ------------------------------------------------------------------------------- what is shown

    def _show(self) -> None:
        listing = app_of(self).session.run_listing
        self._shown = listing.matching(self._words)
        table = self.query_one(RunList)
        table.show(self._shown)
        self.query_one("#runs-head", Painted).paint(table.head())
        self._show_title()
        self._show_emptiness()
        self._read_more(table.scroll_offset.y + table.size.height)

    def _show_title(self) -> None:
        app = app_of(self)
        listing, now = app.session.run_listing, clock.now()
        count = len(self._shown)
        more = "" if listing.complete or self._words else "+"
        title = f"Runs ({count:,}{more})" if listing.runs is not None else "Runs"
        parts: list[tuple[str, str]] = [(title, "")]
        if listing.query.shown is not Shown.BUT_PLANNED:
            parts.append((f"  {listing.query.shown}", "bold $accent"))
        if listing.query.names is not None:
            parts.append(("  of this folder", ""))
        if self._words:
            looked = "" if listing.complete else f" in {len(listing.runs or ()):,} runs"
            parts.append((f"  filter: {plain(self._words)}{looked}", "$warning"))
        if listing.problem is not None and listing.answered is not None:
            seconds = int((now - listing.answered).total_seconds())
            since = f"{seconds}s ago" if seconds < 60 else ago(listing.answered, now)
            parts.append((f"  last answer {since}", "$warning"))
        title_content = Content.assemble(*parts)
        box = self.query_one("#runs-box")
        if str(box.border_title) != title_content.plain:
            box.border_title = title_content

    def _show_emptiness(self) -> None:
        empty = not self._shown
        for widget in ("#runs", "#runs-head"):
            self.query_one(widget).set_class(empty, "-empty")
        box = self.query_one("#runs-empty", Painted)
        box.set_class(not empty, "-hidden")
        if empty:
            box.paint(Content(plain_block(self._why_empty())))

    def _why_empty(self) -> str:
        app = app_of(self)
        session, key = app.session, app.keymap.key
        listing = session.run_listing
        if not session.connected:
            steps = "" if session.connecting else f"\n{key('main.connection')} on the main screen."
            return f"Not connected to a control plane.{steps}"
        if Ability.TELL_RUNS not in session.abilities:
            return f"This control plane cannot {Ability.TELL_RUNS}."
        if listing.problem is not None and listing.runs is None:
            problem = listing.problem
            return f"{problem.what}\n{problem.where}\n{problem.fix}"
        if listing.runs is None or (self._words and not self._looked_through):
            return "Reading the runs."
        if self._words:
            return f"No run has these words. {key('flow_runs.back')} shows all."
        if listing.query.shown is not Shown.BUT_PLANNED:
            return f"No run is {listing.query.shown}. {key('flow_runs.next_state')} shows others."
        if listing.query.names is not None:
            return (
                "No flow of this folder has run yet.\n"
                f"{key('flow_runs.folder')} shows the runs of all flows."
            )
        starts = "A worker" if Ability.TELL_WORK_POOLS in session.abilities else "An agent"
        first = f"Nothing has run yet. {key('flows.run')} on a flow runs it."
        return f"{first}\n{starts} starts what is due."

    @property
    def _looked_through(self) -> bool:
        listing = app_of(self).session.run_listing
        return listing.complete or len(listing.runs or ()) >= MOST

    @on(LineList.InView)
    def _in_view(self, message: LineList.InView) -> None:
        app = app_of(self)
        seen = {run.id for run in self._shown[message.first : message.last]}
        places = [n for n, run in enumerate(app.session.run_listing.runs or ()) if run.id in seen]
        if places:
            app.flow_runs.in_view(range(places[0], places[-1] + 1))
        self._read_more(message.last)

    def _read_more(self, last: int) -> None:
        """When the end is near, unless a filter has had enough to look through."""
        near = last >= len(self._shown) - _NEAR
        if near and not (self._words and self._looked_through):
            app_of(self).flow_runs.more()

    # ------------------------------------------------------------------------------------- filter

    @on(Input.Changed, "#runs-filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self._words = event.value
        self._show()

    @on(Input.Submitted, "#runs-filter")
    def _filter_submitted(self, event: Input.Submitted) -> None:
        if not event.value:
            event.input.remove_class("-open")
        self.set_focus(self.query_one(RunList))

    @on(RunsFilter.Left)
    def _clear_filter(self) -> None:
        field = self.query_one(RunsFilter)
        field.value = ""
        field.remove_class("-open")
        self.set_focus(self.query_one(RunList))

    # ------------------------------------------------------------------------------------ actions

    @on(RunList.Wanted)
    def _wanted(self, message: RunList.Wanted) -> None:
        getattr(self, f"_do_{message.what}")()

    def _do_filter(self) -> None:
        field = self.query_one(RunsFilter)
        field.add_class("-open")
        self.set_focus(field)

    def _do_next_state(self) -> None:
        query = app_of(self).session.run_listing.query
        self._ask(RunQuery(query.shown.next(), query.names))

    def _do_folder(self) -> None:
        session = app_of(self).session
        query = session.run_listing.query
        names: frozenset[str] | None = None
        if query.names is None:
            names = frozenset(
                row.version.name if row.version is not None else row.name
                for row in session.rows or ()
                if row.broken is None
            )
        self._ask(RunQuery(query.shown, names))

    def _ask(self, query: RunQuery) -> None:
        app_of(self).flow_runs.ask(query)

    def _do_times(self) -> None:
        self._show()

    def _do_back(self) -> None:
        """All runs first, then the screen before."""
        app = app_of(self)
        if self._words:
            self._clear_filter()
        elif app.session.run_listing.query.shown is not Shown.BUT_PLANNED:
            self._ask(RunQuery(names=app.session.run_listing.query.names))
        else:
            app.pop_screen()
