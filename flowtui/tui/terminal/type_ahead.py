"""Keys that come faster than they are dealt with: each waits for what the one before it did.

Textual hands a key to the widget that has the focus when the key arrives. Over SSH, or from a
paste, several arrive at once: `/night` would open the filter with its first key and then press `n`,
`i`, `g` and `h` in the list behind it.
"""

from __future__ import annotations

from collections import deque
from typing import TypeVar

from textual import events, on
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.timer import Timer

R = TypeVar("R")

_LIMIT = 0.25
"""Seconds that a key waits for the one before it: a widget that is removed gives no sign."""


class KeyHeard(Message):
    """Follows a key through the same widgets, so it arrives once the key has done what it does."""

    def __init__(self, hears: MessagePump, screen: Screen[object], *, again: bool) -> None:
        super().__init__()
        self.hears = hears
        self.screen = screen
        """The one in front when it was sent."""
        self.again = again
        """A key may have done what it does by a message of its own: once more behind that."""


class TypeAhead(App[R]):
    """An app that takes one key after the other."""

    def __init__(self, *, ansi_color: bool | None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._typed: deque[events.Key] = deque()
        self._hearing: Timer | None = None
        """Runs while a key is being dealt with."""

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif self._hearing is not None:
            self._typed.append(event)
        else:
            await self._hear(event)

    async def _hear(self, key: events.Key) -> None:
        hears = self.focused or self.screen
        self._hearing = self.set_timer(_LIMIT, self._next_key)
        await super().on_event(key)
        self._follow(hears if key.is_forwarded else self, again=True)

    def _follow(self, hears: MessagePump, *, again: bool) -> None:
        if not hears.post_message(KeyHeard(hears, self.screen, again=again)):
            self._next_key()

    @on(KeyHeard)
    def _key_heard(self, message: KeyHeard) -> None:
        message.stop()
        if message.again:
            self._follow(message.hears, again=False)
        elif message.screen is not self.screen:
            # A screen that was just opened has to find its focus first.
            self._follow(self.screen, again=False)
        else:
            self._next_key()

    def _next_key(self) -> None:
        if self._hearing is not None:
            self._hearing.stop()
            self._hearing = None
        if self._typed:
            self.call_next(self._hear, self._typed.popleft())
