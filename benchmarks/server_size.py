"""The embedded server on a large database beside a nearly empty one.

Run: python -m benchmarks.server_size [--share 0.1] [--keep FOLDER]

1,000 flows, 100,000 runs with their task runs and states, 10 million log lines, in SQLite; the
small one has 100 flows with a run each, so that answers have the same number of rows. What is
measured is what clients wait for, without HTTP: parsing, validating, the database, the answer.
Times are medians of many, in turns; the ratio of large to small says what the size costs.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice, pairwise
from pathlib import Path
from typing import Any

from flowtui.server.database import Database, open_database
from flowtui.server.execute import Executor, Request
from flowtui.server.operations import Caller
from flowtui.server.services.background import Round
from flowtui.server.services.scheduler import Scheduler

FLOWS = 1_000
RUNS = 100_000
LINES = 10_000_000
TASKS = 3
FUTURE_RUNS = 5_000
DUE = 25
ROUNDS = 15
OWN_RUNS = {"Success": 60, "Failed": 60, "Running": 5}
"""Of one flow in both databases, so that both have a page of rows to show."""
_BATCH = 20_000
_LINES_OF_A_BATCH = 100
"""What a real client sends in five seconds."""
_STATES = ("Scheduled", "Submitted", "Running", "Success")
_CALLER = Caller(core_version="1.4.1")


@dataclass(frozen=True)
class Size:
    flows: int
    runs: int
    lines: int


SMALL = Size(flows=100, runs=100, lines=0)


class Api:
    """An executor with the shapes that real clients and the app use."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._executor = Executor(database)

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        answer = self._executor.answer(Request(query, variables or {}), _CALLER)
        if "errors" in answer:
            raise RuntimeError(answer["errors"])
        json.dumps(answer)
        return answer["data"]

    def mutate(self, name: str, given: Mapping[str, Any], wanted: str = "id") -> Any:
        query = f"mutation($input: {name}_input!) {{ {name}(input: $input) {{ {wanted} }} }}"
        return self.ask(query, {"input": given})[name]


def serialized_flow(name: str, **changes: Any) -> dict[str, Any]:
    tasks = [
        {"name": slug, "slug": slug, "type": "prefect.tasks.core.function.FunctionTask"}
        for slug in ("extract-1", "transform-1", "load-1")
    ]
    return {
        "name": name,
        "parameters": [],
        "schedule": None,
        "tasks": tasks,
        "edges": [
            {"upstream_task": {"slug": one["slug"]}, "downstream_task": {"slug": other["slug"]}}
            for one, other in pairwise(tasks)
        ],
        "__version__": "1.4.1",
        **changes,
    }


def fill(path: Path, size: Size) -> None:
    """Make a database of this size: tables by the server, rows by the shortest way there is."""
    api = Api(open_database(path))
    project = api.mutate("create_project", {"name": "large"})["id"]
    for number in range(size.flows):
        flow = {"project_id": project, "serialized_flow": serialized_flow(f"flow-{number:04}")}
        api.mutate("create_flow", flow)
    api.database.close()
    raw = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-400000"):
        raw.execute(f"PRAGMA {pragma}")
    indexes = raw.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name"
        " IN ('log', 'flow_run', 'task_run', 'flow_run_state', 'task_run_state')"
    ).fetchall()
    for name, _ in indexes:
        raw.execute(f"DROP INDEX {name}")
    raw.execute("BEGIN")
    _Rows(raw, size).write()
    raw.execute("COMMIT")
    for _, sql in indexes:
        raw.execute(sql)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.close()


_Run = tuple[str, str, int]
"""Its id, its flow's id, its number."""
_TaskRun = tuple[str, _Run, str]


