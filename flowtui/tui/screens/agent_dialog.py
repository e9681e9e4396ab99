"""An agent that is to be started: its kind, name and labels, and what it will run in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from flowtui.agents.kinds import AgentKind
from flowtui.agents.spec import AgentSpec
from flowtui.tui.acting import app_of
from flowtui.tui.looks.laying import field, problem_content
from flowtui.tui.looks.words import plain, shortened
from flowtui.tui.screens.dialogs import Dialog, DialogList, dialog_text, keys_line
from flowtui.tui.widgets.painted import Painted

if TYPE_CHECKING:
    from flowtui.agents.outlook import Outlook

_REST = 0.15
"""Seconds that the cursor rests on a kind before it is looked at."""
_GROUP = "agent-outlook"
_OFFERED = 6


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the dialog starts with."""

    kind: AgentKind
    why: str
    """Why this kind, in words."""
    labels: tuple[str, ...]
    hostname_label: bool
    offered: tuple[str, ...]
    """Labels of runs that wait."""


@dataclass(frozen=True, slots=True)
class _Kind:
    id: str
    kind: AgentKind
    hostname_label: bool
    title: str
    text: str
    """What it is for, in a few words."""
    more: str
    """The same in full."""


_KINDS = (
    _Kind(
        "docker",
        AgentKind.DOCKER,
        True,
        "docker",
        "flows stored in images",
        "Runs each flow in a container of its image, on this machine's Docker engine.",
    ),
    _Kind(
        "local",
        AgentKind.LOCAL,
        True,
        "local",
        "flows in Local storage",
        "Runs each flow as a process here. It also has this machine's name as a label, as flows "
        "in Local storage have.",
    ),
    _Kind(
        "local-plain",
        AgentKind.LOCAL,
        False,
        "local, without a label",
        "runs without labels",
        "Runs each flow as a process here, and has no label but those below: runs without labels "
        "are only given to agents without labels.",
    ),
)
_TITLE = 25
"""Cells of the column of kinds."""


class AgentDialog(Dialog[AgentSpec]):
    """Answers the agent that is wanted."""

    class Foreseen(Message):
        """What the kind under the cursor would run in."""

        def __init__(self, asked: str, outlook: Outlook) -> None:
            super().__init__()
            self.asked, self.outlook = asked, outlook

    def __init__(self, suggestion: Suggestion) -> None:
        super().__init__()
        self._suggestion = suggestion
        self._asked = ""
        self._suggested_name = ""

    def compose(self) -> ComposeResult:
        wanted = self._suggestion
        with Vertical(classes="dialog") as box:
            box.border_title = "Start an agent"
            why = f"Suggested: {wanted.kind}, {wanted.why}."
            yield dialog_text(why, classes="dialog-label")
            yield DialogList(*(_option(kind) for kind in _KINDS))
            yield Painted(id="agent-outlook")
            yield dialog_text("Name", classes="dialog-label")
            yield Input(id="agent-name")
            yield dialog_text(_label_words(wanted.offered), classes="dialog-label")
            yield Input(
                value=", ".join(plain(label) for label in wanted.labels),
                id="agent-labels",
                placeholder="none; several with a comma between",
            )
            yield dialog_text("", classes="dialog-error")
            yield keys_line(("Enter", "next, start"), ("Tab", "next field"), ("Esc", "cancel"))

    def on_mount(self) -> None:
        wanted = self._suggestion
        kinds = [(kind.kind, kind.hostname_label) for kind in _KINDS]
        suggested = (wanted.kind, wanted.hostname_label or wanted.kind is AgentKind.DOCKER)
        self._list.highlighted = kinds.index(suggested)
        self.set_focus(self._list)

    def on_unmount(self) -> None:
        app_of(self).cancel_group(_GROUP)

    @property
    def _list(self) -> DialogList:
        return self.query_one(DialogList)

    @property
    def _kind(self) -> _Kind:
        return _KINDS[self._list.highlighted or 0]

    @property
    def _spec(self) -> AgentSpec:
        kind = self._kind
        labels = (part.strip() for part in self.query_one("#agent-labels", Input).value.split(","))
        return AgentSpec(
            kind.kind,
            name=self.query_one("#agent-name", Input).value.strip(),
            labels=tuple(dict.fromkeys(label for label in labels if label)),
            hostname_label=kind.hostname_label,
        )

    # ------------------------------------------------------------------------- what it would be

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        app, kind = app_of(self), self._kind
        field_ = self.query_one("#agent-name", Input)
        if field_.value == self._suggested_name:
            self._suggested_name = field_.value = app.agents.wanted_name(kind.kind)
        if kind.id == self._asked:
            return
        self._asked = asked = kind.id
        spec = self._spec
        words = f"{app.glyphs.waiting} looking at this folder's Prefect and at the address"
        self._tell(Content.styled(words, "$muted"))

        async def job() -> None:
            await asyncio.sleep(_REST)
            outlook = await app.agents.outlook(spec)
            if outlook is not None:
                self.post_message(self.Foreseen(asked, outlook))

        app.begin(job, group=_GROUP, description="looking at what an agent would run in")

    @on(Foreseen)
    def _foreseen(self, message: Foreseen) -> None:
        if message.asked != self._asked:
            return
        outlook = message.outlook
        width = max(self.query_one("#agent-outlook").size.width, 30)
        parts: list[Content] = []
        if outlook.runs_in:
            parts.append(field("runs in", plain(outlook.runs_in), width=width))
        if outlook.reaches:
            label = "containers" if self._kind.kind is AgentKind.DOCKER else "works for"
            parts.append(field(label, plain(outlook.reaches), width=width))
        if outlook.problem is not None:
            parts.append(problem_content(outlook.problem, app_of(self).glyphs.failed, width))
        self._tell(Content.assemble(*parts).rstrip())

    def _tell(self, content: Content) -> None:
        more = Content.styled(f"{self._kind.more}\n", "$muted")
        self.query_one("#agent-outlook", Painted).paint(Content.assemble(more, content))

    # ----------------------------------------------------------------------------------- starting

    @on(OptionList.OptionSelected)
    def _kind_chosen(self) -> None:
        self.set_focus(self.query_one("#agent-name"))

    @on(Input.Submitted, "#agent-name")
    def _name_submitted(self) -> None:
        self.set_focus(self.query_one("#agent-labels"))

    @on(Input.Submitted, "#agent-labels")
    def _submitted(self) -> None:
        spec = self._spec
        if any(own.name == spec.name for own in app_of(self).session.agents.alive):
            self.refuse(f"An agent “{spec.name}” runs here already; choose another name.")
            self.set_focus(self.query_one("#agent-name"))
            return
        self.dismiss(spec)


def _option(kind: _Kind) -> Option:
    return Option(
        Content.assemble((f"{kind.title:<{_TITLE}}", "bold"), (kind.text, "$muted")), id=kind.id
    )


def _label_words(offered: tuple[str, ...]) -> str:
    if not offered:
        return "Labels: it is given runs whose labels it has"
    shown = ", ".join(shortened(plain(label), 20) for label in offered[:_OFFERED])
    return f"Labels; runs that wait have: {shown}"
