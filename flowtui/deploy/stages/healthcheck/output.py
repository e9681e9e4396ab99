"""What a probe writes: its answer on standard output, what the flow's modules say on the other."""

from __future__ import annotations

from flowtui.byte_lines import ByteLines
from flowtui.deploy.events import Level
from flowtui.deploy.stages.context import StageContext

LONGEST_ANSWER = 16 * 2**20
"""Bytes."""
_LOG_LINES = 2000
_LONGEST_LINE = 64 * 2**10


class ProbeOutput:
    """Standard output whole (up to the limit); standard error as log lines."""

    def __init__(self, ctx: StageContext) -> None:
        self.stdout = bytearray()
        self._ctx = ctx
        self._lines = ByteLines(self._log, _LONGEST_LINE)
        self._logged = 0

    def take_stdout(self, piece: bytes) -> None:
        if len(self.stdout) <= LONGEST_ANSWER:
            self.stdout += piece

    def take_stderr(self, piece: bytes) -> None:
        if self._logged <= _LOG_LINES:
            self._lines.feed(piece)

    def end(self) -> None:
        if self._logged <= _LOG_LINES:
            self._lines.end()

    def _log(self, line: str) -> None:
        self._logged += 1
        if self._logged <= _LOG_LINES:
            self._ctx.log(line)
        elif self._logged == _LOG_LINES + 1:
            self._ctx.log(f"more than {_LOG_LINES} lines: the rest is not shown", Level.WARNING)
