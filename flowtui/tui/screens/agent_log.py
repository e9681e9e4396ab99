"""One agent that this app started: how it stands, and its log live."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen

from flowtui.tui import clock
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.agent_lines import own_mark, own_words
from flowtui.tui.looks.laying import field, hanging
from flowtui.tui.looks.words import plain
from flowtui.tui.messages import Part
from flowtui.tui.view_models.agents import OwnAgent
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.log.pane import LogPane
from flowtui.tui.widgets.painted import Painted
from flowtui.tui.widgets.status_line import StatusLine

_CLOCK = 1.0
"""Seconds between two looks at what ages."""


class AgentLog(Performs, Vertical):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.AGENT_LOG,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.AGENT_LOG)]

    def __init__(self, own: OwnAgent) -> None:
        super().__init__(id="agent-log")
        self._own = own

    def compose(self) -> ComposeResult:
        yield Painted(id="agent-head")
        yield LogPane(self._own.log)

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self.set_interval(_CLOCK, self._paint_head)

    def on_resize(self) -> None:
        self._look()

    def facts(self) -> Facts:
        return replace(app_of(self).facts(), own_agent=self._own.stand)

    def _changed(self, part: Part) -> None:
        if part is Part.AGENTS:
            self._look()

    def _look(self) -> None:
        own = self._own
        self._paint_head()
        self.query_one(LogPane).show(
            own.log, name=f"agent {own.name}", file=f"agent-{own.name}", live=not own.ended
        )
        self.refresh_bindings()

    def _paint_head(self) -> None:
        own, width = self._own, max(self.size.width - 3, 20)
        mark, style = own_mark(own, app_of(self).glyphs)
        head = Content.assemble((f"{mark} ", f"bold {style}"))
        words = Content.assemble(
            (f"{plain(own.name)}  ", "bold"), (own_words(own, clock.now()), style)
        )
        labels = ", ".join(plain(label) for label in own.spec.labels) or "none given"
        what = f"{own.spec.kind}, labels: {labels}"
        if own.prefect:
            what += f", Prefect {plain(own.prefect)}"
        address = own.reached_by or own.api_url
        self.query_one("#agent-head", Painted).paint(
            Content.assemble(
                hanging(head, words, width),
                field("agent", what, width=width),
                field("works for", plain(address), width=width),
            ).rstrip()
        )

    def perform_stop(self) -> None:
        app_of(self).agents.stop(self._own)

    def perform_expand(self) -> None:
        """The log on the whole screen, and back."""
        self._expand(not self._expanded)

    @property
    def _expanded(self) -> bool:
        return self.screen.has_class("-log-only")

    def _expand(self, expanded: bool) -> None:
        self.screen.set_class(expanded, "-log-only")
        self.query_one(LogPane).view.number_lines(expanded)

    def perform_back(self) -> None:
        """Undo what was put on the log, one after the other; then leave."""
        if self.query_one(LogPane).leave_one():
            return
        if self._expanded:
            self._expand(False)
            return
        app_of(self).pop_screen()


class AgentLogScreen(Screen[None]):
    AUTO_FOCUS = "#log"

    def __init__(self, own: OwnAgent) -> None:
        super().__init__()
        self._own = own

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield AgentLog(self._own)
        yield KeyBar()