class _Rows:
    """The rows of runs, and of all that belongs to them."""

    def __init__(self, raw: sqlite3.Connection, size: Size) -> None:
        self._raw = raw
        self._size = size
        (self._tenant,) = raw.execute("SELECT id FROM tenant").fetchone()
        self._flows: list[str] = [
            row[0] for row in raw.execute("SELECT id FROM flow ORDER BY name")
        ]
        tasks = raw.execute("SELECT flow_id, id FROM task ORDER BY created").fetchall()
        self._tasks = {flow: [task for of, task in tasks if of == flow] for flow in self._flows}
        self._first = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=100)
        self._ids = count(int(time.time()) << 80)

    def write(self) -> None:
        runs = [(self._id(), self._flows[n % len(self._flows)], n) for n in range(self._size.runs)]
        task_runs = [(self._id(), run, task) for run in runs for task in self._tasks[run[1]]]
        self._insert("flow_run", (self._flow_run(run) for run in runs))
        self._insert("task_run", (self._task_run(*task_run) for task_run in task_runs))
        self._insert(
            "flow_run_state",
            (state for run in runs for state in self._states("flow", run[0], run[2])),
        )
        self._insert(
            "task_run_state",
            (s for own, run, _ in task_runs for s in self._states("task", own, run[2])),
        )
        self._insert("log", self._lines(task_runs))

    def _insert(self, table: str, rows: Iterator[dict[str, Any]]) -> None:
        while batch := list(islice(rows, _BATCH)):
            names = list(batch[0])
            marks = ", ".join(f":{name}" for name in names)
            self._raw.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", batch
            )

    def _id(self) -> str:
        return uuid.UUID(int=next(self._ids)).hex

    def _moment(self, number: int) -> str:
        share = number / self._size.runs
        return (self._first + timedelta(days=99 * share)).strftime("%Y-%m-%d %H:%M:%S.%f")

    def _common(self, moment: str) -> dict[str, Any]:
        return {"created": moment, "updated": moment, "tenant_id": self._tenant}

    def _flow_run(self, run: _Run) -> dict[str, Any]:
        moment = self._moment(run[2])
        state = "Failed" if run[2] % 20 == 0 else "Success"
        return self._run(run[0], state, moment) | {
            "flow_id": run[1],
            "parameters": "{}",
            "context": "{}",
            "labels": "[]",
            "scheduled_start_time": moment,
            "auto_scheduled": run[2] % 2,
            "times_resurrected": 0,
            "idempotency_key": f"auto-scheduled:{moment}" if run[2] % 2 else None,
        }

    def _task_run(self, own: str, run: _Run, task: str) -> dict[str, Any]:
        made = self._run(own, "Success", self._moment(run[2]))
        return made | {"flow_run_id": run[0], "task_id": task, "map_index": -1, "run_count": 1}

    def _run(self, own: str, state: str, moment: str) -> dict[str, Any]:
        return self._common(moment) | {
            "id": own,
            "name": "amber-hare",
            "version": len(_STATES),
            "state": state,
            "state_timestamp": moment,
            "state_message": "All reference tasks succeeded.",
            "state_start_time": None,
            "serialized_state": _state(state),
            "start_time": moment,
            "end_time": moment,
            "heartbeat": moment,
        }

    def _states(self, kind: str, own: str, number: int) -> Iterator[dict[str, Any]]:
        moment = self._moment(number)
        for version, state in enumerate(_STATES, start=1):
            yield self._common(moment) | {
                "id": self._id(),
                f"{kind}_run_id": own,
                "timestamp": moment,
                "version": version,
                "state": state,
                "message": "said what it was",
                "serialized_state": _state(state),
            }

    def _lines(
        self, task_runs: list[tuple[str, tuple[str, str, int], str]]
    ) -> Iterator[dict[str, Any]]:
        each = self._size.lines // len(task_runs)
        for own, run, _ in task_runs:
            moment = self._moment(run[2])
            for line in range(each):
                yield self._common(moment) | {
                    "id": self._id(),
                    "flow_run_id": run[0],
                    "task_run_id": own,
                    "timestamp": moment,
                    "name": "prefect.CloudTaskRunner",
                    "level": "INFO",
                    "message": f"line {line}: read 1,000 rows of the table of that day",
                }


def _state(kind: str) -> str:
    return json.dumps({"type": kind, "message": "said what it was", "__version__": "1.4.1"})


