"""A log pane under load, on a real pty. Run: python -m benchmarks.log_pane [--seconds 60]

Volume: 100,000 lines into the pane, from the key that asks for them to the last one on the screen,
and what that adds to the memory; beside Textual's two log widgets, each fed in blocks with a yield
between, which is their best way.

Flood: 10,000 lines a second arrive while keys are pressed: from the press to its answer on the
screen, seen from outside. `k` must show the line above, `j` the one below, `f` must follow.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pty_harness import PtyTerminal, terminal

LINES = 100_000
BLOCK = 1_000
RATE = 10_000
SIZE = (120, 36)
PATIENCE = 90.0
_PAUSE = (0.04, 0.16)
"""Seconds between two presses: at no rhythm, so that none of the app's own hides behind it."""


def line(number: int) -> str:
    return f"#12 {number / 97:10.3f} Collecting package-{number:06} from the index, {'cached' * 4}"


# --------------------------------------------------------------------------------- the programs


def pane(rate: int) -> None:
    """flowtui on a running deploy: lines at a rate, or with 0 all of them at the press of `x`."""
    from textual import events

    from flowtui.deploy.events import Stage, StageStarted, log_line
    from flowtui.models import FlowKind, LocalFlow
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.screens.deploy import DeployScreen
    from flowtui.tui.view_models.deploys import Phase
    from flowtui.tui.work.connecting import Connecting

    Connecting.open = lambda self: None  # type: ignore[method-assign]

    class Building(FlowtuiApp):
        alone = True
        CSS_PATH = [  # noqa: RUF012
            str(Path(sys.modules[FlowtuiApp.__module__].__file__ or "").parent / name)
            for name in FlowtuiApp.CSS_PATH
        ]

        def on_ready(self) -> None:
            flow = LocalFlow("flows/etl.py", 12, "etl", FlowKind.FLOW_OBJECT, variable="flow")
            record = self.record = self.session.deploys.open(flow)
            record.phase = Phase.RUNNING
            record.apply(StageStarted(deploy="d", stage=Stage.BUILD))
            self.push_screen(DeployScreen(record.key))
            self.written = 0
            self.began = time.monotonic()
            if rate:
                self.set_interval(0.02, self.more)

        def take(self) -> None:
            self.record.apply(log_line("d", Stage.BUILD, line(self.written)))
            self.written += 1

        def more(self) -> None:
            while self.written < (time.monotonic() - self.began) * rate:
                self.take()

        async def on_key(self, event: events.Key) -> None:
            if event.key != "x" or rate:
                return
            while self.written < LINES:
                for _ in range(BLOCK):
                    self.take()
                await asyncio.sleep(0)

    Building(Path()).run(mouse=False)


def peer(name: str) -> None:
    """One of Textual's widgets in an app of its own."""
    from textual import events
    from textual.app import App, ComposeResult
    from textual.widgets import Log, RichLog

    class Peer(App[None]):
        def compose(self) -> ComposeResult:
            yield RichLog(max_lines=LINES) if name == "RichLog" else Log(max_lines=LINES)

        def on_mount(self) -> None:
            self.title = "ready"

        async def on_key(self, event: events.Key) -> None:
            if event.key != "x":
                return
            for start in range(0, LINES, BLOCK):
                block = [line(number) for number in range(start, start + BLOCK)]
                if name == "RichLog":
                    self.query_one(RichLog).write("\n".join(block))
                else:
                    self.query_one(Log).write_lines(block)
                await asyncio.sleep(0)

    Peer().run(mouse=False)


# ----------------------------------------------------------------------------- what is measured


def started(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "benchmarks.log_pane", "--child", *arguments)


def resident(pid: int) -> int:
    """Bytes that the process has in memory now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def volume(name: str) -> None:
    arguments = ("pane", "0") if name == "flowtui" else ("peer", name)
    with terminal(started(*arguments), environment=_environment(), size=SIZE) as term:
        if name == "flowtui":
            term.until_text("Log: build", "no output")
        term.until_quiet(1.0)
        before = resident(term.pid)
        pressed = term.press("x")
        last = f"package-{LINES - 1:06}"
        try:
            took = term.until_text(last, patience=PATIENCE) - pressed
        except TimeoutError:
            print(f"  {name:8} not done in {PATIENCE:.0f} s", flush=True)
            return
        term.until_quiet(1.0)
        more = (resident(term.pid) - before) / 1e6
        print(f"  {name:8} {took:6.2f} s   {more:6.1f} MB more", flush=True)


@dataclass(frozen=True, slots=True)
class Answer:
    took: float
    """Milliseconds from the press to its answer on the screen."""
    starved: float
    """Of these, so long the app was ready to run and other programs had the processors."""


def waited(pid: int) -> float:
    """Milliseconds that the process was ready to run and did not, since its start."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e6


def press(term: PtyTerminal, key: str, answered: Callable[[], bool]) -> Answer:
    time.sleep(random.uniform(*_PAUSE))
    before = waited(term.pid)
    pressed = term.press(key)
    took = (term.until(answered) - pressed) * 1000
    return Answer(took, waited(term.pid) - before)


def cycle(term: PtyTerminal) -> list[Answer]:
    """Stop following, some steps up and down, follow again."""
    row = 20

    def shows(text: str) -> Callable[[], bool]:
        return lambda: term.row(row) == text

    taken = [press(term, "k", lambda: "following" not in term.text())]
    term.until_text("new, f follows")
    for key in "kkjkj":
        text = term.row(row - 1 if key == "k" else row + 1)
        taken.append(press(term, key, shows(text)))
    taken.append(press(term, "f", lambda: "following" in term.text()))
    return taken


def flood(seconds: float) -> None:
    with terminal(started("pane", str(RATE)), environment=_environment(), size=SIZE) as term:
        term.until_text("Log: build", "following", "package-")
        answers: list[Answer] = []
        begun, cpu, sent = time.monotonic(), term.cpu_seconds(), term.shown_bytes
        while time.monotonic() - begun < seconds:
            answers += cycle(term)
        passed = time.monotonic() - begun
        share = (term.cpu_seconds() - cpu) / passed
        print(
            f"  {RATE} lines a second for {passed:.0f} s, {len(answers)} key presses,"
            f" {share:.0%} of a core, {(term.shown_bytes - sent) / passed / 1000:.0f} kB/s",
        )
        print("  " + figures("press to answer", [each.took for each in answers]))
        own = [each.took - each.starved for each in answers]
        print("  " + figures("  without waiting for a processor", own), flush=True)


def figures(what: str, values: list[float]) -> str:
    values = sorted(values)
    return (
        f"{what:35} median {statistics.median(values):3.0f} ms,"
        f" 99th percentile {values[int(len(values) * 0.99)]:3.0f} ms, worst {values[-1]:3.0f} ms"
    )


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[1])
    return {"PYTHONPATH": root, "SSH_CONNECTION": "", "TMUX": ""}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the flood takes")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        kind, what = options.child
        if kind == "pane":
            pane(int(what))
        else:
            peer(what)
        return
    print(f"{LINES:,} lines of {len(line(0))} characters into a pane, {SIZE[0]}x{SIZE[1]}")
    for name in ("flowtui", "Log", "RichLog"):
        volume(name)
    print("a key while the log is flooded")
    flood(options.seconds)


if __name__ == "__main__":
    main()
