"""Questions in front of the screen. Every text in them is cleaned and never markup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from flowtui.credentials import Secret, TokenKind, Where, credentials_file, token
from flowtui.errors import FlowtuiError
from flowtui.tui.acting import Performs, bindings
from flowtui.tui.actions import Scope
from flowtui.tui.counting import DIGITS, moved
from flowtui.tui.looks.words import plain, plain_block

Answer = TypeVar("Answer")


def dialog_text(text: str, *, classes: str) -> Static:
    """Outside text in a dialog."""
    return Static(plain_block(text), markup=False, classes=classes)


def keys_line(*pairs: tuple[str, str]) -> Static:
    """The line of keys at the foot of a dialog."""
    parts = [
        part
        for key, what in pairs
        for part in ((f"{key} ", "bold $accent"), (f"{what}   ", "$muted"))
    ]
    return Static(Content.assemble(*parts), markup=False, classes="dialog-keys")


class Dialog(ModalScreen[Answer]):
    """A box in the middle; Escape answers None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "cancel", priority=True)]

    def action_leave(self) -> None:
        self.dismiss(None)

    def refuse(self, text: str) -> None:
        """Say below the fields why the answer is not taken."""
        self.query_one(".dialog-error", Static).update(plain_block(text))


class DialogList(Performs, OptionList):
    """What can be chosen; moved in as in every other list, counts too."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.LIST,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.LIST), *DIGITS]

    def __init__(self, *options: Option) -> None:
        super().__init__(*options, markup=False)

    def perform_down(self) -> None:
        moved(self, "down", 1)

    def perform_up(self) -> None:
        moved(self, "up", 1)

    def perform_top(self) -> None:
        self.action_first()

    def perform_bottom(self) -> None:
        self.action_last()


class ConfirmDialog(Dialog[bool]):
    """Yes or no; the cursor starts on no."""

    def __init__(self, title: str, text: str, *, yes: str, no: str) -> None:
        super().__init__()
        self._title, self._text, self._yes, self._no = title, text, yes, no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(self._title))
            yield dialog_text(self._text, classes="dialog-text")
            yield DialogList(
                Option(Content(plain(self._no)), id="no"),
                Option(Content(plain(self._yes)), id="yes"),
            )
            yield keys_line(("↑↓", "choose"), ("Enter", "answer"), ("Esc", "no"))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id == "yes")


class TypedConfirmDialog(Dialog[bool]):
    """For what cannot be undone: the name must be typed."""

    def __init__(self, title: str, text: str, *, word: str) -> None:
        super().__init__()
        self._title, self._text, self._word = title, text, word

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -danger") as box:
            box.border_title = Content(plain(self._title))
            yield dialog_text(self._text, classes="dialog-text")
            yield dialog_text(f"To delete it, type its name: {self._word}", classes="dialog-label")
            yield Input(id="word")
            yield dialog_text("", classes="dialog-error")
            yield keys_line(("Enter", "delete"), ("Esc", "keep it"))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value == self._word or event.value == plain(self._word):
            self.dismiss(True)
            return
        self.refuse("That is not its name; nothing was deleted.")


class NameDialog(Dialog[str]):
    """One line of text, checked before it is taken."""

    def __init__(
        self,
        title: str,
        label: str,
        *,
        yes: str,
        value: str = "",
        taken: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self._title, self._label, self._yes = title, label, yes
        self._value, self._taken = plain(value), taken

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(self._title))
            yield dialog_text(self._label, classes="dialog-label")
            yield Input(value=self._value, id="name")
            yield dialog_text("", classes="dialog-error")
            yield keys_line(("Enter", self._yes.lower()), ("Esc", "cancel"))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        problem = ""
        if not name:
            problem = "Type a name first."
        elif name in self._taken:
            problem = f"“{name}” is there already; choose another name."
        if problem:
            self.refuse(plain(problem))
            return
        self.dismiss(name)


class TokenDialog(Dialog[Secret]):
    """A masked field. The text becomes a `Secret` at once and is kept in no other place."""

    def __init__(self, address: str, kind: TokenKind = TokenKind.TOKEN) -> None:
        super().__init__()
        self._address, self._kind = address, kind

    def compose(self) -> ComposeResult:
        words = f"{self._kind[0].upper()}{self._kind[1:]}"
        with Vertical(classes="dialog") as box:
            box.border_title = "Log in"
            yield dialog_text(f"{words} for {self._address}", classes="dialog-label")
            yield Input(
                password=True, id="token", placeholder=self._kind.form, select_on_focus=False
            )
            yield dialog_text("", classes="dialog-error")
            yield keys_line(("Enter", "log in"), ("Esc", "cancel"))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        try:
            secret = token(event.input.value)
        except FlowtuiError as error:
            self.refuse(f"{error.problem.what}; {error.problem.fix}")
            return
        finally:
            event.input.value = ""
        self.dismiss(secret)


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a `ChoiceDialog`."""

    id: str
    title: str
    text: str
    why_not: str = ""
    """Why it cannot be chosen."""


