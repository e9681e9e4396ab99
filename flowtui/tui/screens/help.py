"""All keys, made from the registry of actions: what is in front first. Enter does the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from flowtui.tui.acting import Acting, app_of, bindings, heard_by, perform_soon
from flowtui.tui.actions import Action, Facts, Scope, in_scope
from flowtui.tui.actions.commands import command_line
from flowtui.tui.looks.laying import block, field
from flowtui.tui.looks.words import plain
from flowtui.tui.screens.sheet import Line, Sheet

_KEYS = 14
"""Cells of the column of keys."""


@dataclass(frozen=True, slots=True)
class Entry:
    action: Action
    owner: Acting | None
    """None for what is not in front now."""

    def reason(self) -> str | None:
        """Why it cannot be done now."""
        if self.owner is None:
            return "not in front now"
        return self.action.why_not(self.owner.facts())


class HelpScreen(Sheet):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.HELP,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.HELP)]

    def __init__(self, heard: list[object]) -> None:
        super().__init__()
        self._in_front = heard

    def heading(self) -> Content:
        read_only = app_of(self).read_only
        return Content("Keys (read-only: nothing can be changed)" if read_only else "Keys")

    def lines(self) -> Sequence[Line]:
        keymap = app_of(self).keymap
        heard = heard_by(self._in_front, keymap)
        owners = {action.name: owner for owner, action in heard}
        here = list(dict.fromkeys(action.scope for _, action in heard))
        # How to move is known to most: what can be done comes first.
        here.sort(key=lambda scope: scope is Scope.LIST)
        lines: list[Line] = []
        for scope in [*here, *(scope for scope in Scope if scope not in here)]:
            actions = in_scope(scope)
            if not actions:
                continue
            lines.append(_scope_heading(scope, scope in here, first=not lines))
            lines += [self._line(Entry(action, owners.get(action.name))) for action in actions]
        return lines

    def _line(self, entry: Entry) -> Line:
        action, width = entry.action, self.text_width
        keys = app_of(self).keymap.shown(action.name)
        reason = entry.reason()
        usable = reason is None
        head = Content.styled(f"{keys:<{_KEYS}}  ", "bold $accent" if usable else "$muted")
        parts: list[str | tuple[str, str]] = [(action.help, "$foreground" if usable else "$muted")]
        if action.dangerous:
            parts.append(("  dangerous", "bold $error"))
        if reason is not None and entry.owner is not None:
            parts.append((f"  ({reason})", "$warning"))
        text = f"{keys} {action.title} {action.help} {action.command} {action.scope} {action.name}"
        return Line(block(head, [Content.assemble(*parts)], width), entry, text)

    def detail(self) -> Content:
        entry, width = self.value, self.text_width
        if not isinstance(entry, Entry):
            return Content(" ")
        action = entry.action
        command = command_line(action, entry.owner.facts() if entry.owner is not None else Facts())
        return Content.assemble(
            field("command", plain(command) or "none: only in the app", width=width),
            field("setting", (f"keys.{action.name}", "$muted"), width=width),
        ).rstrip("\n")

    def chosen(self) -> None:
        entry = self.value
        if not isinstance(entry, Entry):
            return
        reason = entry.reason()
        if entry.owner is None or reason is not None:
            app_of(self).say(f"{entry.action.title}: {reason}", severity="warning")
            return
        self.dismiss(None)
        perform_soon(entry.owner, entry.action)

    def perform_perform(self) -> None:
        self.chosen()


def _scope_heading(scope: Scope, here: bool, *, first: bool) -> Line:
    return Line(
        Content.assemble(
            "" if first else "\n",
            (str(scope).capitalize(), "bold $primary" if here else "bold $muted"),
            ("" if here else "  not in front now", "$faint"),
        )
    )
