"""Questions about projects and flows: every text in them is cleaned and never markup."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from flowtui.tui.looks.words import plain, plain_block
from flowtui.tui.screens.dialogs import Dialog, keys_line

_SHOWN = 200
"""Choices that are listed at once; typing finds the others."""


@dataclass(frozen=True, slots=True)
class NewProject:
    name: str
    description: str


class ProjectDialog(Dialog[NewProject]):
    """A name, and perhaps what it is for."""

    def __init__(self, taken: tuple[str, ...]) -> None:
        super().__init__()
        self._taken = taken

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "New project"
            yield Static("Name", classes="dialog-label")
            yield Input(id="name")
            yield Static("Description, if you like", classes="dialog-label")
            yield Input(id="description")
            yield Static("", classes="dialog-error", markup=False)
            yield keys_line(("Enter", "create"), ("Tab", "next field"), ("Esc", "cancel"))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        name = self.query_one("#name", Input).value.strip()
        problem = ""
        if not name:
            problem = "Type a name first."
        elif name in self._taken:
            problem = f"“{name}” is there already; choose another name."
        if problem:
            self.query_one(".dialog-error", Static).update(plain(problem))
            self.set_focus(self.query_one("#name"))
            return
        description = self.query_one("#description", Input).value.strip()
        self.dismiss(NewProject(name, description))


class DescriptionDialog(Dialog[str]):
    """What a project is for; an empty text takes the description away."""

    def __init__(self, project: str, description: str) -> None:
        super().__init__()
        self._project, self._description = project, plain(description)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(f"Describe “{self._project}”"))
            yield Static("What it is for; empty for none", classes="dialog-label")
            yield Input(value=self._description, id="description")
            yield keys_line(("Enter", "save"), ("Esc", "cancel"))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


@dataclass(frozen=True, slots=True)
class Choice:
    id: str
    name: str
    note: str = ""


class ChoiceDialog(Dialog[str]):
    """One of many, found by typing; answers its id.

    `new` are words for what is typed and none of them: then that text can be chosen too.
    """

    def __init__(
        self, title: str, text: str, choices: tuple[Choice, ...], *, yes: str, new: str = ""
    ) -> None:
        super().__init__()
        self._title, self._text, self._choices, self._yes = title, text, choices, yes
        self._new = new

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(self._title))
            if self._text:
                yield Static(plain_block(self._text), markup=False, classes="dialog-text")
            hint = f"type to find, or the name of {self._new}" if self._new else "type to find"
            yield Input(placeholder=hint, id="find")
            yield OptionList(*self._options(""), id="choices", markup=False)
            yield keys_line(("↑↓", "choose"), ("Enter", self._yes), ("Esc", "cancel"))

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self.query_one(OptionList).action_first()

    def _options(self, typed: str) -> list[Option]:
        found = [choice for choice in self._choices if typed.casefold() in choice.name.casefold()]
        shown = [
            Option(
                Content.assemble(plain(choice.name), (f"  {plain(choice.note)}", "$muted")),
                id=choice.id,
            )
            for choice in found[:_SHOWN]
        ]
        if self._new and typed and all(typed != choice.name for choice in self._choices):
            new = Content.assemble(plain(typed), (f"  {self._new}", "$muted"))
            shown.append(Option(new, id=typed))
        if not shown:
            return [Option(Content.styled("none has this in its name", "$muted"), disabled=True)]
        if len(found) > _SHOWN:
            more = f"{len(found) - _SHOWN} more: type to find them"
            shown.append(Option(Content.styled(more, "$muted"), disabled=True))
        return shown

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        choices = self.query_one(OptionList)
        choices.clear_options().add_options(self._options(event.value.strip()))
        choices.action_first()

    def on_key(self, event: events.Key) -> None:
        """The list hears what the field has no use for."""
        choices = self.query_one(OptionList)
        moves = {
            "down": choices.action_cursor_down,
            "up": choices.action_cursor_up,
            "pagedown": choices.action_page_down,
            "pageup": choices.action_page_up,
        }
        move = moves.get(event.key)
        if move is not None:
            event.stop()
            move()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        highlighted = self.query_one(OptionList).highlighted_option
        if highlighted is not None and highlighted.id is not None:
            self.dismiss(highlighted.id)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)
