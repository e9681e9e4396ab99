"""The way out: a thread writes to the terminal, so that the event loop never waits for it."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable

_A_WHILE = 0.02


class Outlet:
    """Takes what is to be written at once, however slow the terminal is.

    Textual's own queue holds 30 writes and then stops the event loop; this one never does. Who
    writes looks at `waiting` first and does not pile up frames.
    """

    def __init__(self, descriptor: int, encoding: str, lost: Callable[[], None]) -> None:
        """`lost` is called, once and in the thread, when the terminal is gone."""
        self._descriptor = descriptor
        self._encoding = encoding
        self._lost = lost
        self._queue: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._broken = False
        self.taken = 0
        """Bytes that the terminal's side has taken so far."""
        self.speed: float | None = None
        """Bytes per second of the last write that took a while."""
        self._given = 0
        self._thread = threading.Thread(target=self._run, name="flowtui-output", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Bytes that the terminal's side has not taken yet."""
        return self._given - self.taken

    def write(self, text: str) -> None:
        # One character for one, whatever the locale: a text that shifts spoils the whole line.
        data = text.encode(self._encoding, "replace")
        with self._changed:
            if self._broken or self._ending:
                return
            self._given += len(data)
            self._queue.append(data)
            self._changed.notify()

    def end(self, limit: float) -> None:
        """Write what is left, at most for so many seconds: a dead link takes nothing."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join(limit)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._ending:
                    self._changed.wait()
                if not self._queue:
                    return
                data = self._queue.popleft()
            while data:
                began = time.monotonic()
                try:
                    count = os.write(self._descriptor, data)
                except OSError:
                    self._break()
                    return
                took = time.monotonic() - began
                if took >= _A_WHILE:
                    self.speed = count / took
                self.taken += count
                data = data[count:]

    def _break(self) -> None:
        with self._changed:
            self._broken = True
            self._queue.clear()
            self.taken = self._given
        self._lost()
