"""An agent that is to be started: its kind, name and labels, and what it will run in."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from flowtui.agents.kinds import AgentKind
from flowtui.agents.spec import AgentSpec
from flowtui.tui.acting import app_of
from flowtui.tui.looks.words import plain, shortened
from flowtui.tui.screens.dialogs import Dialog, DialogList, dialog_text, keys_line
from flowtui.tui.widgets.agent_outlook import AgentOutlook

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

    def __init__(self, suggestion: Suggestion) -> None:
        super().__init__()
        self._suggestion = suggestion
        self._suggested_name = ""

    def compose(self) -> ComposeResult:
        wanted = self._suggestion
        with Vertical(classes="dialog") as box:
            box.border_title = "Start an agent"
            why = f"Suggested: {wanted.kind}, {wanted.why}."
            yield dialog_text(why, classes="dialog-label")
            yield DialogList(*(_option(kind) for kind in _KINDS))
            yield AgentOutlook(
                looking_at="this folder's Prefect and at the address",
                description="looking at what an agent would run in",
            )
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
        reaches = "containers" if kind.kind is AgentKind.DOCKER else "works for"
        self.query_one(AgentOutlook).look(kind.id, self._spec, purpose=kind.more, reaches=reaches)

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
