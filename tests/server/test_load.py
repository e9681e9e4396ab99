"""Many clients at once: nobody sees an error, every line is there once and in order.

The full size is `benchmarks/server_load.py`.
"""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.server_load import BATCH, load
from tests.parts.control_plane import embedded_server

pytestmark = pytest.mark.slow
RUNS = 6
LINES = 2 * BATCH + 50
AGENTS = 8


def test_agents_poll_and_runs_write_while_the_app_reads() -> None:
    with embedded_server() as server:
        seen, _ = asyncio.run(load(server.url, runs=RUNS, lines=LINES, agents=AGENTS))
    assert seen.errors == []
    assert len(seen.milliseconds[f"write {BATCH} lines"]) == RUNS * 3
    assert len(seen.milliseconds["queue poll"]) >= AGENTS
    assert seen.milliseconds["log tail"]
