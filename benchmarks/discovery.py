"""Discovery against the way its peer finds flows. Run: python -m benchmarks.discovery

The peer's way is Prefect 3's scan for its deploy prompt: every .py file is read and parsed, one
after the other. Both look at the same folder: 1,000 flow files among 10,000 others, with a
virtual environment that no one keeps flows in. Figures are medians of five runs, in turns.
"""

from __future__ import annotations

import ast
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from flowtui.source.discovery import Discoverer, discover

FLOW_FILES = 1_000
OTHER_FILES = 10_000
RUNS = 5

_FLOW_FILE = '''"""Flow {number}."""
import datetime

from prefect import Flow, Parameter, task

NAME = "flow-{number}"


@task(max_retries=3, retry_delay=datetime.timedelta(seconds=10))
def extract(day):
    """Read one day."""
    rows = []
    for hour in range(24):
        rows.append({{"day": day, "hour": hour, "value": hour * {number}}})
    return rows


@task
def transform(rows):
    return [dict(row, value=row["value"] / 2) for row in rows if row["value"] % 2 == 0]


@task
def load(rows):
    for row in rows:
        print("{{day}} {{hour}}: {{value}}".format(**row))


with Flow(NAME) as flow:
    day = Parameter("day", default="2020-01-01")
    load(transform(extract(day)))
'''

_OTHER_FILE = '''"""Module {number}."""
import collections
import functools


class Thing{number}:
    """Counts what it is given."""

    def __init__(self, start=0):
        self.counts = collections.Counter()
        self.start = start

    def add(self, values):
        for value in values:
            self.counts[value] += 1
        return self

    @property
    def total(self):
        return self.start + sum(self.counts.values())


@functools.lru_cache(maxsize=None)
def fibonacci(n):
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


def table(rows, width=80):
    lines = []
    for row in rows:
        line = " | ".join(str(cell).ljust(width // max(len(row), 1)) for cell in row)
        lines.append(line.rstrip())
    return "\\n".join(lines)
'''


def make_project(root: Path) -> None:
    """Flow files spread over 50 folders; half of the others are a virtual environment's."""
    for number in range(FLOW_FILES):
        _write(root / f"team{number % 50}" / f"flow_{number}.py", _FLOW_FILE, number)
    for number in range(OTHER_FILES // 2):
        _write(root / f"lib{number % 100}" / f"module_{number}.py", _OTHER_FILE, number)
    packages = root / ".venv" / "lib" / "python3" / "site-packages"
    for number in range(OTHER_FILES // 2):
        _write(packages / f"package{number % 100}" / f"module_{number}.py", _OTHER_FILE, number)
    (root / ".venv" / "pyvenv.cfg").write_text("version = 3\n")


def _write(path: Path, template: str, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(template.format(number=number))


def scan_like_peer(root: Path, skipped: frozenset[str] = frozenset()) -> int:
    """Parse every .py file in turn and look for calls of `Flow`; returns how many it found."""
    found = 0
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in skipped]
        for name in files:
            if name.endswith(".py"):
                tree = ast.parse((Path(folder) / name).read_bytes())
                found += sum(
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id == "Flow"
                    for node in ast.walk(tree)
                )
    return found


def seconds(action: Callable[[], int]) -> float:
    started = time.perf_counter()
    found = action()
    if found != FLOW_FILES:
        raise SystemExit(f"{found} flows found instead of {FLOW_FILES}")
    return time.perf_counter() - started


def list_by_command_line(root: Path) -> int:
    """The whole command as a person runs it, from start to exit."""
    command = [sys.executable, "-m", "flowtui", "flows", "--offline", "--json", str(root)]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)
    return len(json.loads(listed.stdout))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="flowtui-benchmark-") as folder:
        root = Path(folder)
        make_project(root)
        discoverer = Discoverer(root)
        again = root / "team0" / "flow_0.py"

        def after_a_save() -> int:
            again.write_text(again.read_text() + "# saved\n")
            return len(discoverer.discover().flows)

        after_a_save()
        ways: dict[str, Callable[[], int]] = {
            "flowtui, discover()": lambda: len(discover(root).flows),
            "flowtui, again after one save": after_a_save,
            "flowtui flows --offline, process": lambda: list_by_command_line(root),
            "peer's way, all .py files": lambda: scan_like_peer(root),
            "peer's way, told to skip .venv": lambda: scan_like_peer(root, frozenset({".venv"})),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(RUNS):
            for name, way in ways.items():
                times[name].append(seconds(way))
    medians = {name: statistics.median(values) for name, values in times.items()}
    own = medians["flowtui, discover()"]
    print(f"{FLOW_FILES} flow files, {OTHER_FILES} other files, median of {RUNS} runs")
    for name, median in medians.items():
        print(f"  {name:32} {median:7.3f} s   {median / own:6.2f} x discover()")


if __name__ == "__main__":
    main()
