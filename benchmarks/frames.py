"""What frames cost: bytes for a cursor move and for a log, and nothing while nothing happens.

flowtui's output beside Textual's own (`FLOWTUI_PLAIN_OUTPUT=1`), the same app in a pty at 160x45.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.first_frame import make_project, silent_server
from benchmarks.pty_harness import PtyTerminal, terminal
from benchmarks.slow_link import environment_for

MOVES = 24
IDLE_SECONDS = 10.0
LOG_SECONDS = 6.0
LOG_LINES = 2000


@contextmanager
def embedded_server(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "flowtui", "server", "--port", "0", "--json"]
    process = subprocess.Popen(
        [*command, "--database", str(folder / "server.sqlite")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.wait()


def moves(term: PtyTerminal, key: str) -> tuple[float, int, float]:
    """Median and most bytes of a cursor move, and its processor time in ms."""
    sizes: list[int] = []
    began = term.cpu_seconds()
    for _ in range(MOVES):
        before = term.shown_bytes
        term.press(key)
        term.until_quiet(0.25)
        sizes.append(term.shown_bytes - before)
    cpu = (term.cpu_seconds() - began) / MOVES * 1000
    return statistics.median(sizes), max(sizes), cpu


def idle(term: PtyTerminal) -> tuple[int, float]:
    """Bytes written and per cent of a core used while nothing happens."""
    term.until_quiet(9.0)  # a notification goes after 8 seconds
    bytes_before, cpu_before = term.shown_bytes, term.cpu_seconds()
    time.sleep(IDLE_SECONDS)
    used = (term.cpu_seconds() - cpu_before) / IDLE_SECONDS * 100
    return term.shown_bytes - bytes_before, used


def of_main_screen(name: str, url: str, state: str, folder: Path, plain: bool) -> None:
    # A home of its own: the app remembers where its cursor was.
    environment = environment_for(folder / f"home-{state}-{name}", url, plain=plain)
    with terminal(
        [sys.executable, "-m", "flowtui", "."], cwd=folder / "project", environment=environment
    ) as term:
        term.until_text("flow-1", state)
        term.until_quiet(1.0)
        start = term.shown_bytes
        median, most, cpu = moves(term, "j")
        term.press("j" * 20)  # to the lower edge: from there on every move scrolls
        term.until_quiet(1.0)
        scrolling, most_scrolling, _ = moves(term, "j")
        nothing, used = idle(term)
        print(
            f"  {name:14} start {start:7}  cursor move median {median:6.0f}, most {most:6} bytes,"
            f" {cpu:4.1f} ms CPU  scrolling {scrolling:6.0f}, most {most_scrolling:6}"
            f"  idle: {nothing} bytes, {used:.2f} % of a core",
            flush=True,
        )


def of_log(name: str, folder: Path, plain: bool) -> None:
    command = (sys.executable, "-m", "benchmarks.slow_link", "app", str(LOG_LINES))
    environment = environment_for(folder / "home", "http://127.0.0.1:9", plain=plain)
    with terminal(command, cwd=folder, environment=environment) as term:
        term.until_text("Log: build", "#12")
        bytes_before, cpu_before = term.shown_bytes, term.cpu_seconds()
        time.sleep(LOG_SECONDS)
        rate = (term.shown_bytes - bytes_before) / LOG_SECONDS
        used = (term.cpu_seconds() - cpu_before) / LOG_SECONDS * 100
        print(
            f"  {name:14} {rate / 1000:6.1f} kB/s, {rate / 10_000:5.2f} kB a frame at 10 Hz,"
            f" {used:4.1f} % of a core",
            flush=True,
        )


def main() -> None:
    os.environ.pop("SSH_CONNECTION", None)
    with tempfile.TemporaryDirectory(prefix="flowtui-benchmark-") as name:
        folder = Path(name)
        (folder / "project").mkdir()
        make_project(folder / "project")
        with embedded_server(folder) as url:
            print("connected, 100 flows, 160x45")
            of_main_screen("flowtui", url, "connected", folder, plain=False)
            of_main_screen("Textual's own", url, "connected", folder, plain=True)
        with silent_server() as url:
            print("a server that never answers")
            of_main_screen("flowtui", url, "not connected", folder, plain=False)
        print(f"a log of {LOG_LINES} lines a second")
        of_log("flowtui", folder, plain=False)
        of_log("Textual's own", folder, plain=True)


if __name__ == "__main__":
    main()
