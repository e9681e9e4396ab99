"""The embedded server under load: agents that poll, runs that write their logs, the app that reads.

Run: python -m benchmarks.server_load [--runs 50] [--lines 10000] [--agents 20]

The server is a process of its own on a fresh SQLite file. Each run sends its lines as real clients
do, in batches and one batch after the other, but without the pauses of theirs. All lines have to be
there afterwards, once and in order.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

BATCH = 200
POLL_SECONDS = 1.0
"""Real agents go from 0.25 to 10 seconds."""
READ_SECONDS = 0.5
_AGENT = {"X-PREFECT-CORE-VERSION": "1.4.1"}
_TIMEOUT = 120.0


@dataclass
class Seen:
    """What the clients saw: how long each kind of call took, and every error."""

    milliseconds: defaultdict[str, list[float]] = field(
        default_factory=lambda: defaultdict[str, list[float]](list)
    )
    errors: list[str] = field(default_factory=list[str])


class Client:
    """One client of the server, as Prefect's clients are: variables are JSON inside a string."""

    def __init__(self, http: httpx.AsyncClient, seen: Seen) -> None:
        self._http = http
        self._seen = seen

    async def ask(self, kind: str, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        began = time.perf_counter()
        body = {"query": query, "variables": json.dumps(variables)}
        try:
            answer = (await self._http.post("/", json=body)).json()
        except (httpx.HTTPError, ValueError) as error:
            self._seen.errors.append(f"{kind}: {type(error).__name__} {error}")
            return None
        self._seen.milliseconds[kind].append((time.perf_counter() - began) * 1000)
        if "errors" in answer:
            self._seen.errors.append(f"{kind}: {answer['errors']}")
            return None
        return answer["data"]

    async def mutate(self, kind: str, name: str, given: Mapping[str, Any], wanted: str) -> Any:
        query = f"mutation($input: {name}_input!) {{ {name}(input: $input) {{ {wanted} }} }}"
        data = await self.ask(kind, query, {"input": given})
        return data and data[name]


async def make_runs(client: Client, number: int) -> list[str]:
    given = {"name": f"load-{uuid.uuid4().hex[:6]}"}
    project = await client.mutate("prepare", "create_project", given, "id")
    flow = {"name": "load", "tasks": [], "edges": [], "parameters": [], "__version__": "1.4.1"}
    given = {"project_id": project["id"], "serialized_flow": flow}
    created = await client.mutate("prepare", "create_flow", given, "id")
    runs: list[str] = []
    for _ in range(number):
        given = {"flow_id": created["id"]}
        run = await client.mutate("prepare", "create_flow_run", given, "id")
        state = {"type": "Running", "message": "", "__version__": "1.4.1"}
        states = {"states": [{"flow_run_id": run["id"], "state": state}]}
        await client.mutate("prepare", "set_flow_run_states", states, "states { id }")
        runs.append(run["id"])
    return runs


async def write_lines(client: Client, run: str, lines: int) -> None:
    moment = datetime.now(UTC)
    for first in range(0, lines, BATCH):
        logs = [
            {
                "flow_run_id": run,
                "timestamp": (moment + timedelta(microseconds=line)).isoformat(),
                "name": "prefect.load",
                "level": "INFO",
                "message": f"line {line}: read 1,000 rows of the table of that day",
                "info": {},
            }
            for line in range(first, min(first + BATCH, lines))
        ]
        await client.mutate(f"write {BATCH} lines", "write_run_logs", {"logs": logs}, "success")


async def poll(client: Client) -> None:
    given: dict[str, Any] = {"labels": []}
    while True:
        await client.mutate("queue poll", "get_runs_in_queue", given, "flow_run_ids")
        await asyncio.sleep(POLL_SECONDS)


async def read(client: Client, run: str) -> None:
    """What the app asks for while a run is on the screen."""
    order = "order_by: {scheduled_start_time: desc, created: desc}, limit: 50"
    last = datetime.min.replace(tzinfo=UTC).isoformat()
    while True:
        await client.ask(
            "run list", f"{{flow_run({order}) {{id name state start_time flow {{name}}}}}}"
        )
        since = f'where: {{timestamp: {{_gte: "{last}"}}}}'
        page = f"logs({since}, order_by: {{timestamp: asc}}, limit: 1000)"
        query = f'{{flow_run(where: {{id: {{_eq: "{run}"}}}}) {{{page} {{id timestamp message}}}}}}'
        data = await client.ask("log tail", query)
        lines = data["flow_run"][0]["logs"] if data else []
        last = lines[-1]["timestamp"] if lines else last
        await asyncio.sleep(READ_SECONDS)


async def wrong_lines(client: Client, runs: list[str], lines: int) -> list[str]:
    """Every run whose lines are not all there, once and in order."""
    wrong: list[str] = []
    for run in runs:
        logs = f"logs(order_by: {{timestamp: asc}}, limit: {lines + 1}) {{message}}"
        data = await client.ask("check", f'{{flow_run_by_pk(id: "{run}") {{{logs}}}}}')
        rows = data["flow_run_by_pk"]["logs"] if data else []
        found = [int(re.findall(r"\d+", row["message"])[0]) for row in rows]
        if found != list(range(lines)):
            wrong.append(f"run {run} has {len(found)} lines")
    return wrong


@asynccontextmanager
async def client_of(url: str, seen: Seen) -> AsyncIterator[Client]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=url, timeout=_TIMEOUT, limits=limits, headers=_AGENT
    ) as http:
        yield Client(http, seen)


async def load(url: str, *, runs: int, lines: int, agents: int) -> tuple[Seen, float]:
    """What clients saw, and the seconds until all lines were written."""
    seen = Seen()
    async with client_of(url, seen) as client:
        ids = await make_runs(client, runs)
        background = [asyncio.create_task(poll(client)) for _ in range(agents)]
        background.append(asyncio.create_task(read(client, ids[0])))
        began = time.perf_counter()
        await asyncio.gather(*(write_lines(client, run, lines) for run in ids))
        seconds = time.perf_counter() - began
        for task in background:
            task.cancel()
        for result in await asyncio.gather(*background, return_exceptions=True):
            if isinstance(result, Exception):
                seen.errors.append(f"{type(result).__name__}: {result}")
        seen.errors += await wrong_lines(client, ids, lines)
    return seen, seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--agents", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flowtui-load-") as folder:
        command = [sys.executable, "-m", "flowtui", "server", "--port", "0", "--json"]
        command += ["--database", str(Path(folder) / "load.db")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            try:
                work = load(url, runs=given.runs, lines=given.lines, agents=given.agents)
                seen, seconds = asyncio.run(work)
            finally:
                server.terminate()
    total = given.runs * given.lines
    print(f"{total:,} lines in {seconds:.1f} s: {total / seconds:,.0f} a second")
    print("| call | number | median ms | 99th ms | worst ms |\n|---|---|---|---|---|")
    for kind, times in seen.milliseconds.items():
        if kind not in ("prepare", "check"):
            ordered = sorted(times)
            middle, nearly = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
            print(f"| {kind} | {len(times):,} | {middle:.0f} | {nearly:.0f} | {ordered[-1]:.0f} |")
    print(f"errors: {len(seen.errors)}")
    for error in seen.errors[:10]:
        print(f"  {error}")


if __name__ == "__main__":
    main()
