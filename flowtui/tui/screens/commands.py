"""The command line of each action that is in front, filled in; Enter copies it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from flowtui.tui.acting import app_of, bindings, heard_by
from flowtui.tui.actions import Scope
from flowtui.tui.actions.commands import command_line
from flowtui.tui.looks.laying import block
from flowtui.tui.looks.words import plain
from flowtui.tui.screens.sheet import Line, Sheet

_TITLE = 16


class CommandsScreen(Sheet):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.COMMANDS,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.COMMANDS)]

    def __init__(self, heard: list[object]) -> None:
        super().__init__()
        self._in_front = heard

    def heading(self) -> Content:
        return Content("Command lines that do the same")

    def nothing(self) -> str:
        return "Nothing in front has a command line."

    def lines(self) -> Sequence[Line]:
        keymap = app_of(self).keymap
        lines: list[Line] = []
        scope: Scope | None = None
        for owner, action in heard_by(self._in_front, keymap):
            command = command_line(action, owner.facts())
            if not command:
                continue
            if action.scope is not scope:
                scope = action.scope
                gap = "\n" if lines else ""
                lines.append(
                    Line(Content.assemble(gap, (str(scope).capitalize(), "bold $primary")))
                )
            key = keymap.key(action.name)
            head = Content.assemble(
                (f"{key:<7} ", "bold $accent"), (f"{action.title:<{_TITLE}} ", "$muted")
            )
            content = block(head, [Content(plain(command))], self.text_width)
            lines.append(Line(content, command, f"{key} {action.title} {command}"))
        return lines

    def chosen(self) -> None:
        if isinstance(self.value, str):
            app_of(self).copy_to_clipboard(self.value)
            self.dismiss(None)

    def perform_copy(self) -> None:
        self.chosen()
