"""A Dask cluster on loopback: a scheduler and two workers in the environment of a Prefect."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.parts.waiting import until

_STOP_SECONDS = 20
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class DaskCluster:
    address: str
    """Of the scheduler, for example `tcp://127.0.0.1:41234`."""
    workers: frozenset[int]
    """Process ids; each has one thread for tasks."""


@contextmanager
def dask_cluster(venv: Path, environment: Mapping[str, str] = _NOTHING) -> Iterator[DaskCluster]:
    """`environment` is what the workers have beside the bare minimum: Prefect's settings before
    0.13, where they do not travel with the tasks."""
    with tempfile.TemporaryDirectory(prefix="flowtui-dask-") as name, ExitStack() as stack:
        folder = Path(name)
        where = folder / "scheduler.json"
        common = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(where)]

        def start(part: str, *options: str) -> subprocess.Popen[bytes]:
            return stack.enter_context(
                _running([*_command(venv, part), *common, *options], folder / part, environment)
            )

        start("scheduler", "--port", "0")
        until(lambda: bool(where.exists() and where.read_text()), "a Dask scheduler")
        alone = ("--nthreads", "1", "--no-nanny", "--local-directory", str(folder / "spill"))
        workers = [start("worker", *alone) for _ in range(2)]
        log = folder / "scheduler"
        until(
            lambda: log.read_text().count("Starting worker compute stream") == len(workers),
            "two Dask workers",
            told=log.read_text,
        )
        address = json.loads(where.read_text())["address"]
        yield DaskCluster(address, frozenset(worker.pid for worker in workers))


def _command(venv: Path, part: str) -> list[str]:
    """`dask-worker` until 2024, `dask worker` after."""
    old = venv / "bin" / f"dask-{part}"
    python = str(venv / "bin" / "python")
    return [python, str(old)] if old.exists() else [python, str(venv / "bin" / "dask"), part]


@contextmanager
def _running(
    command: list[str], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(log.parent),
                "LANG": "C.UTF-8",
                **environment,
            },
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
