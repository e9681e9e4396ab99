"""One field of a form: its label, its input, and below it what comes of what stands in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from flowtui.runs.values import Reading, Typed
from flowtui.tui.acting import app_of
from flowtui.tui.looks.words import plain, plain_block
from flowtui.tui.widgets.form.inputs import Changed, ChoiceInput, SecretInput, ValueInput
from flowtui.tui.widgets.painted import Painted

SWITCH = ("true", "false")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a field asks for."""

    id: str
    label: str
    first: Typed
    """What stands in it when nothing was said."""
    read: Callable[[Typed], Reading]
    about: str = ""
    """What it takes, in a word or two."""
    required: bool = False
    choices: tuple[str, ...] = ()
    """It is chosen from these words; empty for what is typed."""
    secret: bool = False
    """Nobody is to read it off the screen."""
    help: str = ""
    """What it is for, in the words of the flow's author."""
    placeholder: str = ""
    none: str = "null"
    """What it is called when it is nothing."""


class Field(Horizontal):
    class Edited(Message):
        """It has another value, by a person."""

    def __init__(self, asked: Asked, typed: Typed | None = None) -> None:
        super().__init__(id=f"field-{asked.id}", classes="form-field")
        self.asked = asked
        self.typed = typed if typed is not None else asked.first
        self.refused = ""
        """Why it was not taken when the form was to be sent; until it is changed."""

    def compose(self) -> ComposeResult:
        mark = " *" if self.asked.required else ""
        label = Content.assemble(plain(self.asked.label), (mark, "bold $warning"))
        yield Static(label, markup=False, classes="form-label")
        with Vertical(classes="form-value"):
            yield self._input()
            yield Painted(id=f"hint-{self.asked.id}")

    def _input(self) -> ValueInput | ChoiceInput:
        name = f"input-{self.asked.id}"
        if self.asked.choices:
            return ChoiceInput(self.asked.choices, self._chosen(), id=name)
        kind = SecretInput if self.asked.secret else ValueInput
        return kind(self.typed.text, id=name, placeholder=self._placeholder())

    def _placeholder(self) -> str:
        return self.asked.none if self.typed.null else plain(self.asked.placeholder)

    def _chosen(self) -> int | None:
        words = self.asked.choices
        return words.index(self.typed.text) if self.typed.text in words else None

    def on_mount(self) -> None:
        self._show_hint()

    @property
    def reading(self) -> Reading:
        return self.asked.read(self.typed)

    @property
    def input(self) -> ValueInput | ChoiceInput:
        kind = ChoiceInput if self.asked.choices else ValueInput
        return self.query_one(f"#input-{self.asked.id}", kind)

    def refuse(self, why: str) -> None:
        self.refused = why
        self._show_hint()

    # -------------------------------------------------------------------------------- what is typed

    @on(Changed)
    def _typed(self, event: Changed) -> None:
        event.stop()
        field = self.input
        if isinstance(field, ValueInput):
            self._take(Typed(field.text))
        elif field.chosen is not None:
            self._take(Typed(self.asked.choices[field.chosen]))

    @on(ValueInput.NullWanted)
    def _null_wanted(self, event: ValueInput.NullWanted) -> None:
        event.stop()
        self.put(Typed(null=True))

    @on(ValueInput.DefaultWanted)
    def _default_wanted(self, event: ValueInput.DefaultWanted) -> None:
        event.stop()
        self.put(self.asked.first)

    def put(self, typed: Typed) -> None:
        """Something else stands in it."""
        field = self.input
        self._take(typed)
        if isinstance(field, ValueInput):
            field.placeholder = self._placeholder()
            field.put(typed.text)
        else:
            field.choose(self._chosen())

    def _take(self, typed: Typed) -> None:
        null_before = self.typed.null
        self.typed, self.refused = typed, ""
        field = self.input
        if null_before and not typed.null and isinstance(field, ValueInput):
            field.placeholder = self._placeholder()
        self._show_hint()
        self.post_message(self.Edited())

    def _help(self) -> Content:
        return Content.styled(f"   {plain(self.asked.help)}" if self.asked.help else "", "$muted")

    def _show_hint(self) -> None:
        glyphs, reading = app_of(self).glyphs, self.reading
        problem = self.refused or reading.problem
        untouched = self.typed == self.asked.first and not self.refused
        if problem and untouched and self.asked.required:
            # Nothing is wrong yet with what nobody has typed.
            needs = ": ".join(filter(None, ("required", self.asked.about)))
            hint = Content.styled(needs, "$muted") + self._help()
        elif problem:
            hint = Content.styled(f"{glyphs.failed} {plain_block(problem)}", "$error")
        else:
            about = "" if reading.words == self.asked.about else self.asked.about
            about = f"{about}: " if about and reading.words else ""
            style = "$foreground" if reading.given else "$muted"
            hint = Content.assemble((about, "$muted"), (plain(reading.words), style), self._help())
        self.query_one(f"#hint-{self.asked.id}", Painted).paint(hint)
