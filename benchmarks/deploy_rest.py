"""`prefect deploy` and `flowtui deploy` side by side: the same flows, the same Prefect 3 server.

Run: python -m benchmarks.deploy_rest [--part process image] [--rounds 5] [--flows 20]

Each does what a person would type, in a process of its own, in a project of its own with the same
files, in alternating order. Both know the work pool; both wait for the server. In the part
`process` flowtui also stores the source and checks the flow where it will run, Prefect's own does
neither; what each does in the part `image` is told in `deploy_images`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.deploy_images import image_ways
from benchmarks.deploy_ways import Way, both, measure, report
from tests.parts.prefect_server import (
    PREFECT3,
    PrefectServer,
    prefect_command,
    running_prefect_server,
)
from tests.parts.prefects import prefect_python

_POOL = "bench"


@contextmanager
def process_ways(server: PrefectServer, flows: int) -> Iterator[tuple[Way, Way]]:
    """Both ways to deploy these many flows to a process pool."""
    prefect_command(server, "work-pool", "create", _POOL, "--type", "process", folder=Path.cwd())
    with tempfile.TemporaryDirectory(prefix="flowtui-bench-", ignore_cleanup_errors=True) as name:
        peer, ours = both(server, Path(name), "process", flows)
        (ours.root / "flowtui.toml").write_text(
            f'python = "{prefect_python(server.version)}"\n'
            f'[storage]\ntype = "local"\n[deployment]\nwork_pool = "{_POOL}"\n'
        )
        (peer.root / "prefect.yaml").write_text(_prefect_yaml(peer, flows))
        yield peer, ours


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


PARTS: dict[str, Callable[[PrefectServer, int], AbstractContextManager[tuple[Way, Way]]]] = {
    "process": process_ways,
    "image": image_ways,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=5, help="for one flow, and what is unchanged")
    parser.add_argument("--all-rounds", type=int, help="for all flows changed; half of --rounds")
    parser.add_argument("--flows", type=int, default=20)
    given = parser.parse_args()
    all_rounds = given.all_rounds or max(given.rounds // 2, 1)
    with running_prefect_server(PREFECT3) as server:
        for part in given.part:
            with PARTS[part](server, given.flows) as ways:
                measure(ways, rounds=given.rounds, all_rounds=all_rounds, flows=given.flows)
                report(part, ways)


if __name__ == "__main__":
    main()
