"""The first start: what was found here, and the ways to a control plane."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from flowtui.models import FlowKind
from flowtui.prefect_settings import OWN, PrefectSettings
from flowtui.quantities import counted
from flowtui.tui.acting import app_of
from flowtui.tui.messages import Part
from flowtui.tui.screens.dialogs import Choice, Dialog, DialogList, choice_option, keys_line
from flowtui.tui.session import Session
from flowtui.tui.widgets.painted import Painted
from flowtui.tui.work.importing import words_of

EMBEDDED, PREFECTS, REAL, CLOUD = "embedded", "prefects", "real", "cloud"
"""What can be answered, beside the place of one of Prefect's own profiles."""
_FRAME, _EACH = 14, 3
"""Lines around the choices, and of one choice with a blank line."""
_MOST = 3
"""Prefect's own profiles that are offered here; the auth pane offers all."""


_SERVERS = {
    EMBEDDED: Choice(
        EMBEDDED,
        "Start the embedded server",
        "On this machine: no account, no network. What is registered stays.",
    ),
    PREFECTS: Choice(
        PREFECTS,
        "Start Prefect's own server",
        "That of this project's Prefect, on this machine: no account, no network.",
    ),
}


class FirstStartScreen(Dialog[str]):
    """Answers the way that was chosen."""

    def __init__(self, prefect: tuple[PrefectSettings, ...]) -> None:
        super().__init__()
        self._prefect = prefect

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="first-start") as box:
            box.border_title = "Welcome to flowtui"
            yield Painted(id="first-start-found")
            yield DialogList(*self._options())
            yield keys_line(("↑↓", "choose"), ("Enter", "go"), ("Esc", "look around first"))

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self._show()

    def _changed(self, part: Part) -> None:
        if part is Part.ROWS:
            self._show()
            self._offer_again()

    def _offer_again(self) -> None:
        """What was found here decides which servers are offered."""
        offered = self.query_one(DialogList)
        options = self._options()
        if [each.id for each in options] == [each.id for each in offered.options]:
            return
        offered.clear_options()
        offered.add_options(options)
        offered.highlighted = 0

    def _show(self) -> None:
        self.query_one("#first-start-found", Painted).paint(
            Content.assemble(
                (found_here(app_of(self).session), "bold"),
                "\n",
                (
                    "Flows are deployed to a control plane: a Prefect API that keeps them and "
                    "their versions, and tells agents what to run.",
                    "$muted",
                ),
            )
        )

    def _options(self) -> list[Option]:
        """Apart from each other where there is room."""
        options = [choice_option(each) for each in self._choices()]
        if app_of(self).size.height < _FRAME + _EACH * len(options):
            return options
        between = [each for option in options for each in (option, Option("", disabled=True))]
        return between[:-1]

    def _choices(self) -> tuple[Choice, ...]:
        return (
            *(_SERVERS[kind] for kind in servers_for(app_of(self).session)),
            *(
                Choice(str(place), _title(each), words_of(each))
                for place, each in enumerate(self._prefect[:_MOST])
            ),
            Choice(
                REAL,
                "Connect to a control plane",
                "A Prefect server: an address, a token, a place for it.",
            ),
            Choice(CLOUD, "Log in to Prefect Cloud", "An API key, then one of your workspaces."),
        )

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(str(event.option_id))


def _title(settings: PrefectSettings) -> str:
    if settings.name == OWN:
        return "Use what Prefect is configured for"
    return f"Use Prefect's profile “{settings.name}”"


def servers_for(session: Session) -> tuple[str, ...]:
    """The servers that the flows here can be deployed to, the one for most of them first."""
    found = session.discovery.flows if session.discovery is not None else ()
    functions = sum(flow.kind is FlowKind.FLOW_FUNCTION for flow in found)
    if not functions:
        return (EMBEDDED,)
    if functions == len(found):
        return (PREFECTS,)
    return (PREFECTS, EMBEDDED) if functions * 2 >= len(found) else (EMBEDDED, PREFECTS)


def found_here(session: Session) -> str:
    """`3 flows found in this folder.`"""
    if session.rows is None:
        return "Looking for flows in this folder."
    broken = f", and {counted(session.broken_count, 'broken file')}" if session.broken_count else ""
    if not session.flow_count:
        return f"No flows found in this folder{broken}."
    return f"{counted(session.flow_count, 'flow')} found in this folder{broken}."
