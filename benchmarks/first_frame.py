"""From the command to a screen that answers keys, beside a bare Textual app, in turn.

Usable means: all panes are painted and a key press shows its effect (`1` moves the focus to the
projects, whose title turns bold). The project has 1,000 Python files; the server takes the
connection and never answers. Both programs run in a real pty at 160x45.
"""

from __future__ import annotations

import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pty_harness import PtyTerminal, terminal

RUNS = 9
FLOWS, OTHERS = 100, 900
PANES = ("Projects", "Flows", "palette")


@dataclass(frozen=True, slots=True)
class Start:
    painted: float
    usable: float
    rows: float | None
    cpu: float
    peak: int
    """Until it was usable."""
    settled: int
    """With the rows, and all that the connection needs."""


def make_project(folder: Path) -> None:
    for number in range(FLOWS):
        file = folder / f"team{number % 10}" / f"flow_{number}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            f'from prefect import Flow\n\nwith Flow("flow-{number}") as flow:\n    pass\n'
        )
    for number in range(OTHERS):
        file = folder / f"package{number % 30}" / f"module_{number}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"def answer_{number}():\n    return {number}\n" * 20)


@contextmanager
def silent_server() -> Iterator[str]:
    """It is connected to and never says anything."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def is_bold(term: PtyTerminal, word: str) -> bool:
    for y in range(term.screen.lines):
        x = term.row(y).find(word)
        if x >= 0:
            return bool(term.screen.buffer[y][x].bold)
    return False


def start(
    command: list[str], folder: Path, environment: dict[str, str], panes: tuple[str, ...], row: str
) -> Start:
    began = time.monotonic()
    with terminal(command, cwd=folder, environment=environment) as term:
        painted = term.until_text(*panes) - began
        term.press("1")
        usable = term.until(lambda: is_bold(term, "Projects")) - began
        peak = term.peak_bytes()
        rows = term.until_text(row) - began if row else None
        cpu = term.cpu_seconds()
        term.until_quiet(0.7)
        return Start(painted, usable, rows, cpu, peak, term.peak_bytes())


def main() -> None:
    root = str(Path(__file__).parents[1])
    bare = [sys.executable, str(Path(__file__).parent / "bare_app.py")]
    ours = [sys.executable, "-m", "flowtui", "."]
    with tempfile.TemporaryDirectory(prefix="flowtui-benchmark-") as name, silent_server() as url:
        folder = Path(name) / "project"
        folder.mkdir()
        make_project(folder)
        environment = {"PYTHONPATH": root, "FLOWTUI_HOME": name + "/home", "FLOWTUI_API_URL": url}
        starts: dict[str, list[Start]] = {"bare": [], "flowtui": []}
        for _ in range(RUNS + 1):
            starts["bare"].append(start(bare, folder, environment, PANES, ""))
            starts["flowtui"].append(start(ours, folder, environment, PANES, "flow-1"))
    for runs in starts.values():
        del runs[0]  # files that were never read
    print(f"{FLOWS + OTHERS} files, a server that never answers; medians of {RUNS} runs in turn")
    for name, runs in starts.items():
        print(
            f"  {name:8} painted {median(runs, 'painted'):5.3f} s"
            f"  usable {median(runs, 'usable'):5.3f} s"
            + (f"  rows {median(runs, 'rows'):5.3f} s" if runs[0].rows else " " * 14)
            + f"  CPU {median(runs, 'cpu'):4.2f} s  peak {median(runs, 'peak') / 2**20:4.1f} MiB,"
            f" settled {median(runs, 'settled') / 2**20:4.1f} MiB"
        )
    for what, limit in (("usable", 1.25), ("peak", 1.5)):
        ratio = median(starts["flowtui"], what) / median(starts["bare"], what)
        print(f"  {what}: {ratio:.2f} times the bare app (at most {limit})")


def median(runs: list[Start], what: str) -> float:
    return statistics.median(getattr(run, what) for run in runs)


if __name__ == "__main__":
    main()