_RUN = (
    "id name state state_message scheduled_start_time start_time end_time parameters labels "
    "created auto_scheduled run_config state_start_time heartbeat agent_id "
    "flow { id name version archived storage core_version project { name } }"
)
_NEWEST = "order_by: {scheduled_start_time: desc, created: desc}, limit: 50"


@dataclass(frozen=True)
class Subject:
    """One run of one flow to look at and write to."""

    flow: str
    name: str
    run: str
    task_run: str
    project: str


def subject(api: Api) -> Subject:
    """A flow like the others, with a run of its own."""
    name = f"own-{uuid.uuid4().hex[:6]}"
    project = api.mutate("create_project", {"name": name})["id"]
    given = {"project_id": project, "serialized_flow": serialized_flow(name)}
    flow = api.mutate("create_flow", given)["id"]
    run = api.mutate("create_flow_run", {"flow_id": flow})["id"]
    task_run = api.ask(f'{{flow_run_by_pk(id: "{run}") {{task_runs {{id}}}}}}')["flow_run_by_pk"]
    own = Subject(flow, name, run, task_run["task_runs"][0]["id"], project)
    _write_lines(api, own, 1_000)
    set_state(api, own.run, "Success")
    for kind, number in OWN_RUNS.items():
        for _ in range(number):
            set_state(api, api.mutate("create_flow_run", {"flow_id": flow})["id"], kind)
    return own


def _write_lines(api: Api, own: Subject, number: int) -> None:
    """In the way of clients since 0.7."""
    moment = datetime.now(UTC)
    lines = [
        {
            "flow_run_id": own.run,
            "task_run_id": own.task_run,
            "timestamp": (moment + timedelta(microseconds=line)).isoformat(),
            "name": "prefect.CloudTaskRunner",
            "level": "INFO",
            "message": f"line {line}: read 1,000 rows of the table of that day",
            "info": {},
        }
        for line in range(number)
    ]
    api.mutate("write_run_logs", {"logs": lines}, "success")


def set_state(api: Api, run: str, kind: str) -> None:
    state = {"type": kind, "message": "", "__version__": "1.4.1"}
    states = [{"flow_run_id": run, "state": state}]
    api.mutate("set_flow_run_states", {"states": states}, "states { id }")


def poll(api: Api) -> int:
    return len(api.mutate("get_runs_in_queue", {"labels": []}, "flow_run_ids")["flow_run_ids"])


def runs(api: Api, where: str = "") -> None:
    condition = f"where: {{{where}}}, " if where else ""
    api.ask(f"{{flow_run({condition}{_NEWEST}) {{{_RUN}}}}}")


def run_page(api: Api, run: str) -> None:
    states = "states(order_by: {timestamp: asc}) {timestamp state message}"
    api.ask(f'{{flow_run(where: {{id: {{_eq: "{run}"}}}}, limit: 1) {{{_RUN} {states}}}}}')
    task_runs = "id map_index state state_message start_time end_time run_count task {name slug}"
    where = f'where: {{flow_run_id: {{_eq: "{run}"}}}}'
    api.ask(f"{{task_run({where}, order_by: {{id: asc}}, limit: 1000) {{{task_runs}}}}}")
    logs = "logs(limit: 1000, order_by: {timestamp: asc}) {id timestamp level name message}"
    api.ask(f'{{flow_run(where: {{id: {{_eq: "{run}"}}}}, limit: 1) {{{logs}}}}}')


def register(api: Api, own: Subject) -> None:
    given = {"project_id": own.project, "serialized_flow": serialized_flow("again")}
    api.mutate("create_flow", given)


def scheduler_round(api: Api) -> None:
    moment = datetime.now(UTC)
    Scheduler().run_once(api.database, Round(moment, moment))


