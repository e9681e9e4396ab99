"""All that flowtui touches of Textual's inside, and why. Made for Textual 8.2.

- `App._display` is the one place where what was drawn becomes bytes. It is taken over so that only
  the cells that differ are sent (`canvas`), no more than the terminal can follow (`pace`), and so
  that a full queue never stops the event loop.
- `LayoutUpdate` and `ChopsUpdate` are what it is given: strips and where they belong.
- `ExitApp` comes from `App.exit`, which sets `App._exit`, or from a driver that was told to quit.
- `LinuxDriver` is extended: its queue blocks after 30 writes; its input loop spins when the
  terminal is gone; it has no answer to "has this been shown?".

`tests/tui/test_textual_inside.py` fails where a new Textual does any of this differently.
"""

from __future__ import annotations

import asyncio
import os
import re
import selectors
import signal
import sys
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rich.color import ColorSystem
from textual import constants, events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.geometry import Size
from textual.message import Message
from textual.messages import ExitApp
from textual.timer import Timer

from flowtui.tui.terminal.abilities import erases_with_background, small_frames
from flowtui.tui.terminal.ascii_only import AsciiOnly
from flowtui.tui.terminal.canvas import Canvas, Piece
from flowtui.tui.terminal.outlet import Outlet
from flowtui.tui.terminal.pace import Pace
from flowtui.tui.terminal.type_ahead import TypeAhead

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.screen import Screen

R = TypeVar("R")

ASK = "\x1b[6n"
"""Where is the cursor? Every terminal, tmux and screen answer it, in turn with what they show."""
_ANSWER = re.compile(r"\x1b\[\d+;\d+R")
_SYNC_START, _SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
_LAST_ANSWERS = 1.0
"""Seconds to wait, on leaving, for answers that would otherwise be typed into the shell."""
_LAST_WRITES = 2.0
_BY_A_PERSON = (
    events.Key,
    events.Paste,
    events.MouseDown,
    events.MouseScrollUp,
    events.MouseScrollDown,
)
_RESIZED = 0.5
"""Seconds after the last change of size: until then frames may be for another one."""
_LOOK = 0.1
"""Seconds between two looks whether an Escape was a key: as in Textual."""


class TerminalDriver(LinuxDriver):
    """Textual's driver, with an outlet that never blocks, and ears for the terminal's answers."""

    def __init__(self, app: App[Any], **settings: Any) -> None:
        super().__init__(app, **settings)  # pyright: ignore[reportUnknownMemberType]
        self._outlet: Outlet | None = None
        self._asked = 0
        """Questions that are on their way; counted by the event loop."""
        self._heard = 0
        """Answers that came; counted by the input thread."""
        self._all_heard = threading.Event()
        self._listener: TerminalApp[Any] | None = app if isinstance(app, TerminalApp) else None

    @property
    def outlet(self) -> Outlet | None:
        """None while the terminal is not ours: before the start, suspended, at the end."""
        return self._outlet

    @property
    def terminal_size(self) -> Size:
        """As the terminal has it now."""
        return Size(*self._get_terminal_size())

    def write(self, data: str) -> None:
        if self._outlet is not None:
            self._outlet.write(data)

    def ask(self) -> str:
        """The question to put after a frame. What is written after it is not meant."""
        self._asked += 1
        self._all_heard.clear()
        return ASK

    def start_application_mode(self) -> None:
        self._asked = self._heard = 0
        assert self._file is not None
        self._outlet = Outlet(self._file.fileno(), self._file.encoding, self._lost)
        if self._listener is not None:
            self._listener.terminal_taken(self._outlet)
        super().start_application_mode()

    def stop_application_mode(self) -> None:
        if self._listener is not None and self._listener.pace.answers and self._asked > self._heard:
            self._all_heard.wait(_LAST_ANSWERS)
        super().stop_application_mode()

    def close(self) -> None:
        super().close()
        if self._outlet is not None:
            outlet, self._outlet = self._outlet, None
            outlet.end(_LAST_WRITES)

    def process_message(self, message: Message) -> None:
        """In the input thread: answers are taken out, keys are noticed."""
        if isinstance(message, events.CursorPosition):
            self._answered(1)
            return
        if self._listener is not None and isinstance(message, _BY_A_PERSON):
            self._listener.pace.key_pressed()
        super().process_message(message)

    def run_input_thread(self) -> None:
        """As Textual's, but answers never get as far as the keys, and a lost terminal ends it."""
        selector = selectors.SelectSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        try:
            while not self.exit_event.is_set():
                if selector.select(_LOOK):
                    data = self._read()
                    if not data:
                        self._lost()
                        return
                    self._parsed(parser, decode(data))
                self._process(parser.tick())
        finally:
            selector.close()
            with suppress(EOFError, ParseError):
                self._process(parser.feed(""))

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, 4096)
        except OSError:
            return b""

    def _process(self, messages: Any) -> None:
        for message in messages:
            self.process_message(message)

    def _parsed(self, parser: XTermParser, text: str) -> None:
        text = self._without_answers(text)
        if text:  # to the parser, nothing means the end
            self._process(parser.feed(text))

    def _without_answers(self, text: str) -> str:
        if self._asked <= self._heard:
            return text
        text, count = _ANSWER.subn("", text)
        if count:
            self._answered(count)
        return text

    def _answered(self, count: int) -> None:
        now = time.monotonic()
        self._heard += count
        if self._heard >= self._asked:
            self._all_heard.set()
        if self._listener is not None:
            for _ in range(count):
                self._call(self._listener.frame_shown, now)

    def _lost(self) -> None:
        """In a thread: the terminal is gone. Where there was none, input simply ends."""
        self._all_heard.set()
        if self._listener is not None and self.input_tty:
            self._call(self._listener.terminal_lost)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)