class ChoiceDialog(Dialog[str]):
    """One of several; the cursor starts on the first. Answers the id of the choice."""

    def __init__(self, title: str, text: str, choices: tuple[Choice, ...]) -> None:
        super().__init__()
        self._title, self._text, self._choices = title, text, choices

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(self._title))
            yield dialog_text(self._text, classes="dialog-text")
            yield DialogList(*(choice_option(each) for each in self._choices))
            yield keys_line(("↑↓", "choose"), ("Enter", "take it"), ("Esc", "cancel"))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(str(event.option_id))


def choice_option(choice: Choice) -> Option:
    bold, below = ("", choice.why_not) if choice.why_not else ("bold", choice.text)
    text = Content.assemble((f"{plain(choice.title)}\n", bold), (plain(below), "$muted"))
    return Option(text, id=choice.id, disabled=bool(choice.why_not))


@dataclass(frozen=True, slots=True)
class StoreOffer:
    where: Where
    title: str
    text: str


class StoreDialog(Dialog[Where]):
    """Where a token that was checked is kept; nothing is kept before it is chosen here.

    `keyring` is the name of a keyring that is safe to write to; None when there is none, for
    `reason`.
    """

    def __init__(self, keyring: str | None, reason: str = "") -> None:
        super().__init__()
        self._keyring, self._reason = keyring, reason

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "The token is good. Where is it kept?"
            if self._keyring is None:
                reason = self._reason or "none is safe"
                yield dialog_text(
                    f"No safe keyring can be used here: {reason}.", classes="dialog-text"
                )
            yield DialogList(
                *(
                    Option(
                        Content.assemble((f"{offer.title}\n", "bold"), (offer.text, "$muted")),
                        id=offer.where.value,
                    )
                    for offer in self._offers()
                )
            )
            yield keys_line(("↑↓", "choose"), ("Enter", "keep it there"), ("Esc", "nowhere"))

    def _offers(self) -> tuple[StoreOffer, ...]:
        keyring = StoreOffer(
            Where.KEYRING, "The keyring of this computer", plain(self._keyring or "")
        )
        return (
            *((keyring,) if self._keyring is not None else ()),
            StoreOffer(Where.SESSION, "This session only", "Forgotten when flowtui ends."),
            StoreOffer(
                Where.FILE,
                "A file that only I can read",
                f"As plain text in {plain(str(credentials_file()))}",
            ),
        )

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Where(str(event.option_id)))


class WaitDialog(Dialog[bool]):
    """Something outside of flowtui is waited for: whoever opened it answers True when it came."""

    def __init__(self, title: str, text: str, *, leave: str) -> None:
        super().__init__()
        self._title, self._text, self._leave = title, text, leave

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(plain(self._title))
            yield dialog_text(self._text, classes="dialog-text")
            yield keys_line(("Esc", self._leave))
