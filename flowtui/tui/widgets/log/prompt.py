"""The line below the log that appears to type in: a search, a filter, the name of a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class Asked(StrEnum):
    SEARCH = "/"
    FILTER = "&"
    FILE = "save to"


_HINTS = {
    Asked.SEARCH: "text to search",
    Asked.FILTER: "show lines with this text; !text: without",
    Asked.FILE: "file",
}


class _Line(Input):
    """One line of text; Escape leaves it, the arrows recall what was typed before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave"),
        Binding("up", "recall(-1)", "the one before"),
        Binding("down", "recall(1)", "the one after"),
    ]

    def __init__(self) -> None:
        super().__init__(id="log-line", select_on_focus=False, compact=True)
        self.earlier: tuple[str, ...] = ()
        """What was typed before, the newest last."""
        self._at = 0

    def ask(self, value: str, hint: str, earlier: tuple[str, ...]) -> None:
        self.earlier, self._at = earlier, len(earlier)
        recalls = f"   ↑ {earlier[-1]}" if earlier else ""
        self.placeholder = hint + recalls
        with self.prevent(Input.Changed):
            self.value = value
        self.cursor_position = len(value)

    def action_leave(self) -> None:
        self.post_message(LogPrompt.Left())

    def action_recall(self, step: int) -> None:
        at = min(max(self._at + step, 0), len(self.earlier))
        if at == self._at:
            return
        self._at = at
        self.value = self.earlier[at] if at < len(self.earlier) else ""
        self.cursor_position = len(self.value)


class LogPrompt(Horizontal):
    @dataclass
    class Typed(Message):
        """The text so far."""

        asked: Asked
        text: str

    @dataclass
    class Given(Message):
        """The text was entered."""

        asked: Asked
        text: str

    class Left(Message):
        """Nothing was entered."""

    def __init__(self) -> None:
        super().__init__(id="log-prompt")
        self._asked = Asked.SEARCH

    def compose(self) -> ComposeResult:
        yield Static(id="log-prompt-label", markup=False)
        yield _Line()

    def ask(self, asked: Asked, value: str, earlier: tuple[str, ...] = ()) -> None:
        """Appear, with the cursor in the line."""
        self._asked = asked
        self.query_one("#log-prompt-label", Static).update(str(asked))
        line = self.query_one(_Line)
        line.ask(value, _HINTS[asked], earlier)
        self.add_class("-open")
        line.focus()

    def close(self) -> None:
        self.remove_class("-open")

    @property
    def asked(self) -> Asked | None:
        """What is being asked now."""
        return self._asked if self.has_class("-open") else None

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.asked is not None:
            self.post_message(self.Typed(self._asked, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Given(self._asked, event.value))