def pieces(update: LayoutUpdate | ChopsUpdate) -> Iterator[Piece]:
    """What was drawn, by row and column."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            segments = [segment for strip in strips for segment in strip]
            yield Piece(y, update.region.x, segments)
        return
    for y, left, right in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x > right or end <= left:
                continue
            yield Piece(y, x, strip if end <= right else strip.crop(0, right - x))


class TerminalApp(TypeAhead[R], Generic[R]):
    """An app whose frames are small, and only as many as the terminal can show."""

    def __init__(self, *, colours: ColorSystem, ansi_color: bool | None, ascii_only: bool) -> None:
        super().__init__(ansi_color=ansi_color)
        self.pace = Pace()
        self.canvas = Canvas(colours, erases_with_background=erases_with_background())
        self._ascii_only = (AsciiOnly(),) if ascii_only else ()
        self._small_frames = small_frames()
        self._ended_by: Callable[[int], None] = lambda number: self.exit(return_code=128 + number)
        self._next_look: asyncio.TimerHandle | None = None
        self._resizing: Timer | None = None

    def get_line_filters(self) -> Sequence[LineFilter]:
        return (*super().get_line_filters(), *self._ascii_only)

    def get_driver_class(self) -> type[Driver]:
        if constants.DRIVER or sys.platform == "win32" or not small_frames():
            return super().get_driver_class()
        return TerminalDriver

    # ------------------------------------------------------------------------- from the driver

    def terminal_taken(self, outlet: Outlet) -> None:
        """The terminal is ours, at the start and after a suspension: nothing of ours is on it."""
        self.pace.use(outlet)
        self.pace.forget_questions()
        self.canvas.forget()

    @property
    def synchronized(self) -> bool:
        """The terminal shows a frame whole: it said so when it was asked at the start."""
        return self._sync_available

    def frame_shown(self, at: float) -> None:
        self.pace.answered(at)
        self._send()

    def hear_signals(self, end: Callable[[int], None]) -> None:
        """Call this with the number of a signal that ends the app; a lost terminal is SIGHUP.

        Without it Python would die on the spot: the terminal left as it is, children running.
        """
        self._ended_by = end
        if threading.current_thread() is threading.main_thread() and not self.is_headless:
            for number in (signal.SIGHUP, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, end, number)

    def on_exit_app(self, event: ExitApp) -> None:
        """Textual's drivers end the app behind its back when a browser's tab closes: it ends as
        where a terminal is lost."""
        if not self._exit:
            event.prevent_default()
            self._ended_by(signal.SIGHUP)

    def terminal_lost(self) -> None:
        """Nobody can be asked anything any more."""
        self._ended_by(signal.SIGHUP)

    # ------------------------------------------------------------------------------- to the driver

    def redraw(self) -> None:
        """Send everything again: another program wrote to the terminal."""
        self.canvas.forget()
        self.refresh(layout=True)

    def on_resize(self, event: events.Resize) -> None:
        # What a terminal makes of its cells when its size changes differs from one to the next.
        self.canvas.forget()
        if event.size == (self.canvas.width, self.canvas.height):
            self._send()  # Textual draws nothing when the size is in the end what it was
        if self._resizing is not None:
            self._resizing.stop()
        self._resizing = self.set_timer(_RESIZED, self._resized)

    def _resized(self) -> None:
        # A signal that comes while another one is handled tells its size first: the last one that
        # was told may be an earlier one.
        driver = self._driver
        if isinstance(driver, TerminalDriver) and driver.terminal_size != self.size:
            size = driver.terminal_size
            self.post_message(events.Resize(size, size))
        else:
            self.redraw()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        driver = self._driver
        if renderable is None:
            self.post_display_hook()
            return
        if (
            not isinstance(renderable, LayoutUpdate | ChopsUpdate)
            or not self._small_frames
            or driver is None
            or driver.is_inline
            or self.is_headless
        ):
            self.canvas.forget()
            super()._display(screen, renderable)  # pyright: ignore[reportUnknownMemberType]
            return
        try:
            if self._running and not self._closed and not self._batch_count:
                self._take(renderable)
                self._send()
        finally:
            self.post_display_hook()

    def _take(self, update: LayoutUpdate | ChopsUpdate) -> None:
        size = self.screen.outer_size
        if (size.width, size.height) != (self.canvas.width, self.canvas.height):
            self.canvas.resize(size.width, size.height)
            if isinstance(update, ChopsUpdate):
                self.refresh()
        self.canvas.draw(pieces(update))

    def _send(self) -> None:
        """Send what the terminal does not have, if it can take it; else look again later."""
        driver = self._driver
        if driver is None or not self._running or self._closed:
            return
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        most = self.pace.allowance()
        if most:
            self._send_frame(driver, most)
        if not self.canvas.settled:
            loop = asyncio.get_running_loop()
            self._next_look = loop.call_later(self.pace.patience(), self._send)

    def _send_frame(self, driver: Driver, most: int) -> None:
        x, y = self.screen.outer_size.clamp_offset(self.cursor_position)
        frame = self.canvas.frame(most, (x, y))
        if not frame:
            return
        if self._sync_available:
            frame = f"{_SYNC_START}{frame}{_SYNC_END}"
        if isinstance(driver, TerminalDriver):
            frame += driver.ask()
            self.pace.sent(len(frame))
        driver.write(frame)
        driver.flush()
