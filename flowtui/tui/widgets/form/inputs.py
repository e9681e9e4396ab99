"""What a person types or chooses in: Enter is the form's, arrows at an edge go to the next."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Blur, Click, Focus, Key, Paste
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static, TextArea

from flowtui.text import clean_block
from flowtui.tui.acting import app_of


class Submitted(Message):
    """Enter was pressed in a field."""


class Changed(Message):
    """A field has another value."""

    def __init__(self, sender: Widget) -> None:
        super().__init__()
        self.sender = sender

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Changed) and message.sender is self.sender


class ValueInput(TextArea):
    """Text of one line or, when it was pasted, of several; it grows with them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "null", "null", show=False),
        Binding("ctrl+r", "default", "default", show=False),
    ]

    class NullWanted(Message):
        """Its value is to be null."""

    class DefaultWanted(Message):
        """It is to stand as it stood at first."""

    def __init__(self, text: str, *, id: str, placeholder: str = "") -> None:  # noqa: A002
        super().__init__(text, id=id, placeholder=placeholder, compact=True, soft_wrap=True)
        self.highlight_cursor_line = False
        self.match_cursor_bracket = False
        self.move_cursor(self.document.end)

    def on_key(self, event: Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(Submitted())
        elif event.key == "down" and self.cursor_at_last_line:
            event.prevent_default()
            event.stop()
            self.screen.focus_next()
        elif event.key == "up" and self.cursor_at_first_line:
            event.prevent_default()
            event.stop()
            self.screen.focus_previous()

    def on_paste(self, event: Paste) -> None:
        """What is pasted is outside text as any other: no control sequence of it is shown."""
        event.stop()
        event.prevent_default()
        self.insert(clean_block(event.text), maintain_selection_offset=False)

    def put(self, text: str) -> None:
        """Another text, without saying so; the cursor behind it."""
        with self.prevent(TextArea.Changed):
            self.load_text(text)
        self.move_cursor(self.document.end)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.post_message(Changed(self))

    def action_null(self) -> None:
        self.post_message(self.NullWanted())

    def action_default(self) -> None:
        self.post_message(self.DefaultWanted())


class SecretInput(ValueInput):
    """What is typed is not shown."""

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        return Text("*" * len(line.plain), end="", no_wrap=True)


class ChoiceInput(Static, can_focus=True):
    """One of a few words; arrows, space or a click choose. The mark tells what colour must not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space,l", "step(1)", "next", show=False),
        Binding("left,h", "step(-1)", "before", show=False),
        Binding("down,j", "app.focus_next", "next field", show=False),
        Binding("up,k", "app.focus_previous", "field before", show=False),
        Binding("enter", "submit", "start", show=False),
        Binding("ctrl+n", "null", "null", show=False),
        Binding("ctrl+r", "default", "default", show=False),
    ]

    def __init__(self, words: tuple[str, ...], chosen: int | None, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self.words, self.chosen = words, chosen

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        bullet = app_of(self).glyphs.bullet if not app_of(self).glyphs.ascii else "*"
        parts: list[tuple[str, str]] = []
        for number, word in enumerate(self.words):
            chosen = number == self.chosen
            mark = f"({bullet if chosen else ' '})"
            style = "bold $accent" if chosen and self.has_focus else "bold" if chosen else "$muted"
            parts.append((f"{mark} {word}   ", style))
        self.update(Content.assemble(*parts))

    def on_focus(self, _: Focus) -> None:
        self._show()

    def on_blur(self, _: Blur) -> None:
        self._show()

    def choose(self, number: int | None) -> None:
        self.chosen = number
        self._show()

    def action_step(self, by: int) -> None:
        start = self.chosen if self.chosen is not None else -1 if by > 0 else 0
        self.choose((start + by) % len(self.words))
        self.post_message(Changed(self))

    def action_submit(self) -> None:
        self.post_message(Submitted())

    def action_null(self) -> None:
        self.post_message(ValueInput.NullWanted())

    def action_default(self) -> None:
        self.post_message(ValueInput.DefaultWanted())

    def on_click(self, event: Click) -> None:
        at = 0
        for number, word in enumerate(self.words):
            width = len(word) + 7
            if at <= event.x < at + width:
                self.choose(number)
                self.post_message(Changed(self))
            at += width
