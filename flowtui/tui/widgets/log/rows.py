"""Which rows of which lines are seen: steps over rows where a line may take several of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

Height: TypeAlias = Callable[[int], int]
"""Rows of the line at a position: one, or more where lines are wrapped."""


class Row(NamedTuple):
    position: int
    """Of the line."""
    row: int = 0
    """Within the line."""


def up(start: Row, count: int, first: int, height: Height) -> Row:
    """The row `count` above, not above the line at `first`."""
    position, row = start
    while count > row and position > first:
        count -= row + 1
        position -= 1
        row = height(position) - 1
    return Row(position, max(row - count, 0))


def down(start: Row, count: int, end: int, height: Height) -> Row:
    """The row `count` below, not below the last row before the line at `end`."""
    position, row = start
    if position >= end:
        return start
    while count > (left := height(position) - 1 - row):
        if position + 1 >= end:
            return Row(position, row + left)
        count -= left + 1
        position, row = position + 1, 0
    return Row(position, row + count)


def page(top: Row, count: int, end: int, height: Height) -> tuple[Row, ...]:
    """The rows from `top` on, at most `count` of them."""
    rows: list[Row] = []
    position, row = top
    while position < end and len(rows) < count:
        rows.extend(Row(position, each) for each in range(row, height(position)))
        position, row = position + 1, 0
    return tuple(rows[:count])


def last_top(count: int, first: int, end: int, height: Height) -> Row:
    """The top of the page that ends with the last row."""
    if end <= first:
        return Row(first)
    return up(Row(end - 1, height(end - 1) - 1), count - 1, first, height)