def measures(own: Subject) -> dict[str, Callable[[Api], object]]:
    return {
        "queue poll, nothing due": poll,
        "newest 50 runs": runs,
        "newest 50 runs of a flow": lambda api: runs(api, f'flow: {{id: {{_eq: "{own.flow}"}}}}'),
        "newest 50 runs of a flow's name": lambda api: runs(
            api, f'flow: {{name: {{_eq: "{own.name}"}}}}'
        ),
        "newest 50 runs, Failed": lambda api: runs(api, 'state: {_in: ["Failed"]}'),
        "newest 50 runs, under way": lambda api: runs(
            api, 'state: {_in: ["Running", "Submitted", "Cancelling", "Retrying"]}'
        ),
        "newest 50 runs, ended": lambda api: runs(
            api, 'state: {_in: ["Success", "Failed", "Cancelled", "TimedOut"]}'
        ),
        "last start of 100 flows": lambda api: api.ask(
            "query($names: [String!]) {flow_run(where: {start_time: {_is_null: false}, "
            "flow: {name: {_in: $names}}}, order_by: {start_time: desc}, limit: 100) "
            f"{{{_RUN}}}}}",
            {"names": [own.name, *(f"flow-{number:04}" for number in range(100))]},
        ),
        "one run: states, task runs, 1,000 lines": lambda api: run_page(api, own.run),
        f"write {_LINES_OF_A_BATCH} log lines": lambda api: _write_lines(
            api, own, _LINES_OF_A_BATCH
        ),
        "set a state": lambda api: set_state(api, own.run, "Success"),
        "register a version": lambda api: register(api, own),
        "scheduler, no flow with a schedule": scheduler_round,
    }


def with_due_runs(api: Api, own: Subject) -> None:
    for _ in range(DUE):
        api.mutate("create_flow_run", {"flow_id": own.flow})


def with_future_runs(api: Api, own: Subject) -> None:
    far = datetime.now(UTC) + timedelta(days=2)
    for number in range(FUTURE_RUNS):
        start = (far + timedelta(minutes=number)).isoformat()
        api.mutate("create_flow_run", {"flow_id": own.flow, "scheduled_start_time": start})


def timed(work: Callable[[Api], object], api: Api) -> float:
    began = time.perf_counter()
    work(api)
    return (time.perf_counter() - began) * 1000


def compare(apis: tuple[Api, Api], own: tuple[Subject, Subject], names: list[str]) -> None:
    for name in names:
        pairs = [measures(own[side])[name] for side in (0, 1)]
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for side in (0, 1):
                times[side].append(timed(pairs[side], apis[side]))
        report(name, *(statistics.median(of) for of in times))


def report(name: str, small: float, large: float) -> None:
    print(f"| {name} | {small:.1f} | {large:.1f} | {large / small:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0, help="of the full size")
    parser.add_argument("--keep", type=Path, help="a folder whose database is used again")
    arguments = parser.parse_args()
    share = arguments.share
    size = Size(round(FLOWS * share) or 1, round(RUNS * share), round(LINES * share))
    with tempfile.TemporaryDirectory(prefix="flowtui-size-") as temporary:
        folder = arguments.keep or Path(temporary)
        large = folder / "large.db"
        if not large.exists():
            began = time.perf_counter()
            folder.mkdir(parents=True, exist_ok=True)
            fill(large, size)
            print(
                f"made in {time.perf_counter() - began:.0f} s, {large.stat().st_size / 1e9:.2f} GB"
            )
        small = Path(temporary) / "small.db"
        fill(small, SMALL)
        compare_databases(small, large)


def compare_databases(small: Path, large: Path) -> None:
    apis = (Api(open_database(small)), Api(open_database(large)))
    own = (subject(apis[0]), subject(apis[1]))
    print("| milliseconds | small | large | ratio |\n|---|---|---|---|")
    compare(apis, own, list(measures(own[0])))
    for api, of in zip(apis, own, strict=True):
        with_due_runs(api, of)
    for prepare, name in ((None, f"{DUE} due"), (with_future_runs, f"and {FUTURE_RUNS:,} planned")):
        if prepare:
            for api, of in zip(apis, own, strict=True):
                prepare(api, of)
        times = [statistics.median(timed(poll, api) for _ in range(ROUNDS)) for api in apis]
        report(f"queue poll, {name}", *times)
    for api in apis:
        api.database.close()


if __name__ == "__main__":
    main()
