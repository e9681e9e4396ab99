"""Lines of text out of a stream of bytes."""

from __future__ import annotations

from collections.abc import Callable


class ByteLines:
    """Cuts a byte stream into lines of bounded length; what is not UTF-8 is replaced."""

    def __init__(self, emit: Callable[[str], None], longest: int) -> None:
        """`longest` is in characters of a line; the rest of the line is dropped."""
        self._emit = emit
        self._longest = longest
        self._rest = b""
        self._overflowing = False

    def feed(self, piece: bytes) -> None:
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for line in whole:
            if not self._overflowing:
                self._put(line)
            self._overflowing = False
        if len(self._rest) > self._longest:
            if not self._overflowing:
                self._put(self._rest)
            self._overflowing = True
            self._rest = b""

    def end(self) -> None:
        """The last line, which has no line break."""
        if self._rest and not self._overflowing:
            self._put(self._rest)
        self._rest = b""

    def _put(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        self._emit(text if len(text) <= self._longest else text[: self._longest] + " …")
