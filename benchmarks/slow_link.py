"""A key press while a log floods a slow link: flowtui's output beside Textual's own.

The same app, the same log widget, the same lines; once with small frames at the terminal's pace,
once (`FLOWTUI_PLAIN_OUTPUT=1`) with Textual's own output. The link shows 30 kB/s and answers
questions when it has shown what came before them; a second one also hides 100 kB in buffers on the
way, as SSH does. The key opens another stage of the deploy: its answer is a word in the title.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from pathlib import Path

from benchmarks.pty_harness import SLOW, Link, PtyTerminal, terminal

PRESSES = 25
RATES = (500, 10_000)
LINKS = {"30 kB/s": SLOW, "30 kB/s, 100 kB of buffers": Link(rate=30_000, buffer=100_000)}
SIZE = (120, 36)


def app(lines_a_second: int) -> None:
    """The child process: a deploy whose build writes lines without end."""
    from flowtui.deploy.events import LogLine, Stage, StageStarted
    from flowtui.models import FlowKind, LocalFlow
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.deploys import Phase
    from flowtui.tui.screens.deploy import DeployScreen
    from flowtui.tui.work.connecting import Connecting

    Connecting.open = lambda self: None  # type: ignore[method-assign]

    class Flooded(FlowtuiApp):
        def on_ready(self) -> None:
            deploys = self.session.deploys
            flow = LocalFlow("flows/etl.py", 12, "etl", FlowKind.FLOW_OBJECT, variable="flow")
            record = self.record = deploys.add(flow)
            record.phase = Phase.RUNNING
            record.add(StageStarted(deploy="d", stage=Stage.BUILD))
            self.push_screen(DeployScreen(record.key))
            self.written = 0
            self.began = time.monotonic()
            self.set_interval(0.02, self.more)

        def more(self) -> None:
            due = int((time.monotonic() - self.began) * lines_a_second)
            while self.written < due:
                self.written += 1
                text = (
                    f"#12 {self.written / 97:9.3f} Collecting package-{self.written * 7919 % 99991}"
                )
                text += "-" * (self.written % 40) + " (from the index, cached)"
                self.record.add(LogLine(deploy="d", stage=Stage.BUILD, text=text))

    Flooded(Path()).run(mouse=False)


def latencies(term: PtyTerminal) -> list[float]:
    chooser = random.Random(5)
    taken: list[float] = []
    term.until_text("Log: build", "Collecting")
    time.sleep(3)
    for number in range(PRESSES):
        time.sleep(chooser.uniform(0.5, 0.9))
        key, title = ("1", "Log: serialize") if number % 2 == 0 else ("2", "Log: build")
        pressed = term.press(key)
        taken.append(term.until_text(title) - pressed)
    return sorted(taken)


def measure(lines_a_second: int, link: Link, plain: bool) -> list[float]:
    command = (sys.executable, "-m", "benchmarks.slow_link", "app", str(lines_a_second))
    environment = {"FLOWTUI_PLAIN_OUTPUT": "1"} if plain else {"SSH_CONNECTION": "1 2 3 4"}
    root = Path(__file__).parents[1]
    with terminal(
        command, cwd=root, environment=environment | {"PYTHONPATH": str(root)}, size=SIZE, link=link
    ) as term:
        return latencies(term)


def main() -> None:
    print(f"a key press over a slow link, {PRESSES} presses, {SIZE[0]}x{SIZE[1]}, ms")
    for name, link in LINKS.items():
        for rate in RATES:
            for whose, plain in (("flowtui", False), ("Textual's own", True)):
                taken = measure(rate, link, plain)
                print(
                    f"  {name:27} {rate:6} lines/s  {whose:14}"
                    f" median {statistics.median(taken) * 1000:6.0f}"
                    f"  95th {taken[int(len(taken) * 0.95) - 1] * 1000:6.0f}"
                    f"  worst {taken[-1] * 1000:6.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["app"]:
        app(int(sys.argv[2]))
    else:
        main()
