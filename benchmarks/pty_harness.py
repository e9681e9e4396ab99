"""A terminal for measuring: a pty whose reader is as fast, and as far away, as a benchmark wants.

Not a benchmark itself. Everything written by the program is counted, and shown on an emulated
screen (pyte) at the pace of the link; what the program asks the terminal is answered when all that
came before the question has been shown, as a real terminal at the far end does.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyte

PATIENCE = 60.0
"""Seconds until something that never comes ends a benchmark."""
_STEP = 0.005
"""Seconds between two looks at a slow link."""
_QUESTION = re.compile(rb"\x1b\[(?:(?P<dsr>[56])n|\?(?P<mode>\d+)\$p|(?P<da>0?c))")
_UNFINISHED = re.compile(rb"\x1b(?:\[[?>\d;$]*)?\Z")


@dataclass(frozen=True, slots=True)
class Link:
    """What lies between the program and the eyes.

    `rate` is bytes per second (None: no limit), `delay` seconds each way, `buffer` the bytes that
    the network holds on top of what the kernel's pty does: over SSH, hundreds of kilobytes.
    """

    rate: float | None = None
    delay: float = 0.0
    buffer: int = 0
    answers: bool = True
    sync: bool = True


LOCAL = Link()
SLOW = Link(rate=30_000)
"""A bad SSH connection: 30 kB/s."""


_KITTY = re.compile(rb"\x1b\[[<>=]\d*u")
"""Keyboard modes, which pyte takes for text."""
_ALTERNATE = 1049


class AlternateScreen(pyte.Screen):
    """With the second screen that full-screen programs use, which pyte does not have."""

    def set_mode(self, *modes: int, **settings: bool) -> None:
        super().set_mode(*modes, **settings)
        if _ALTERNATE in modes:
            self._primary = {y: dict(line) for y, line in self.buffer.items()}
            self.erase_in_display(2)

    def reset_mode(self, *modes: int, **settings: bool) -> None:
        super().reset_mode(*modes, **settings)
        if _ALTERNATE in modes:
            self.erase_in_display(2)
            for y, line in self._primary.items():
                self.buffer[y].update(line)


class PtyTerminal:
    """One program on one pty. Times are those of `time.monotonic`."""

    def __init__(self, pid: int, master: int, size: tuple[int, int], link: Link) -> None:
        self.pid = pid
        self._master = master
        self._link = link
        self.screen = AlternateScreen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.shown_bytes = 0
        """What has reached the screen since the start."""
        self.exit_code: int | None = None
        self._pending = bytearray()
        self._tail = b""
        self._answers: list[tuple[float, bytes]] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------------------- the program

    def press(self, keys: str) -> float:
        """Type these characters; returns when that was."""
        now = time.monotonic()
        if not self._link.delay:
            os.write(self._master, keys.encode())
            return now
        with self._changed:
            self._answers.append((now + self._link.delay, keys.encode()))
        return now

    def resize(self, columns: int, lines: int) -> None:
        with self._changed:
            self.screen.resize(lines, columns)
        _set_size(self._master, columns, lines)

    def until(self, holds: Callable[[], bool], *, patience: float = PATIENCE) -> float:
        """Wait until something holds of the screen; returns when it did. Raises TimeoutError."""
        deadline = time.monotonic() + patience
        with self._changed:
            while not holds():
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    raise TimeoutError("it did not come; the screen is:\n" + self.text())
                self._changed.wait(left)
            return time.monotonic()

    def until_text(self, *words: str, patience: float = PATIENCE) -> float:
        return self.until(lambda: all(word in self.text() for word in words), patience=patience)

    def until_quiet(self, seconds: float = 0.5) -> None:
        """Wait until nothing has come for so long."""
        while True:
            with self._changed:
                before = self.shown_bytes
                if not self._changed.wait_for(lambda: self.shown_bytes != before, seconds):  # noqa: B023
                    return

    def text(self) -> str:
        return "\n".join(self.row(y) for y in range(self.screen.lines))

    def row(self, y: int) -> str:
        line = self.screen.buffer[y]
        return "".join(line[x].data for x in range(self.screen.columns))

    def has_mode(self, number: int) -> bool:
        """Whether a private mode is set: 1000 reports the mouse, 2004 brackets what is pasted."""
        return number << 5 in self.screen.mode

    def cpu_seconds(self) -> float:
        """Processor time of the program so far, without its children."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_bytes(self) -> int:
        """The most memory that the program had resident."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def hang_up(self) -> None:
        """The connection drops: the terminal is gone for the program."""
        self._ended = True
        self._thread.join()
        os.close(self._master)
        self._master = -1

    def wait(self, patience: float = PATIENCE) -> int:
        """The exit code of the program (negative: the signal). Raises TimeoutError."""
        deadline = time.monotonic() + patience
        while self.exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} did not end; the screen is:\n{self.text()}")
            time.sleep(_STEP)
        return self.exit_code

    def close(self) -> None:
        if self.exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        self._ended = True
        self._thread.join()
        if self._master >= 0:
            os.close(self._master)

    # ----------------------------------------------------------------------------------- the link

    def _run(self) -> None:
        allowed = 0.0
        last = time.monotonic()
        rate = self._link.rate
        while not self._ended:
            room = max(self._link.buffer, 4096) - len(self._pending)
            # Without a limit the kernel wakes us; a slow link is looked at every few milliseconds.
            wait = _STEP if rate is not None or self._answers else 0.02
            if room > 0 or rate is None:
                if not self._read(wait, 65_536 if rate is None else room):
                    self._ended = True
            else:
                time.sleep(wait)
            now = time.monotonic()
            if rate is None:
                count = len(self._pending)
            else:
                allowed = min(allowed + (now - last) * rate, rate * 0.05)
                count = min(int(allowed), len(self._pending))
                allowed -= count
            last = now
            if count:
                data = bytes(self._pending[:count])
                del self._pending[:count]
                self._show(data)
            self._send_answers()
        with self._changed:
            self._changed.notify_all()

    def _read(self, wait: float, most: int) -> bool:
        """Whether the program still has its end open."""
        readable, _, _ = select.select([self._master], [], [], wait)
        if not readable:
            return True
        try:
            data = os.read(self._master, most)
        except OSError:
            return False
        self._pending += data
        return bool(data)

    def _show(self, data: bytes) -> None:
        with self._changed:
            self.shown_bytes += len(data)
            self._stream.feed(_KITTY.sub(b"", data))
            self._answer(data)
            self._changed.notify_all()

    def _answer(self, data: bytes) -> None:
        data = self._tail + data
        unfinished = _UNFINISHED.search(data)
        self._tail = unfinished[0] if unfinished else b""
        if not self._link.answers:
            return
        for question in _QUESTION.finditer(data):
            if question["dsr"] == b"6":
                cursor = self.screen.cursor
                answer = b"\x1b[%d;%dR" % (cursor.y + 1, cursor.x + 1)
            elif question["dsr"] == b"5":
                answer = b"\x1b[0n"
            elif question["mode"]:
                known = self._link.sync and question["mode"] == b"2026"
                answer = b"\x1b[?%s;%d$y" % (question["mode"], 2 if known else 0)
            else:
                answer = b"\x1b[?62;22c"
            self._answers.append((time.monotonic() + 2 * self._link.delay, answer))

    def _send_answers(self) -> None:
        now = time.monotonic()
        with self._changed:
            due = [text for at, text in self._answers if at <= now]
            self._answers = [each for each in self._answers if each[0] > now]
        for text in due:
            os.write(self._master, text)


@contextmanager
def terminal(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    size: tuple[int, int] = (160, 45),
    link: Link = LOCAL,
) -> Iterator[PtyTerminal]:
    """The program on a pty of this size (columns, lines); killed at the end if it still runs."""
    variables = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        **(environment or {}),
    }
    # An installed program has its bytecode.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    # The size is the pty's, not that of whoever runs this.
    variables.pop("COLUMNS", None)
    variables.pop("LINES", None)
    pid, master = pty.fork()
    if pid == 0:
        try:
            _set_size(0, *size)
            if cwd is not None:
                os.chdir(cwd)
            os.execvpe(command[0], list(command), variables)
        finally:
            os._exit(127)
    opened = PtyTerminal(pid, master, size, link)
    try:
        yield opened
    finally:
        opened.close()


def _set_size(descriptor: int, columns: int, lines: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
