"""`prefect deploy` and `flowtui deploy` side by side: the same flows, the same Prefect 3 server.

Run: python -m benchmarks.deploy_rest [--rounds 5] [--flows 20]

Each does what a person would type, in a process of its own, in a project of its own with the same
files, in alternating order. Both know the work pool; both wait for the server. flowtui also stores
the source and checks the flow where it will run; Prefect's own does neither.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.parts.prefect_server import (
    PREFECT3,
    PrefectServer,
    prefect_command,
    running_prefect_server,
)
from tests.parts.prefects import prefect_python

_POOL = "bench"
_SECONDS = 600


@dataclass
class Way:
    """One of the two: a project, and how it is deployed."""

    name: str
    root: Path
    command: tuple[str, ...]
    environment: dict[str, str]
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def write(self, number: int, default: int) -> None:
        (self.root / f"flow_{number:02}.py").write_text(
            "from prefect import flow, task\n\n\n@task\ndef double(value: int) -> int:\n"
            f"    return value * 2\n\n\n@flow(name='{self.name}-{number:02}')\n"
            f"def etl(value: int = {default}, name: str = 'a'):\n    return double(value)\n"
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


@contextmanager
def ways(server: PrefectServer, flows: int) -> Iterator[tuple[Way, Way]]:
    with tempfile.TemporaryDirectory(prefix="flowtui-bench-") as name:
        folder = Path(name)
        base = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        base |= {"HOME": str(folder), "DO_NOT_TRACK": "1"}
        python = prefect_python(server.version)
        peer = Way(
            "prefect",
            folder / "peer",
            (str(python.parent / "prefect"), "--no-prompt", "deploy"),
            {**base, "PREFECT_HOME": str(folder / "home"), **server.environment},
        )
        ours = Way(
            "flowtui",
            folder / "ours",
            (sys.executable, "-m", "flowtui", "deploy"),
            {
                **base,
                "FLOWTUI_HOME": str(folder / "flowtui"),
                "FLOWTUI_API_URL": server.api_url,
                "PYTHONPATH": str(Path(__file__).parent.parent),
            },
        )
        for way in (peer, ours):
            way.root.mkdir()
            for number in range(flows):
                way.write(number, 1)
        (ours.root / "flowtui.toml").write_text(
            f'python = "{python}"\n[storage]\ntype = "local"\n[deployment]\nwork_pool = "{_POOL}"\n'
        )
        (peer.root / "prefect.yaml").write_text(_prefect_yaml(peer, flows))
        yield peer, ours
        shutil.rmtree(folder / "home", ignore_errors=True)


def _prefect_yaml(way: Way, flows: int) -> str:
    """As `prefect init` writes it for local storage."""
    lines = ["name: peer", "pull:", "- prefect.deployments.steps.set_working_directory:"]
    lines += [f"    directory: {way.root}", "deployments:"]
    for number in range(flows):
        lines += [
            f"- name: d{number:02}",
            f"  entrypoint: flow_{number:02}.py:etl",
            "  work_pool:",
            f"    name: {_POOL}",
        ]
    return "\n".join(lines) + "\n"


def alternate(ways: tuple[Way, Way], rounds: int, once: Callable[[Way, int], None]) -> None:
    for number in range(rounds):
        for way in ways if number % 2 else reversed(ways):
            once(way, number)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--flows", type=int, default=20)
    given = parser.parse_args()
    with running_prefect_server(PREFECT3) as server:
        made = ("work-pool", "create", _POOL, "--type", "process")
        prefect_command(server, *made, folder=Path.cwd())
        with ways(server, given.flows) as (peer, ours):
            one = {peer.name: ("--name", "d00"), ours.name: ("flow_00.py",)}

            def changed(way: Way, number: int) -> None:
                way.write(0, number + 2)
                way.deploy("a changed flow", *one[way.name])

            def unchanged(way: Way, number: int) -> None:
                way.deploy("an unchanged flow", *one[way.name])

            def all_changed(way: Way, number: int) -> None:
                for flow in range(given.flows):
                    way.write(flow, number + 100)
                way.deploy(f"{given.flows} changed flows", "--all")

            def all_unchanged(way: Way, number: int) -> None:
                way.deploy(f"{given.flows} unchanged flows", "--all")

            alternate((peer, ours), given.rounds, changed)
            alternate((peer, ours), given.rounds, unchanged)
            alternate((peer, ours), max(given.rounds // 2, 1), all_changed)
            alternate((peer, ours), given.rounds, all_unchanged)
            report(peer, ours)


def report(peer: Way, ours: Way) -> None:
    print(f"{'':24} {'prefect':>10} {'flowtui':>10} {'ratio':>8}")
    for what in peer.seconds:
        theirs, own = (statistics.median(way.seconds[what]) for way in (peer, ours))
        print(f"{what:24} {theirs:>9.2f}s {own:>9.2f}s {theirs / own:>7.1f}x")


if __name__ == "__main__":
    main()
