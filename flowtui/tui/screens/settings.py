"""Every setting with its value and where it comes from; the editor opens at its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from flowtui.config import user_file
from flowtui.models import Origin
from flowtui.settings_list import ListedSetting
from flowtui.tui.acting import app_of, bindings
from flowtui.tui.actions import ACTIONS, Action, Facts, Scope
from flowtui.tui.looks.laying import block, field, problem_content
from flowtui.tui.looks.words import plain
from flowtui.tui.messages import Part
from flowtui.tui.screens.sheet import Line, Sheet, SheetList
from flowtui.tui.view_models.places import Place, place_of

_NAME = 27
"""Cells of the column of names."""
_GROUPS = {
    "storage": "Storage",
    "execution": "Execution",
    "run_config": "Run config",
    "flows": "Single flows",
    "ui": "The app",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Where a setting is written, or would be, and what it means."""

    place: Place
    help: str
    origin: str = ""


class SettingsScreen(Sheet):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.SETTINGS,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.SETTINGS)]

    def __init__(self, name: str = "") -> None:
        """With the cursor on the setting of this name, else on the first."""
        super().__init__()
        self._name_wanted = name

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        app_of(self).configuring.list()

    def _changed(self, part: Part) -> None:
        if part is Part.SETTINGS:
            self.fill()

    def fill(self) -> None:
        super().fill()
        if self._name_wanted and self.query_one(SheetList).go_to_text(f"{self._name_wanted} "):
            self._name_wanted = ""

    def heading(self) -> Content:
        return Content(f"Settings: {plain(str(user_file()))}")

    def nothing(self) -> str:
        return "Reading the settings."

    def lines(self) -> Sequence[Line]:
        app = app_of(self)
        problem = app.session.settings_problem
        lines: list[Line] = []
        if problem is None and not app.session.settings:
            return ()
        if problem is not None:
            content = problem_content(problem, app.glyphs.failed, self.text_width)
            place = place_of(problem.where, app.path) or Place(user_file())
            lines.append(Line(content, Row(place, "")))
        group = ""
        for row in app.session.settings:
            if row.name.startswith("keys."):
                continue
            table = row.name.partition(".")[0] if "." in row.name else ""
            if table != group or not lines:
                group = table
                lines.append(_heading(_GROUPS.get(table, "This folder"), first=not lines))
            lines.append(self._line(row))
        lines.append(_heading("Keys", first=not lines))
        return [*lines, *(self._key_line(action) for action in ACTIONS)]

    def _line(self, row: ListedSetting) -> Line:
        said = row.origin is not Origin.DEFAULT
        head = Content.styled(f"{row.name:<{_NAME}} ", "bold" if said else "$foreground")
        origin = f"{row.origin}" + (f", {row.detail}" if row.detail else "")
        value = Content.assemble(
            (plain(row.shown) or "not set", "$accent" if said else "$muted"),
            (f"   {row.origin}" if said else "", "$muted"),
        )
        content = block(head, [value], self.text_width)
        place = Place(Path(row.file), key=row.key)
        return Line(
            content, Row(place, row.help, origin), f"{row.name} {row.shown} {origin} {row.help}"
        )

    def _key_line(self, action: Action) -> Line:
        keymap = app_of(self).keymap
        changed = action.name in keymap.changed
        head = Content.styled(
            f"{f'keys.{action.name}':<{_NAME}} ", "bold" if changed else "$foreground"
        )
        keys = keymap.shown(action.name)
        value = Content.assemble(
            (f"{keys:<14}", "$accent" if changed else "$muted"),
            (f" {action.help}", "$faint"),
        )
        place = Place(user_file(), key=f"keys.{action.name}")
        help_text = f'In [keys] of your file, for example: {action.name} = "f9"'
        return Line(
            block(head, [value], self.text_width),
            Row(place, help_text),
            f"keys.{action.name} {keys} {action.title} {action.help}",
        )

    def facts(self) -> Facts:
        app, row = app_of(self), self.value
        return replace(
            app.facts(),
            file=str(row.place.file) if isinstance(row, Row) else "",
            no_editor=app.editing.why_not(),
        )

    def chosen(self) -> None:
        self.call_later(self.action_perform, Scope.SETTINGS.name, "edit")

    def perform_edit(self) -> None:
        if isinstance(self.value, Row):
            app_of(self).editing.edit(self.value.place)

    def detail(self) -> Content:
        row, width = self.value, self.text_width
        if not isinstance(row, Row):
            return Content(" ")
        return Content.assemble(
            field("meaning", plain(row.help) or "as written there", width=width),
            field("from", plain(row.origin), width=width) if row.origin else "",
            field("file", (plain(str(row.place.file)), "$muted"), width=width),
        ).rstrip("\n")


def _heading(title: str, *, first: bool) -> Line:
    return Line(Content.assemble("" if first else "\n", (title, "bold $primary")))
