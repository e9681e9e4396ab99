"""The bottom line: the keys that can be pressed now; those that cannot are greyed, not hidden."""

from __future__ import annotations

from typing import Any, cast

from textual.content import Content
from textual.events import Click, Resize
from textual.screen import Screen
from textual.signal import Signal

from flowtui.tui.acting import Acting, app_of, heard_by
from flowtui.tui.actions import Action
from flowtui.tui.messages import Part
from flowtui.tui.widgets.painted import Painted

_ALWAYS = (("app.help", "keys"), ("app.palette", "palette"))


class KeyBar(Painted):
    """Reads the registry of actions for the scopes that hear keys now, innermost first."""

    def __init__(self) -> None:
        super().__init__()
        self._spots: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        signal = cast("Signal[Screen[Any]]", self.screen.bindings_updated_signal)  # pyright: ignore[reportUnknownMemberType]
        signal.subscribe(self, self._bindings_changed)
        app_of(self).session_changed.subscribe(self, self._session_changed)
        self._show()

    def on_resize(self, _: Resize) -> None:
        self._show()

    def _bindings_changed(self, _: Screen[Any]) -> None:
        self.call_after_refresh(self._show)

    def _session_changed(self, part: Part) -> None:
        if part is not Part.PROGRESS:
            self.call_after_refresh(self._show)

    def _show(self) -> None:
        if not self.is_attached:
            return
        app = app_of(self)
        width = self.content_size.width or app.size.width - 2
        always = _ALWAYS if width >= 72 else _ALWAYS[:1]
        tail = Content.assemble(
            *(
                part
                for name, title in always
                for part in ((f" {app.keymap.key(name)} ", "bold $accent"), (f"{title} ", "$muted"))
            )
        )
        parts: list[tuple[str, str]] = []
        spots: list[tuple[int, int, str]] = []
        used = 0
        for owner, action in heard_by(app.heard(self.screen), app.keymap):
            if not action.bar:
                continue
            piece = self._piece(owner, action)
            length = sum(len(text) for text, _ in piece)
            if used + length > width - tail.cell_length:
                break
            parts.extend(piece)
            spots.append((used, used + length, app.keymap.keys(action.name)[0]))
            used += length
        if app.counting.pending:
            tail = Content.assemble((f" {app.counting.pending}… ", "bold"), tail)
        gap = max(width - used - tail.cell_length, 0)
        line = Content.assemble(*parts, " " * gap, tail)
        self._spots = spots
        self.paint(line)

    def _piece(self, owner: Acting, action: Action) -> tuple[tuple[str, str], ...]:
        key = f" {app_of(self).keymap.key(action.name)} "
        if action.why_not(owner.facts()) is not None:
            return (key, "$faint"), (f"{action.title} ", "$faint")
        colour = "$error" if action.dangerous else "$accent"
        return (key, f"bold {colour}"), (f"{action.title} ", "$foreground")

    def on_click(self, event: Click) -> None:
        for start, end, key in self._spots:
            if start <= event.x < end:
                app_of(self).simulate_key(key)
                return
