"""A new work pool: its name, and its type out of those that the control plane knows."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from flowtui.tui.looks.words import plain
from flowtui.tui.screens.dialogs import Dialog, keys_line

_USUAL = ("process", "docker", "kubernetes")
"""Types that most people want come first."""
_SAYS = {
    "process": "runs are processes on the worker's machine",
    "docker": "runs are containers of the worker's engine",
    "kubernetes": "runs are jobs of a cluster",
}


@dataclass(frozen=True, slots=True)
class NewPool:
    name: str
    type: str


class PoolDialog(Dialog[NewPool]):
    def __init__(self, taken: tuple[str, ...], types: tuple[str, ...]) -> None:
        super().__init__()
        self._taken = taken
        usual = [each for each in _USUAL if each in types]
        self._types = (*usual, *(each for each in types if each not in usual))

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "New work pool"
            yield Static("Name", classes="dialog-label")
            yield Input(id="name")
            yield Static("Type", classes="dialog-label")
            yield OptionList(*map(_option, self._types), id="choices", markup=False)
            yield Static("", classes="dialog-error", markup=False)
            yield keys_line(("↑↓", "type"), ("Enter", "create"), ("Esc", "cancel"))

    def on_mount(self) -> None:
        types = self.query_one(OptionList)
        types.can_focus = False
        types.action_first()

    def on_key(self, event: events.Key) -> None:
        """The list hears what the field has no use for."""
        types = self.query_one(OptionList)
        moves = {"down": types.action_cursor_down, "up": types.action_cursor_up}
        move = moves.get(event.key)
        if move is not None:
            event.stop()
            move()

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _submitted(self) -> None:
        name = self.query_one(Input).value.strip()
        chosen = self.query_one(OptionList).highlighted
        problem = ""
        if not name:
            problem = "Type a name first."
        elif name in self._taken:
            problem = f"“{name}” is there already; choose another name."
        elif chosen is None:
            problem = "The control plane names no type of work pool."
        if problem or chosen is None:
            self.query_one(".dialog-error", Static).update(plain(problem))
            return
        self.dismiss(NewPool(name, self._types[chosen]))


def _option(pool_type: str) -> Option:
    says = _SAYS.get(pool_type, "")
    return Option(
        Content.assemble(f"{plain(pool_type):<12}", (f"  {says}" if says else "", "$muted"))
    )
