"""The bottom line: the keys that can be pressed now; those that cannot are greyed, not hidden."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Piece:
    """One key and its title."""

    parts: tuple[tuple[str, str], ...]
    key: str
    usable: bool

    @property
    def length(self) -> int:
        return sum(len(text) for text, _ in self.parts)


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
        for piece in self._fitting(width - tail.cell_length):
            parts.extend(piece.parts)
            spots.append((used, used + piece.length, piece.key))
            used += piece.length
        if app.counting.pending and app.screen is self.screen:
            tail = Content.assemble((f" {app.counting.pending}… ", "bold"), tail)
        gap = max(width - used - tail.cell_length, 0)
        end = used + gap + tail.cell_length
        for name, title in reversed(always):
            start = end - len(f" {app.keymap.key(name)} {title} ")
            spots.append((start, end, app.keymap.keys(name)[0]))
            end = start
        line = Content.assemble(*parts, " " * gap, tail)
        self._spots = spots
        self.paint(line)

    def _fitting(self, room: int) -> list[_Piece]:
        """As many as there is room for; what cannot be pressed now makes way first."""
        app = app_of(self)
        heard = heard_by(app.heard(self.screen), app.keymap)
        pieces = [self._piece(owner, action) for owner, action in heard if action.bar]
        used = sum(piece.length for piece in pieces)
        last_first = pieces[::-1]
        for piece in sorted(last_first, key=lambda piece: piece.usable):
            if used <= room:
                break
            pieces.remove(piece)
            used -= piece.length
        return pieces

    def _piece(self, owner: Acting, action: Action) -> _Piece:
        keymap = app_of(self).keymap
        usable = action.why_not(owner.facts()) is None
        key_style = f"bold {'$error' if action.dangerous else '$accent'}" if usable else "$faint"
        # The mark tells what colour alone must not.
        mark = "!" if action.dangerous else ""
        parts = (
            (f" {keymap.key(action.name)}{mark} ", key_style),
            (f"{action.title} ", "$foreground" if usable else "$faint"),
        )
        return _Piece(parts, keymap.keys(action.name)[0], usable)

    def on_click(self, event: Click) -> None:
        place = event.get_content_offset(self)
        for start, end, key in self._spots:
            if place is not None and start <= place.x < end:
                app_of(self).simulate_key(key)
                return
