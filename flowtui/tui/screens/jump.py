"""Jump mode: a letter on every pane, tab and choice in front; the letter goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Click, Key
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import OptionList, Static

_LETTERS = "asdfghjklqwertyuiopzxcvbnm"
"""The ones under the fingers first."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a label stands, in cells of the screen, and what its letter does."""

    at: Offset
    go: Callable[[], object]
    width: int = 3
    """Cells of the label: 1 where there is only the gap before a title."""


@runtime_checkable
class Jumpable(Protocol):
    """A widget with more to go to than itself: tabs, stages."""

    def jump_spots(self) -> Sequence[Spot]: ...


def spots_of(screen: Screen[object]) -> list[Spot]:
    """What can be gone to, from the top left to the bottom right; at most a letter each."""
    found = [*_panes(screen)]
    for widget in screen.walk_children():
        if isinstance(widget, Jumpable) and widget.is_on_screen:
            found += widget.jump_spots()
        elif isinstance(widget, OptionList) and screen.is_modal and widget.is_on_screen:
            found += _options(widget)
    places = {spot.at: spot for spot in found}
    return sorted(places.values(), key=lambda spot: (spot.at.y, spot.at.x))[: len(_LETTERS)]


def _panes(screen: Screen[object]) -> Iterator[Spot]:
    for widget in screen.focus_chain:
        if widget.is_on_screen and not (screen.is_modal and isinstance(widget, OptionList)):
            yield Spot(_corner(widget), partial(screen.set_focus, widget))


def _corner(widget: Widget) -> Offset:
    """Of the widget, or of the frame that it fills."""
    frame = widget.parent
    if isinstance(frame, Widget) and frame.styles.border_top[0] and not widget.styles.border_top[0]:
        return frame.region.offset
    return widget.region.offset


def _options(widget: OptionList) -> Iterator[Spot]:
    """The first line of each option that is in view."""
    region, seen = widget.scrollable_content_region, set[int]()
    area = widget.region
    left = area.x + region.x
    for y in range(area.y, area.bottom):
        index = widget.screen.get_style_at(left + 1, y).meta.get("option")
        if not isinstance(index, int) or index in seen:
            continue
        seen.add(index)
        if not widget.get_option_at_index(index).disabled:
            yield Spot(Offset(left, y), partial(_highlight, widget, index))


def _highlight(widget: OptionList, index: int) -> None:
    widget.screen.set_focus(widget)
    widget.highlighted = index


class JumpScreen(ModalScreen[Spot]):
    """Any other key, and a click, leave everything as it was."""

    def __init__(self, spots: Sequence[Spot]) -> None:
        super().__init__()
        self._spots = dict(zip(_LETTERS, spots, strict=False))

    def compose(self) -> ComposeResult:
        for letter, spot in self._spots.items():
            text = f"{letter:^{spot.width}}"
            label = Static(Content(text), markup=False, classes="jump-label")
            label.styles.offset = (spot.at.x, spot.at.y)
            label.styles.width = spot.width
            yield label

    def on_key(self, event: Key) -> None:
        event.stop()
        self.dismiss(self._spots.get(event.key))

    def on_click(self, _: Click) -> None:
        self.dismiss(None)
