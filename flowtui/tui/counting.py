"""Counts before a movement: `12j` is twelve lines down, `12G` is line twelve."""

from __future__ import annotations

from textual.binding import Binding
from textual.widgets import DataTable, OptionList, Tree

DIGITS = [Binding(digit, f"count('{digit}')", show=False) for digit in "0123456789"]
"""For what stands in front of the app, where the app's own keys are not heard."""
_MOST = 99_999
_MOST_STEPS = 2_000
"""Of what can only be moved line by line."""


class Counting:
    """The digits typed so far."""

    def __init__(self) -> None:
        self.pending = ""

    def add(self, digit: str) -> None:
        """A leading zero is no count."""
        typed = f"{self.pending}{digit}".lstrip("0")
        self.pending = typed if int(typed or 0) <= _MOST else str(_MOST)

    def take(self) -> int | None:
        """The count, once; None without one."""
        typed, self.pending = self.pending, ""
        return int(typed) if typed else None


def moved(widget: object, action_id: str, count: int) -> bool:
    """Move so many lines, or to the line of this number; False where lines are not counted."""
    number = count - 1 if action_id in ("top", "bottom") else None
    by = {"down": count, "up": -count}.get(action_id)
    if number is None and by is None:
        return False
    if isinstance(widget, DataTable):
        row = widget.cursor_row + by if by is not None else number or 0
        widget.move_cursor(row=_within(row, widget.row_count), animate=False)
        return True
    if isinstance(widget, Tree):
        line = widget.cursor_line + by if by is not None else number or 0
        widget.move_cursor_to_line(_within(line, widget.last_line + 1))
        return True
    if isinstance(widget, OptionList):
        _move_option(widget, by, number)
        return True
    steps = number if number is not None else count
    return _step(
        widget, "down" if number is not None else action_id, steps, first=number is not None
    )


def _step(widget: object, action_id: str, steps: int, *, first: bool) -> bool:
    """Line by line, as its keys would; from the first line on if that is wanted."""
    step = getattr(widget, f"perform_{action_id}", None)
    top = getattr(widget, "perform_top", None)
    if step is None or (first and top is None):
        return False
    if first and top is not None:
        top()
    for _ in range(min(steps, _MOST_STEPS)):
        step()
    return True


def _move_option(widget: OptionList, by: int | None, number: int | None) -> None:
    """Only what can be chosen counts."""
    enabled = [n for n in range(widget.option_count) if not widget.get_option_at_index(n).disabled]
    if not enabled:
        return
    here = widget.highlighted if widget.highlighted in enabled else enabled[0]
    place = enabled.index(here) + by if by is not None else number or 0
    widget.highlighted = enabled[_within(place, len(enabled))]


def _within(place: int, count: int) -> int:
    return min(max(place, 0), max(count - 1, 0))
