"""The app on a run that is written to, while agents poll and other runs write their logs.

Run: python -m benchmarks.run_under_load [--runs 50] [--lines 10000] [--agents 20]

The load is that of `server_load`; the app, a real one on a pty, has one of the runs open and
follows its log. Keys are pressed all the while: from the press to its answer on the screen, seen
from outside. Server, load and app share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.log_pane import Answer, figures, press
from benchmarks.pty_harness import PtyTerminal, terminal
from benchmarks.server_load import Seen, client_of, make_runs, poll, write_lines, wrong_lines

SIZE = (120, 36)
_ROOT = Path(__file__).parents[1]


async def write_all(url: str, runs: int, lines: int, agents: int) -> None:
    """In a process of its own: makes the runs, and writes once it is told to."""
    seen = Seen()
    async with client_of(url, seen) as client:
        ids = await make_runs(client, runs)
        polling = [asyncio.create_task(poll(client)) for _ in range(agents)]
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began = time.perf_counter()
        await asyncio.gather(*(write_lines(client, run, lines) for run in ids))
        print(f"{runs * lines:,} lines in {time.perf_counter() - began:.0f} s", flush=True)
        for task in polling:
            task.cancel()
        seen.errors += await wrong_lines(client, ids, lines)
        print(f"errors of clients: {len(seen.errors)} {seen.errors[:3]}", flush=True)


def open_run(term: PtyTerminal) -> None:
    """To the log of the first run of the list."""
    term.until_text("connected", "No flows")
    term.press("7")
    term.until_text("Running", "load")
    term.press("\r")
    term.until_text("Running", "No task runs yet")
    term.press("]")
    term.until_text("[Log]")


def measure(url: str, folder: Path, options: argparse.Namespace) -> None:
    numbers = [str(options.runs), str(options.lines), str(options.agents)]
    command = [sys.executable, "-m", "benchmarks.run_under_load", "--child", url, *numbers]
    app = (sys.executable, "-m", "flowtui", "--api-url", url, str(folder))
    environment = {"PYTHONPATH": str(_ROOT), "SSH_CONNECTION": "", "TMUX": ""}
    environment["FLOWTUI_HOME"] = str(folder / "home")
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=_ROOT) as load:
        assert load.stdin is not None and load.stdout is not None
        load.stdout.readline()
        with terminal(app, environment=environment, size=SIZE) as term:
            open_run(term)
            load.stdin.write("\n")
            load.stdin.flush()
            term.until_text("following", "line ")
            report(term, load)


def cycle(term: PtyTerminal) -> list[Answer]:
    """Stop following, some steps up and down, follow again."""
    row = 20

    def text(place: int) -> str:
        """Without the frame and the thumb, which does not move with each line."""
        return term.row(place)[:-3]

    def shows(wanted: str) -> Callable[[], bool]:
        return lambda: text(row) == wanted

    taken = [press(term, "k", lambda: "following" not in term.text())]
    term.until_quiet(0.2)  # the rows of the last lines that were followed
    for key in "kkjkj":
        wanted = text(row - 1 if key == "k" else row + 1)
        taken.append(press(term, key, shows(wanted)))
    taken.append(press(term, "f", lambda: "following" in term.text()))
    return taken


def report(term: PtyTerminal, load: subprocess.Popen[str]) -> None:
    assert load.stdout is not None
    answers: list[Answer] = []
    begun, cpu = time.monotonic(), term.cpu_seconds()
    told = asyncio.run(_pressing(term, answers, load))
    passed = time.monotonic() - begun
    share = (term.cpu_seconds() - cpu) / passed
    print(f"  {told}; {len(answers)} key presses, the app used {share:.0%} of a core")
    print("  " + figures("press to answer", [each.took for each in answers]))
    own = [each.took - each.starved for each in answers]
    print("  " + figures("  without waiting for a processor", own))
    print(f"  {load.stdout.readline().strip()}", flush=True)


async def _pressing(term: PtyTerminal, answers: list[Answer], load: subprocess.Popen[str]) -> str:
    """Press keys until all lines are written; what the load told then."""
    assert load.stdout is not None
    told = asyncio.create_task(asyncio.to_thread(load.stdout.readline))
    while not told.done():
        answers += await asyncio.to_thread(cycle, term)
    return (await told).strip()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        url, runs, lines, agents = options.child
        asyncio.run(write_all(url, int(runs), int(lines), int(agents)))
        return
    with tempfile.TemporaryDirectory(prefix="flowtui-load-") as name:
        folder = Path(name)
        command = [sys.executable, "-m", "flowtui", "server", "--port", "0", "--json"]
        command += ["--no-containers", "--database", str(folder / "load.db")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                measure(json.loads(server.stdout.readline())["url"], folder, options)
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
