"""How often, and how much at once, the terminal is sent: as fast as it shows, no faster.

Over SSH, the buffers on the way hide seconds of output: a write that returned says nothing. So
each frame ends with a question that every terminal answers (where is the cursor?), and the answer
says that the frame was shown. Nothing is asked when nothing is drawn.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

LOCAL_HZ, SSH_HZ, LEAST_HZ = 10.0, 5.0, 1.0
"""Paints per second of what flows by itself: logs and progress."""
FRAME_SECONDS = 0.08
"""So long the terminal may be busy with one frame: a key that is pressed meanwhile waits for it."""
LEAST_FRAME = 600
"""Bytes that are sent at once even over the slowest link."""
FIRST_FRAME = 16_000
"""Bytes that are sent before anything is known of the link: the first screen."""
KEY_SECONDS = 0.3
"""What is painted so soon after a key is its answer, and goes before the rest."""
ANSWER_LIMIT = 4.0
"""Seconds until an answer is given up and painting goes on without it."""
_SMALL, _BIG = 300, 1000
"""Bytes: the answer to a small frame tells the way's length, to a big one its width."""
_RECOVERY = 3.0
_SLACK = 0.02


@dataclass(frozen=True, slots=True)
class _Sent:
    size: int
    at: float
    alone: bool


class Link(Protocol):
    """What the sending side sees: all there is to go by when a terminal does not answer."""

    @property
    def waiting(self) -> int:
        """Bytes that nobody has taken yet."""
        ...

    @property
    def speed(self) -> float | None:
        """Bytes per second at which they were taken when it took a while."""
        ...


class _Endless:
    """Takes everything at once: before there is a terminal, and in tests."""

    waiting = 0
    speed: float | None = None


def base_rate(environ: Mapping[str, str] = os.environ) -> float:
    return SSH_HZ if environ.get("SSH_CONNECTION") else LOCAL_HZ


class Pace:
    """What is known of the terminal's speed, and what follows for painting."""

    def __init__(
        self,
        *,
        base: float | None = None,
        link: Link | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.base = base_rate() if base is None else base
        self.rate = self.base
        """Paints of logs per second, now."""
        self._link: Link = link or _Endless()
        self.answers = False
        """Whether the terminal tells what it has shown. Until it did once, nobody waits for it."""
        self.answer_time: float | None = None
        """Seconds until the last frame was known to be shown."""
        self._clock = clock
        self._sent: deque[_Sent] = deque()
        self._latencies: deque[float] = deque(maxlen=20)
        self._speeds: deque[float] = deque(maxlen=6)
        self._key_at = -KEY_SECONDS
        self._slowed_at = -_RECOVERY
        self._turns: WeakKeyDictionary[object, float] = WeakKeyDictionary()

    def use(self, link: Link) -> None:
        """The terminal is there now."""
        self._link = link

    def prefer(self, rate: float) -> None:
        """Paints per second as the person wants them."""
        self.base = self.rate = max(rate, LEAST_HZ)

    @property
    def throughput(self) -> float | None:
        """Bytes per second that the terminal shows; None before that was measured."""
        return max(self._speeds, default=self._link.speed)

    @property
    def unanswered(self) -> int:
        """Questions that the terminal has not answered."""
        return len(self._sent)

    @property
    def in_flight(self) -> int:
        """Bytes that were sent and not shown yet, as far as is known."""
        self._give_up()
        if not self.answers:
            return self._link.waiting
        return max(sum(sent.size for sent in self._sent), self._link.waiting)

    # ---------------------------------------------------------------------------------- what flows

    def take_turn(self, who: object) -> bool:
        """Whether this log may paint what came: its time has come and the terminal is idle."""
        now = self._clock()
        last = self._turns.get(who)
        period = 1 / self.rate
        if last is not None and now - last < period - _SLACK:
            return False
        if self.in_flight:
            if last is not None and now - max(last, self._slowed_at) >= 2 * period - _SLACK:
                self.rate = max(self.rate / 2, LEAST_HZ)
                self._slowed_at = now
            return False
        self._turns[who] = now
        if self.rate < self.base and now - self._slowed_at >= _RECOVERY:
            self.rate = min(self.rate * 2, self.base)
            self._slowed_at = now
        return True

    # -------------------------------------------------------------------------------------- frames

    def key_pressed(self) -> None:
        """May be called in another thread."""
        self._key_at = self._clock()

    def allowance(self) -> int:
        """Bytes that may be sent now; 0 while the terminal is busy with what it has."""
        speed = self.throughput
        frame = FIRST_FRAME if speed is None else max(int(speed * FRAME_SECONDS), LEAST_FRAME)
        flying = self.in_flight
        if not flying:
            return frame
        if self._clock() - self._key_at > KEY_SECONDS:
            return 0
        room = frame - flying
        return room if room >= min(LEAST_FRAME, frame // 4) else 0

    def sent(self, size: int) -> None:
        """So many bytes were sent, with a question at their end."""
        self._give_up()
        self._sent.append(_Sent(size, self._clock(), alone=not self._sent))

    def answered(self, at: float | None = None) -> None:
        """The terminal has shown the oldest frame that it was asked about."""
        self.answers = True
        if not self._sent:
            return
        sent = self._sent.popleft()
        now = self._clock() if at is None else at
        took = self.answer_time = max(now - sent.at, 0.0)
        if not sent.alone:
            return
        if sent.size <= _SMALL:
            self._latencies.append(took)
        if sent.size >= _BIG:
            on_the_way = min(min(self._latencies, default=0.0), took)
            self._speeds.append(sent.size / max(took - on_the_way, 0.002))

    def forget_questions(self) -> None:
        """The terminal was given to another program: nothing that was asked counts any more."""
        self._sent.clear()

    def patience(self) -> float:
        """Seconds until `allowance` is worth a look without an answer."""
        if self._sent:
            return max(self._sent[0].at + ANSWER_LIMIT - self._clock(), 0.01)
        return 0.03

    def _give_up(self) -> None:
        """A terminal that does not answer must not freeze the screen."""
        limit = self._clock() - ANSWER_LIMIT
        while self._sent and self._sent[0].at <= limit:
            self._sent.popleft()
            self.answers = False
