"""What the two parts of `deploy_rest` share: a project, how it is deployed, and the table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.parts.prefect_server import PrefectServer
from tests.parts.prefects import prefect_python

_SECONDS = 900


@dataclass
class Way:
    """One of the two: a project, and how it is deployed."""

    name: str
    root: Path
    command: tuple[str, ...]
    environment: dict[str, str]
    prefix: str
    """Of the names of its flows: both parts and both ways are on one server."""
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def write(self, number: int, default: int) -> None:
        (self.root / f"flow_{number:02}.py").write_text(
            "from prefect import flow, task\nfrom slugify import slugify\n\n\n"
            "@task\ndef named(value: int, name: str) -> str:\n"
            "    return f'{slugify(name)}-{value}'\n\n\n"
            f"@flow(name='{self.prefix}-{number:02}')\n"
            f"def etl(value: int = {default}, name: str = 'a'):\n    return named(value, name)\n"
        )

    def deploy(self, what: str, *arguments: str) -> None:
        began = time.perf_counter()
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        took = time.perf_counter() - began
        if done.returncode != 0:
            sys.exit(f"{self.name}: {what}:\n{done.stdout}{done.stderr}")
        self.seconds.setdefault(what, []).append(took)


def both(server: PrefectServer, folder: Path, part: str, flows: int) -> tuple[Way, Way]:
    """Prefect's own and ours, each with its flows in a project of its own below `folder`."""
    base = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    base |= {"HOME": str(folder), "DO_NOT_TRACK": "1"}
    peer = Way(
        "prefect",
        folder / "peer",
        (str(prefect_python(server.version).parent / "prefect"), "--no-prompt", "deploy"),
        {**base, "PREFECT_HOME": str(folder / "home"), **server.environment},
        f"peer-{part}",
    )
    ours = Way(
        "flowtui",
        folder / "ours",
        (sys.executable, "-m", "flowtui", "deploy"),
        {
            **base,
            "FLOWTUI_HOME": str(folder / "flowtui"),
            "FLOWTUI_API_URL": server.api_url,
        },
        f"ours-{part}",
    )
    for way in (peer, ours):
        way.root.mkdir()
        for number in range(flows):
            way.write(number, 1)
    return peer, ours


def measure(ways: tuple[Way, Way], *, rounds: int, all_rounds: int, flows: int) -> None:
    """One flow `rounds` times, all flows changed `all_rounds` times.

    What is changed is deployed once more as Prefect's own does it, without a health check.
    """
    peer, ours = ways
    one = {peer.name: ("--name", "d00"), ours.name: ("flow_00.py",)}
    unchecked: dict[str, tuple[str, ...]] = {peer.name: (), ours.name: ("--ignore-healthchecks",)}

    def changed(way: Way, number: int) -> None:
        way.write(0, 2 * number + 2)
        way.deploy("a changed flow", *one[way.name])

    def changed_unchecked(way: Way, number: int) -> None:
        way.write(0, 2 * number + 3)
        way.deploy("  without a check", *one[way.name], *unchecked[way.name])

    def unchanged(way: Way, number: int) -> None:
        way.deploy("an unchanged flow", *one[way.name])

    def write_all(way: Way, default: int) -> None:
        for flow in range(flows):
            way.write(flow, default)

    def all_changed(way: Way, number: int) -> None:
        write_all(way, 2 * number + 100)
        way.deploy(f"{flows} changed flows", "--all")

    def all_changed_unchecked(way: Way, number: int) -> None:
        write_all(way, 2 * number + 101)
        way.deploy(f"  {flows} without a check", "--all", *unchecked[way.name])

    def all_unchanged(way: Way, number: int) -> None:
        way.deploy(f"{flows} unchanged flows", "--all")

    alternate(ways, rounds, changed)
    alternate(ways, rounds, changed_unchecked)
    alternate(ways, rounds, unchanged)
    alternate(ways, all_rounds, all_changed)
    alternate(ways, all_rounds, all_changed_unchecked)
    alternate(ways, rounds, all_unchanged)


def alternate(ways: tuple[Way, Way], rounds: int, once: Callable[[Way, int], None]) -> None:
    for number in range(rounds):
        for way in ways if number % 2 else reversed(ways):
            once(way, number)


def report(title: str, ways: tuple[Way, Way]) -> None:
    """Medians in seconds, and how many times quicker ours is."""
    peer, ours = ways
    print(f"{title:24} {peer.name:>10} {ours.name:>10} {'ratio':>8}")
    for what in peer.seconds:
        theirs, own = (statistics.median(way.seconds[what]) for way in ways)
        print(f"{what:24} {theirs:>9.2f}s {own:>9.2f}s {theirs / own:>7.1f}x", flush=True)
