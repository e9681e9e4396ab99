"""`flowtui server` and `flowtui agent start` as a person starts them, in processes of their own."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SECONDS = 240


@dataclass
class Command:
    """A `flowtui … --json` that runs until its block ends, and what it has told so far."""

    process: subprocess.Popen[str]
    told: list[dict[str, Any]] = field(default_factory=list)
    _lines: queue.Queue[str | None] = field(default_factory=queue.Queue)

    def until(self, kind: str) -> dict[str, Any]:
        """The next event of this kind. Raises AssertionError with all it told when none comes."""
        end = time.monotonic() + _SECONDS
        while True:
            line = self._lines.get(timeout=max(end - time.monotonic(), 0.01))
            assert line is not None, f"it ended: {self.told} {self.said_at_the_end()}"
            event = json.loads(line)
            self.told.append(event)
            if event["event"] == kind:
                return event

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it as Ctrl-C would; gives its exit status."""
        self.process.send_signal(number)
        return self.process.wait(_SECONDS)

    def said_at_the_end(self) -> str:
        self.process.kill()
        return self.process.stderr.read() if self.process.stderr is not None else ""

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)


@contextmanager
def flowtui_command(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Command]:
    """The real binary, with this process's environment under `environment`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flowtui", *arguments, "--json"],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    command = Command(process)
    reader = threading.Thread(target=command.read)
    reader.start()
    try:
        yield command
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
        reader.join()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def own_server(folder: Path, *options: str) -> Iterator[dict[str, Any]]:
    """`flowtui server` on a free port; the event `ready`: `url`, `containers`, `pid`."""
    arguments = ("server", "--port", "0", "--database", str(folder / "server.db"), *options)
    with flowtui_command(*arguments, folder=folder) as command:
        yield command.until("ready")


@contextmanager
def own_agent(
    folder: Path, api_url: str, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[Command]:
    """`flowtui agent start` for the project in `folder`, once it asks for runs."""
    arguments: Sequence[str] = ("agent", "start", "--api-url", api_url, *options)
    with flowtui_command(*arguments, folder=folder, environment=environment) as command:
        command.until("agent_ready")
        yield command
