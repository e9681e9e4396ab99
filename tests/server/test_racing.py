"""Many agents want the same runs at once, over HTTP, also from two servers on one database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.parts.control_plane import embedded_server
from tests.server.conftest import serialized_flow

pytestmark = pytest.mark.real

_RUNS = 60
_POLL = (
    "mutation($input: get_runs_in_queue_input!) {get_runs_in_queue(input: $input) {flow_run_ids}}"
)
_SUBMIT = """mutation($input: set_flow_run_states_input!) {
    set_flow_run_states(input: $input) {states {id status}}}"""


def _client(url: str) -> httpx.Client:
    """An agent of today: it is handed 25 runs at once."""
    return httpx.Client(base_url=url, timeout=60, headers={"X-PREFECT-CORE-VERSION": "1.4.1"})


def _ask(client: httpx.Client, query: str, **given: Any) -> dict[str, Any]:
    return client.post("/", json={"query": query, "variables": {"input": given}}).json()


@pytest.fixture
def servers(new_address: Callable[[], Path | str]) -> Iterator[list[str]]:
    """URLs of two servers on one database."""
    address = new_address()
    with ExitStack() as stack:
        yield [stack.enter_context(embedded_server(address)).url for _ in range(2)]


def _create_runs(url: str) -> list[str]:
    with _client(url) as client:
        create_project = (
            "mutation($input: create_project_input!) {create_project(input: $input) {id}}"
        )
        create_flow = "mutation($input: create_flow_input!) {create_flow(input: $input) {id}}"
        create_run = (
            "mutation($input: create_flow_run_input!) {create_flow_run(input: $input) {id}}"
        )
        project = _ask(client, create_project, name="p")["data"]["create_project"]["id"]
        wanted = {"project_id": project, "serialized_flow": serialized_flow()}
        flow = _ask(client, create_flow, **wanted)["data"]["create_flow"]["id"]
        return [
            _ask(client, create_run, flow_id=flow)["data"]["create_flow_run"]["id"]
            for _ in range(_RUNS)
        ]


def _take_all(url: str) -> list[str]:
    """What an agent does until the queue is empty: the ids of the runs that it may start."""
    taken: list[str] = []
    with _client(url) as client:
        while True:
            answer = _ask(client, _POLL)
            waiting: list[str] = answer["data"]["get_runs_in_queue"]["flow_run_ids"]
            if not waiting:
                return taken
            for run_id in waiting:
                state = {"type": "Submitted", "message": "Submitted for execution"}
                answer = _ask(client, _SUBMIT, states=[{"flow_run_id": run_id, "state": state}])
                if "errors" not in answer:
                    taken.append(run_id)
                    continue
                (error,) = answer["errors"]
                assert "State update failed" in error["message"], error


def test_each_run_is_submitted_by_one_agent(servers: list[str]) -> None:
    runs = _create_runs(servers[0])
    with ThreadPoolExecutor(6) as pool:
        agents = [pool.submit(_take_all, servers[number % 2]) for number in range(6)]
        taken = [run_id for agent in agents for run_id in agent.result()]
    assert Counter(taken) == Counter(runs)
