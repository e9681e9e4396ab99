"""A key press while a log floods a slow link: flowtui's output beside Textual's own.

The same app, the same log widget, the same lines; once with small frames at the terminal's pace,
once (`FLOWTUI_PLAIN_OUTPUT=1`) with Textual's own output. The link shows 30 kB/s and answers
questions when it has shown what came before them; a second one also hides 100 kB in buffers on the
way, as SSH does. The key opens another stage of the deploy: its answer is a word in the title.
"""

from __future__ import annotations

import inspect
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.pty_harness import SLOW, Link, PtyTerminal, terminal

PRESSES = 20
RATES = (500, 10_000)
LINKS = {"30 kB/s": SLOW, "30 kB/s, 100 kB of buffers": Link(rate=30_000, buffer=100_000)}
SIZE = (120, 36)
WORDS = ("Collecting", "Downloading", "wheel", "from", "index", "cached", "layer", "sha256")


def app(lines_a_second: int) -> None:
    """The child process: a deploy whose build writes lines without end."""
    from flowtui.deploy.events import LogLine, Stage, StageStarted
    from flowtui.models import FlowKind, LocalFlow
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.screens.deploy import DeployScreen
    from flowtui.tui.view_models.deploys import Phase

    chooser = random.Random(3)
    styles = Path(inspect.getfile(FlowtuiApp)).parent

    class Flooded(FlowtuiApp):
        CSS_PATH = [styles / name for name in FlowtuiApp.CSS_PATH]  # noqa: RUF012

        def on_mount(self) -> None:
            self.call_after_refresh(self.open_deploy)

        def open_deploy(self) -> None:
            deploys = self.session.deploys
            flow = LocalFlow("flows/etl.py", 12, "etl", FlowKind.FLOW_OBJECT, variable="flow")
            record = self.record = deploys.open(flow)
            record.phase = Phase.RUNNING
            record.apply(StageStarted(deploy="d", stage=Stage.BUILD))
            self.push_screen(DeployScreen(record.key))
            self.written = 0
            self.began = time.monotonic()
            self.set_interval(0.02, self.more)

        def more(self) -> None:
            due = int((time.monotonic() - self.began) * lines_a_second)
            while self.written < due:
                self.written += 1
                words = " ".join(chooser.choices(WORDS, k=chooser.randrange(2, 14)))
                text = f"#12 {self.written / 97:9.3f} {words} {chooser.randrange(10**6)}"
                self.record.apply(LogLine(deploy="d", stage=Stage.BUILD, text=text))

    Flooded(Path()).run(mouse=False)


def latencies(term: PtyTerminal) -> list[float]:
    chooser = random.Random(5)
    taken: list[float] = []
    term.until_text("Log: build", "#12")
    time.sleep(3)
    for number in range(PRESSES):
        time.sleep(chooser.uniform(0.5, 0.9))
        key, title = ("1", "Log: serialize") if number % 2 == 0 else ("2", "Log: build")
        pressed = term.press(key)
        taken.append(term.until_text(title) - pressed)
    return sorted(taken)


def measure(lines_a_second: int, link: Link, plain: bool) -> list[float]:
    command = (sys.executable, "-m", "benchmarks.slow_link", "app", str(lines_a_second))
    with tempfile.TemporaryDirectory(prefix="flowtui-benchmark-") as name:
        folder = Path(name)
        environment = environment_for(folder, "http://127.0.0.1:9", plain=plain)
        environment["SSH_CONNECTION"] = "192.0.2.1 1 192.0.2.2 22"
        with terminal(command, cwd=folder, environment=environment, size=SIZE, link=link) as term:
            return latencies(term)


def environment_for(home: Path, url: str, *, plain: bool) -> dict[str, str]:
    """Cut off from the person's own settings; `plain` leaves the output to Textual."""
    return {
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "FLOWTUI_HOME": str(home),
        "FLOWTUI_API_URL": url,
        "FLOWTUI_PLAIN_OUTPUT": "1" if plain else "0",
    }


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
