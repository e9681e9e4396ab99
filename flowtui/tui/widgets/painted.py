"""A text that is drawn again only when it differs: nothing changes, nothing is sent."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Painted(Static):
    """Shows `Content`, never markup."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self._painted: Content | None = None

    def paint(self, content: Content) -> None:
        # `==` of Content compares the text alone: a change of colour would be missed.
        if self._painted is not None and self._painted.is_same(content):
            return
        self._painted = content
        self.update(content)
