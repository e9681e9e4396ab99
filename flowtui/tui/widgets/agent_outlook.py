"""What an agent or worker that is to be started would run in, below the list it is chosen from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.message import Message

from flowtui.agents.spec import AgentSpec
from flowtui.tui.acting import app_of
from flowtui.tui.looks.laying import field, problem_content
from flowtui.tui.looks.words import plain
from flowtui.tui.widgets.painted import Painted

if TYPE_CHECKING:
    from flowtui.agents.outlook import Outlook

_REST = 0.15
"""Seconds that the cursor rests on a line before it is looked at."""
_GROUP = "agent-outlook"


class AgentOutlook(Painted):
    """Shows what the line under the cursor is for, and looks at what it would run in."""

    class Foreseen(Message):
        def __init__(self, asked: str, outlook: Outlook) -> None:
            super().__init__()
            self.asked, self.outlook = asked, outlook

    def __init__(self, *, looking_at: str, description: str) -> None:
        """`looking_at` ends the words that are shown meanwhile; `description` is the work's."""
        super().__init__(id="agent-outlook")
        self._looking_at, self._description = looking_at, description
        self._asked = self._purpose = ""
        self._reaches = "works for"

    def on_unmount(self) -> None:
        app_of(self).cancel_group(_GROUP)

    def look(self, asked: str, spec: AgentSpec, *, purpose: str, reaches: str) -> None:
        """`asked` is the line's id, `reaches` the label of the address; the same line again is
        not looked at again."""
        if asked == self._asked:
            return
        app = app_of(self)
        self._asked, self._purpose, self._reaches = asked, purpose, reaches
        self._tell(Content.styled(f"{app.glyphs.waiting} looking at {self._looking_at}", "$muted"))

        async def job() -> None:
            await asyncio.sleep(_REST)
            outlook = await app.agents.outlook(spec)
            if outlook is not None:
                self.post_message(self.Foreseen(asked, outlook))

        app.begin(job, group=_GROUP, description=self._description)

    @on(Foreseen)
    def _foreseen(self, message: Foreseen) -> None:
        if message.asked != self._asked:
            return
        outlook, width = message.outlook, max(self.size.width, 30)
        parts: list[Content] = []
        if outlook.runs_in:
            parts.append(field("runs in", plain(outlook.runs_in), width=width))
        if outlook.reaches:
            parts.append(field(self._reaches, plain(outlook.reaches), width=width))
        if outlook.problem is not None:
            parts.append(problem_content(outlook.problem, app_of(self).glyphs.failed, width))
        self._tell(Content.assemble(*parts).rstrip())

    def _tell(self, content: Content) -> None:
        self.paint(Content.assemble(Content.styled(f"{self._purpose}\n", "$muted"), content))
