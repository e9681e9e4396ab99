"""Log lines: written in batches, found again in the order in which they came."""

from __future__ import annotations

from typing import Any

import pytest

from flowtui.server.tables import ordered_id
from tests.server.conftest import Api

MOMENT = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def run(api: Api) -> str:
    return api.run(api.flow(api.project()))


def write(api: Api, *logs: dict[str, Any]) -> None:
    api.mutate("write_run_logs", {"logs": list(logs)}, "success")


def messages(api: Api, run: str, arguments: str = "order_by: {timestamp: asc}") -> list[str]:
    found = api.row("flow_run", run, f"logs({arguments}) {{message}}")
    return [row["message"] for row in found["logs"]]


def test_lines_of_one_moment_stay_in_order(api: Api, run: str) -> None:
    expected = [str(number) for number in range(50)]
    for first in (0, 25):
        batch = [
            {"flow_run_id": run, "timestamp": MOMENT, "message": message}
            for message in expected[first : first + 25]
        ]
        write(api, *batch)
    assert messages(api, run) == expected


def test_pages_of_a_log(api: Api, run: str) -> None:
    write(api, *[{"flow_run_id": run, "timestamp": MOMENT, "message": str(n)} for n in range(9)])
    assert messages(api, run, "order_by: {timestamp: asc}, limit: 3, offset: 6") == ["6", "7", "8"]
    assert messages(api, run, "order_by: {timestamp: asc}, offset: 8") == ["8"]
    assert messages(api, run, "limit: 0") == []


def test_pages_of_several_logs_at_once(api: Api, run: str) -> None:
    flow = api.row("flow_run", run, "flow_id")["flow_id"]
    other = api.run(flow)
    for owner in (run, other):
        write(api, *[{"flow_run_id": owner, "message": f"{owner} {n}"} for n in range(3)])
    found = api.data("{flow_run {id logs(order_by: {timestamp: asc}, limit: 2) {message}}}")
    assert {row["id"]: [line["message"] for line in row["logs"]] for row in found["flow_run"]} == {
        owner: [f"{owner} 0", f"{owner} 1"] for owner in (run, other)
    }


def test_a_line_of_a_task_run_is_also_one_of_its_flow_run(api: Api, run: str) -> None:
    task_run = api.row("flow_run", run, "task_runs {id}")["task_runs"][0]["id"]
    write(api, {"taskRunId": task_run, "message": "camel", "info": {"flowRunId": "kept"}})
    api.mutate("write_run_log", {"task_run_id": task_run, "message": "single"}, "success")
    assert messages(api, run) == ["camel", "single"]
    (line,) = api.data('{log(where: {message: {_eq: "camel"}}) {info task_run_id}}')["log"]
    assert line == {"info": {"flowRunId": "kept"}, "task_run_id": task_run}


def test_lines_written_out_in_the_query(api: Api, run: str) -> None:
    lines = f'[{{flowRunId: "{run}", message: "a", level: "INFO"}}]'
    api.data(f"mutation {{writeRunLogs(input: {{logs: {lines}}}) {{success}}}}")
    assert messages(api, run) == ["a"]


def test_nothing_to_write_is_fine(api: Api) -> None:
    write(api)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("text", "a log record must be an object"),
        ({"message": "x"}, "needs a flow_run_id or a task_run_id"),
        ({"flow_run_id": "7"}, "'7' is not a uuid"),
        ({"flow_run_id": "00000000-0000-4000-8000-000000000000"}, "there is no flow run"),
        ({"task_run_id": "00000000-0000-4000-8000-000000000000"}, "there is no task run"),
        ({"colour": "red"}, "a log record has no 'colour'"),
        ({"message": 5}, "message of a log record must be text"),
        ({"timestamp": "noon"}, "timestamp of a log record: 'noon' is not an ISO 8601 time"),
    ],
)
def test_a_bad_line_is_refused_with_its_batch(
    api: Api, run: str, record: object, reason: str
) -> None:
    good = {"flow_run_id": run, "message": "good"}
    assert reason in api.refused("write_run_logs", {"logs": [good, record]}, "success")
    assert messages(api, run) == []


def test_ids_of_large_tables_grow() -> None:
    ids = [ordered_id() for _ in range(5_000)]
    assert ids == sorted(set(ids))
