"""When a run starts: now, in ten minutes, or at a local time that is typed."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from flowtui.runs.start import LIKE, Start, read_start
from flowtui.tui import clock
from flowtui.tui.acting import app_of
from flowtui.tui.widgets.form.inputs import Changed, ChoiceInput, ValueInput
from flowtui.tui.widgets.painted import Painted

NOW, SOON, AT = 0, 1, 2
_CHOICES = ("now", "in 10 min", "at a time")


class WhenField(Horizontal):
    class Edited(Message):
        """Another start was chosen or typed."""

    def __init__(self, taker: str) -> None:
        """`taker` is who takes the run: `an agent`, `a worker`."""
        super().__init__(id="field-when", classes="form-field")
        self._taker = taker

    def compose(self) -> ComposeResult:
        yield Static("When", markup=False, classes="form-label")
        with Vertical(classes="form-value"):
            yield ChoiceInput(_CHOICES, NOW, id="input-when")
            time = ValueInput("", id="input-time", placeholder=LIKE)
            time.display = False
            yield time
            yield Painted(id="hint-when")

    def on_mount(self) -> None:
        self._show_hint()

    @property
    def _chosen(self) -> int:
        return self.query_one(ChoiceInput).chosen or NOW

    @property
    def start(self) -> Start:
        """As it is chosen at this moment."""
        if self._chosen == NOW:
            return Start(words=f"as soon as {self._taker} takes it")
        return read_start(self.said, clock.now())

    @property
    def said(self) -> str:
        """What was chosen or typed; the moment that it means goes on with the clock."""
        typed = self.query_one(ValueInput).text
        return {NOW: "", SOON: "10 min", AT: typed}[self._chosen]

    @property
    def input(self) -> ChoiceInput | ValueInput:
        """Where a person says it."""
        return self.query_one(ValueInput if self._chosen == AT else ChoiceInput)

    @on(Changed)
    def _changed(self, event: Changed) -> None:
        event.stop()
        typed = self.query_one(ValueInput)
        typed.display = self._chosen == AT
        self._show_hint()
        self.post_message(self.Edited())

    @on(ValueInput.NullWanted)
    @on(ValueInput.DefaultWanted)
    def _default_wanted(self, event: Message) -> None:
        """There is no time that is nothing: both lead back to now."""
        event.stop()
        choice = self.query_one(ChoiceInput)
        choice.choose(NOW)
        self.post_message(self.Edited())
        self.screen.set_focus(choice)
        self.query_one(ValueInput).display = False
        self._show_hint()

    def _show_hint(self) -> None:
        start = self.start
        if self._chosen == AT and not self.query_one(ValueInput).text:
            hint = Content.styled("a local time, or how long from now", "$muted")
        elif start.problem:
            mark = app_of(self).glyphs.failed if self.query_one(ValueInput).text else ""
            style = "$error" if mark else "$muted"
            hint = Content.styled(f"{mark} {start.problem}".strip(), style)
        else:
            hint = Content.styled(start.words, "$muted")
        self.query_one("#hint-when", Painted).paint(hint)
