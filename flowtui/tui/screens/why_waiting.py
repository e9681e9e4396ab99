"""Why a run does not start yet, and what to do about it."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from flowtui.agents.takers import reasons, takers
from flowtui.agents.waiting import Waiting
from flowtui.errors import FlowtuiError
from flowtui.models import Problem
from flowtui.run_models import FlowRun
from flowtui.tui import clock
from flowtui.tui.acting import app_of
from flowtui.tui.looks.laying import hanging
from flowtui.tui.looks.words import plain, plain_block
from flowtui.tui.screens.dialogs import Dialog, keys_line
from flowtui.tui.widgets.painted import Painted

_GROUP = "why-waiting"
_WIDTH = 56
"""Cells of the text at most."""


class WhyWaitingScreen(Dialog[None]):
    """Asks for the run and the agents as they are now."""

    class Answered(Message):
        def __init__(self, run: FlowRun | None, reasons: tuple[Waiting, ...]) -> None:
            super().__init__()
            self.run, self.reasons = run, reasons

    class Unanswered(Message):
        def __init__(self, problem: Problem) -> None:
            super().__init__()
            self.problem = problem

    def __init__(self, run: FlowRun) -> None:
        super().__init__()
        self._run = run

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            title = f"Why “{plain(self._run.name)}” of “{plain(self._run.flow_name)}” waits"
            box.border_title = Content(title)
            yield Painted(id="why-waiting")
            yield keys_line(("Esc", "close"))

    def on_mount(self) -> None:
        app, workspace = app_of(self), app_of(self).session.workspace
        self._tell(Content.styled("Asking the control plane.", "$muted"))
        if workspace is None:
            return

        async def job() -> None:
            try:
                run = await workspace.control_plane.flow_run(self._run.id)
                known = await takers(workspace.control_plane, app.session.abilities)
            except FlowtuiError as error:
                self.post_message(self.Unanswered(error.problem))
                return
            found = reasons(run, known, clock.now()) if run is not None else ()
            self.post_message(self.Answered(run, found))

        app.begin(job, group=_GROUP, description="asking why it waits")

    def on_unmount(self) -> None:
        app_of(self).cancel_group(_GROUP)

    @on(Answered)
    def _answered(self, message: Answered) -> None:
        if message.run is None:
            self._tell(Content("The control plane does not know this run any more."))
        elif not message.reasons:
            self._tell(Content(f"It does not wait any more: {plain(message.run.state)}."))
        else:
            width = min(_WIDTH, app_of(self).size.width * 9 // 10 - 6)
            self._tell(reasons_content(message.reasons, width))

    @on(Unanswered)
    def _unanswered(self, message: Unanswered) -> None:
        problem = message.problem
        self._tell(Content.styled(plain_block(f"{problem.what}\n{problem.fix}"), "$error"))

    def _tell(self, content: Content) -> None:
        self.query_one("#why-waiting", Painted).paint(content)


def reasons_content(reasons: tuple[Waiting, ...], width: int) -> Content:
    """Each with what to do about it, below each other."""
    parts: list[Content] = []
    for reason in reasons:
        words = plain(reason.what)
        head = Content.styled("· ", "$muted")
        parts.append(hanging(head, Content(f"{words[0].upper()}{words[1:]}."), width))
        if reason.fix:
            head = Content.styled("  next  ", "$muted")
            parts.append(hanging(head, Content.styled(plain(reason.fix), "$accent"), width))
    return Content.assemble(*parts).rstrip()
