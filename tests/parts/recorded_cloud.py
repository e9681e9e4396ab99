"""Stand-ins for Prefect Cloud 0.6 and 1.x, which cannot be had any more.

Real HTTP servers (and TLS, if asked) whose GraphQL schema holds what the recordings of unmodified
Prefect clients show, one dialect only, with introspection switched off as on Cloud, a token that is
checked, and rows capped at 100. `tests/api/test_recorded_cloud.py` replays the recordings
(`tests/api/recordings`) against them, so they cannot drift from what was seen.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from graphql import GraphQLError, build_schema, execute, extend_schema, parse, validate

TENANT = "11111111-1111-4111-8111-111111111111"
TOKEN = "recorded-cloud-token-of-the-tests"
ROW_CAP = 100

_NO_INTROSPECTION = (
    "GraphQL introspection is not allowed by Apollo Server, but the query contained __schema or "
    "__type. To enable introspection, pass introspection: true to ApolloServer in production"
)

_QUERIES = """
scalar JSON
scalar UUID
type tenant { id: UUID name: String slug: String }
type aggregate_fields { count: Int }
type flow_aggregate { aggregate: aggregate_fields }
type project {
  id: UUID name: String description: String created: String
  flows_aggregate(where: JSON, distinct_on: JSON): flow_aggregate
}
type flow {
  id: UUID name: String version: Int archived: Boolean created: String core_version: String
  storage: JSON environment: JSON %(flow)s flow_group_id: UUID project: project
}
type flow_run {
  id: UUID name: String version: Int state: String created: String flow: flow
  scheduled_start_time: String start_time: String end_time: String auto_scheduled: Boolean
  parameters: JSON serialized_state: JSON %(run)s
}
type Query {
  hello: String
  tenant(where: JSON): [tenant]
  %(query)s
  project(where: JSON, order_by: JSON, limit: Int, offset: Int): [project]
  flow(where: JSON, order_by: JSON, distinct_on: JSON, limit: Int, offset: Int): [flow]
  flow_by_pk(id: UUID!): flow
  flow_run(where: JSON, order_by: JSON, distinct_on: JSON, limit: Int, offset: Int): [flow_run]
}
type success_payload { success: Boolean }
type id_payload { id: UUID }
"""

_CAMEL = (
    _QUERIES % {"flow": "", "query": "", "run": "duration: String heartbeat: String"}
    + """
input createProjectInput { name: String! }
input createFlowInput { projectId: UUID! serializedFlow: JSON! setScheduleActive: Boolean }
input createFlowFromCompressedStringInput {
  projectId: UUID! serializedFlow: String! setScheduleActive: Boolean
}
input archiveFlowInput { flowId: UUID! }
input setFlowScheduleStateInput { flowId: UUID! setActive: Boolean! }
input createFlowRunInput {
  flowId: UUID! parameters: JSON context: JSON idempotencyKey: String scheduledStartTime: String
}
type flow_run_payload { flow_run: id_payload }
type Mutation {
  createProject(input: createProjectInput!): id_payload
  createFlow(input: createFlowInput!): id_payload
  createFlowFromCompressedString(input: createFlowFromCompressedStringInput!): id_payload
  archiveFlow(input: archiveFlowInput!): success_payload
  setFlowScheduleState(input: setFlowScheduleStateInput!): success_payload
  createFlowRun(input: createFlowRunInput!): flow_run_payload
}
"""
)

_SNAKE = (
    _QUERIES
    % {
        "flow": "serialized_flow: JSON run_config: JSON settings: JSON",
        "query": "auth_info: auth_info",
        "run": "labels: JSON context: JSON run_config: JSON",
    }
    + """
type auth_info { tenant_id: UUID user_id: UUID api_token_scope: String }
input create_project_input { tenant_id: String! name: String! description: String }
input project_input { project_id: UUID! }
input set_project_name_input { project_id: UUID! name: String! }
input create_flow_input {
  project_id: UUID! serialized_flow: JSON! set_schedule_active: Boolean
  version_group_id: String idempotency_key: String
}
input create_flow_from_compressed_string_input {
  project_id: UUID! serialized_flow: String! set_schedule_active: Boolean
  version_group_id: String idempotency_key: String
}
input register_tasks_input { flow_id: UUID! serialized_tasks: JSON! }
input register_edges_input { flow_id: UUID! serialized_edges: JSON! }
input set_schedule_active_input { flow_id: UUID! }
input archive_flow_input { flow_id: UUID! }
input delete_flow_input { flow_id: UUID! }
input delete_project_input { project_id: UUID! }
input create_flow_run_input {
  flow_id: UUID! parameters: JSON context: JSON idempotency_key: String run_config: JSON
  scheduled_start_time: String flow_run_name: String labels: JSON
}
type Mutation {
  create_project(input: create_project_input!): id_payload
  delete_project(input: delete_project_input!): success_payload
  set_project_name(input: set_project_name_input!): id_payload
  create_flow(input: create_flow_input!): id_payload
  create_flow_from_compressed_string(input: create_flow_from_compressed_string_input!): id_payload
  register_tasks(input: register_tasks_input!): success_payload
  register_edges(input: register_edges_input!): success_payload
  set_schedule_active(input: set_schedule_active_input!): success_payload
  archive_flow(input: archive_flow_input!): success_payload
  delete_flow(input: delete_flow_input!): success_payload
  create_flow_run(input: create_flow_run_input!): id_payload
}
"""
)

_DETAILS = """
type log { timestamp: String message: String level: String info: JSON }
type flow_run_state { timestamp: String state: String serialized_state: JSON }
type task { id: UUID name: String slug: String }
type task_run {
  id: UUID version: Int map_index: Int state: String serialized_state: JSON task: task
}
extend type flow_run {
  logs(where: JSON, order_by: JSON, limit: Int, offset: Int): [log]
  states(where: JSON, order_by: JSON): [flow_run_state]
}
extend type Query {
  task_run(where: JSON, order_by: JSON, limit: Int, offset: Int): [task_run]
}
"""


@dataclass
class Request:
    """What came in, for the tests to look at."""

    path: str
    headers: dict[str, str]
    query: str
    variables: dict[str, Any]

    @property
    def input(self) -> dict[str, Any]:
        return self.variables.get("input", {})


@dataclass
class Fault:
    """An answer in place of the recorded one. `after`: the request is carried out first.

    With `status` 0 the connection is dropped; with `hold` the answer waits for the event.
    """

    status: int = 0
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    hold: threading.Event | None = None


class RecordedCloud:
    """The state behind one stand-in. Thread-safe."""

    def __init__(self, *, camel: bool, paths: tuple[str, ...], token: str | None = TOKEN) -> None:
        self.camel = camel
        self.paths = paths
        self.token = token
        self.schema = build_schema(_CAMEL if camel else _SNAKE)
        self.projects: list[dict[str, Any]] = []
        self.flows: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.task_runs: list[dict[str, Any]] = []
        self.requests: list[Request] = []
        self.arrived = threading.Condition()
        self.fault: Callable[[Request], Fault | None] = lambda request: None
        self.url = ""
        self._lock = threading.Lock()
        self._clock = datetime(2020, 1, 1, tzinfo=UTC)

    def add_project(self, name: str) -> dict[str, Any]:
        project = {
            "id": str(uuid.uuid4()),
            "name": name,
            "description": None,
            "created": self._now(),
        }
        self.projects.append(project)
        return project

    def add_flow(self, project: dict[str, Any], serialized: dict[str, Any]) -> dict[str, Any]:
        """A new version; the older ones of its name are archived, as the server does it."""
        group = [
            flow
            for flow in self.flows
            if flow["name"] == serialized["name"] and flow["project"] is project
        ]
        for flow in group:
            flow["archived"] = True
        flow = {
            "id": str(uuid.uuid4()),
            "name": serialized["name"],
            "version": max((flow["version"] for flow in group), default=0) + 1,
            "archived": False,
            "created": self._now(),
            "core_version": serialized.get("__version__"),
            "storage": serialized.get("storage"),
            "environment": serialized.get("environment"),
            "run_config": serialized.get("run_config"),
            "settings": {},
            "serialized_flow": serialized,
            "flow_group_id": str(uuid.uuid5(uuid.NAMESPACE_OID, serialized["name"])),
            "project": project,
            "schedule_active": False,
            "key": None,
        }
        self.flows.append(flow)
        return flow

    def add_run(
        self, flow: dict[str, Any], *, name: str = "", planned: str = "", **columns: Any
    ) -> dict[str, Any]:
        """A run that has not started; `columns` say what became of it."""
        defaults = {
            each["name"]: each.get("default") for each in flow["serialized_flow"]["parameters"]
        }
        created = self._now()
        run = {
            "id": str(uuid.uuid4()),
            "name": name or f"brave-{len(self.runs) + 1}",
            "version": 1,
            "state": "Scheduled",
            "created": created,
            "flow": flow,
            "flow_id": flow["id"],
            "scheduled_start_time": planned or created,
            "start_time": None,
            "end_time": None,
            "auto_scheduled": False,
            "serialized_state": {
                "type": "Scheduled",
                "message": "Flow run scheduled.",
                "start_time": planned or created,
                "result": None,
                "__version__": "0.6.1",
            },
            "labels": [],
            **columns,
            "parameters": {**defaults, **(columns.get("parameters") or {})},
        }
        self.runs.append(run)
        return run

    def tell_details(self) -> None:
        """From now on the API tells of runs what Prefect 0.6.1 asks in its reading commands, and
        no column more: a line of a log has no id."""
        self.schema = extend_schema(self.schema, parse(_DETAILS))

    def add_logs(self, run: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        run["logs"] = lambda info, **arguments: _select(lines, **arguments)

    def answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        with self._lock:
            document = parse(request.query)
            if re.search(r"__schema|__type\b", request.query):
                return 400, _errors([_NO_INTROSPECTION], "GRAPHQL_VALIDATION_FAILED")
            problems = validate(self.schema, document)
            if problems:
                return 400, _errors(
                    [_as_javascript(problem.message) for problem in problems],
                    "GRAPHQL_VALIDATION_FAILED",
                )
            result = execute(
                self.schema,
                document,
                root_value=_Root(self),
                variable_values=request.variables,
            )
            content: dict[str, Any] = {}
            if result.data is not None:
                content["data"] = result.data
            if result.errors:
                content["errors"] = [_error(error) for error in result.errors]
            return (200 if "data" in content else 400), content

    def _now(self) -> str:
        self._clock += timedelta(seconds=1)
        return self._clock.isoformat()


class _Root:
    """Resolvers; graphql-core calls methods as `method(info, **arguments)`."""

    def __init__(self, cloud: RecordedCloud) -> None:
        self.cloud = cloud
        for name in ("create_project", "create_flow", "create_flow_from_compressed_string"):
            setattr(self, _camel(name), getattr(self, name))
        self.archiveFlow = self.archive_flow
        self.setFlowScheduleState = self.set_flow_schedule_state
        self.createFlowRun = self.create_flow_run_061

    def hello(self, info: Any) -> str:
        return "👋"

    def auth_info(self, info: Any) -> dict[str, Any]:
        return {"tenant_id": TENANT, "api_token_scope": "USER"}

    def tenant(self, info: Any, where: Any = None) -> list[dict[str, Any]]:
        return [{"id": TENANT, "name": "Acme", "slug": "acme"}]

    def project(self, info: Any, **arguments: Any) -> list[dict[str, Any]]:
        cloud = self.cloud

        def with_flows(project: dict[str, Any]) -> dict[str, Any]:
            def count(info: Any, where: Any = None, distinct_on: Any = None) -> dict[str, Any]:
                flows = [
                    flow
                    for flow in cloud.flows
                    if flow["project"] is project and _matches(flow, where)
                ]
                names = {flow[distinct_on] if distinct_on else flow["id"] for flow in flows}
                return {"aggregate": {"count": len(names)}}

            return {**project, "flows_aggregate": count}

        return [with_flows(project) for project in _select(cloud.projects, **arguments)]

    def flow(self, info: Any, **arguments: Any) -> list[dict[str, Any]]:
        return _select(self.cloud.flows, **arguments)

    def flow_run(self, info: Any, **arguments: Any) -> list[dict[str, Any]]:
        return _select(self.cloud.runs, **arguments)

    def task_run(self, info: Any, **arguments: Any) -> list[dict[str, Any]]:
        return _select(self.cloud.task_runs, **arguments)

    def create_flow_run(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        flow = self._one(self.cloud.flows, input["flow_id"])
        key = input.get("idempotency_key")
        known = [run for run in self.cloud.runs if (run["flow"], run.get("key")) == (flow, key)]
        if key is not None and known:
            return {"id": known[0]["id"]}
        if flow["archived"]:
            raise GraphQLError("Flow is archived.", extensions={"code": "API_ERROR"})
        run = self.cloud.add_run(
            flow,
            name=input.get("flow_run_name") or "",
            planned=input.get("scheduled_start_time") or "",
            parameters=input.get("parameters"),
            labels=input.get("labels") or [],
            run_config=input.get("run_config"),
            key=key,
        )
        return {"id": run["id"]}

    def create_flow_run_061(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        values = {_snake(key): value for key, value in input.items()}
        return {"flow_run": self.create_flow_run(info, values)}

    def set_flow_schedule_state(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        self._one(self.cloud.flows, input["flowId"])["schedule_active"] = input["setActive"]
        return {"success": True}

    def flow_by_pk(self, info: Any, id: str) -> dict[str, Any] | None:  # noqa: A002
        return next((flow for flow in self.cloud.flows if flow["id"] == id), None)

    def create_project(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        if any(project["name"] == input["name"] for project in self.cloud.projects):
            raise GraphQLError("'Uniqueness violation.'", extensions={"code": "API_ERROR"})
        project = self.cloud.add_project(input["name"])
        project["description"] = input.get("description")
        return {"id": project["id"]}

    def set_project_name(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        if any(project["name"] == input["name"] for project in self.cloud.projects):
            raise GraphQLError("'Uniqueness violation.'", extensions={"code": "API_ERROR"})
        project = self._one(self.cloud.projects, input["project_id"])
        project["name"] = input["name"]
        return {"id": project["id"]}

    def delete_project(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        project = self._one(self.cloud.projects, input["project_id"])
        self.cloud.projects.remove(project)
        self.cloud.flows = [flow for flow in self.cloud.flows if flow["project"] is not project]
        return {"success": True}

    def create_flow(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        values = {_snake(key): value for key, value in input.items()}
        project = self._one(self.cloud.projects, values["project_id"])
        serialized = values["serialized_flow"]
        key = values.get("idempotency_key")
        newest = next(
            (
                flow
                for flow in reversed(self.cloud.flows)
                if flow["name"] == serialized["name"] and not flow["archived"]
            ),
            None,
        )
        if key is not None and newest is not None and newest["key"] == key:
            return {"id": newest["id"]}
        flow = self.cloud.add_flow(project, serialized)
        flow["key"] = key
        flow["schedule_active"] = bool(
            values.get("set_schedule_active") and serialized.get("schedule")
        )
        return {"id": flow["id"]}

    def create_flow_from_compressed_string(
        self,
        info: Any,
        input: dict[str, Any],  # noqa: A002
    ) -> dict[str, Any]:
        values = {_snake(key): value for key, value in input.items()}
        text = gzip.decompress(base64.b64decode(values["serialized_flow"]))
        return self.create_flow(info, {**values, "serialized_flow": json.loads(text)})

    def register_tasks(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        flow = self._one(self.cloud.flows, input["flow_id"])
        flow["serialized_flow"].setdefault("tasks", []).extend(input["serialized_tasks"])
        return {"success": True}

    def register_edges(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        flow = self._one(self.cloud.flows, input["flow_id"])
        flow["serialized_flow"].setdefault("edges", []).extend(input["serialized_edges"])
        return {"success": True}

    def set_schedule_active(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        self._one(self.cloud.flows, input["flow_id"])["schedule_active"] = True
        return {"success": True}

    def archive_flow(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        flow_id = input.get("flow_id") or input.get("flowId")
        self._one(self.cloud.flows, flow_id)["archived"] = True
        return {"success": True}

    def delete_flow(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        self.cloud.flows.remove(self._one(self.cloud.flows, input["flow_id"]))
        return {"success": True}

    @staticmethod
    def _one(rows: list[dict[str, Any]], row_id: object) -> dict[str, Any]:
        found = next((row for row in rows if row["id"] == row_id), None)
        if found is None:
            raise GraphQLError("No such row.", extensions={"code": "API_ERROR"})
        return found


def _select(
    rows: list[dict[str, Any]],
    where: Any = None,
    order_by: Any = None,
    distinct_on: Any = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[dict[str, Any]]:
    found = [row for row in rows if _matches(row, where)]
    for column, direction in reversed((order_by or {}).items()):
        # Nulls first going down, last going up, as PostgreSQL has it.
        found.sort(
            key=lambda row: (row[column] is None, "" if row[column] is None else row[column]),
            reverse=direction == "desc",
        )
    if distinct_on:
        found = list({row[distinct_on]: row for row in reversed(found)}.values())[::-1]
    return found[offset : offset + min(ROW_CAP, limit or ROW_CAP)]


def _matches(row: dict[str, Any], where: Any) -> bool:
    for key, condition in (where or {}).items():
        if key == "_and":
            conditions = condition if isinstance(condition, list) else [condition]
            if not all(_matches(row, each) for each in conditions):
                return False
        elif "_eq" in condition:
            if condition["_eq"] is not None and row[key] != condition["_eq"]:
                return False
        elif "_in" in condition:
            if row[key] not in condition["_in"]:
                return False
        elif "_gte" in condition:
            if not condition["_gte"] <= row[key] <= condition.get("_lte", row[key]):
                return False
        elif "_is_null" in condition:
            if (row[key] is None) != condition["_is_null"]:
                return False
        elif not _matches(row[key], condition):
            return False
    return True


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match.group().lower(), name)


def _as_javascript(message: str) -> str:
    """graphql-core's wording with the quotes of graphql-js, which Cloud ran on."""
    return re.sub(r"'([\w.!]+)'", r'"\1"', message)


def _error(error: GraphQLError) -> dict[str, Any]:
    code = (error.extensions or {}).get("code", "INTERNAL_SERVER_ERROR")
    return {
        "message": _as_javascript(error.message) if error.path is None else error.message,
        "locations": [],
        "path": error.path,
        "extensions": {"code": code},
    }


def _errors(messages: list[str], code: str) -> dict[str, Any]:
    return {"errors": [{"message": each, "extensions": {"code": code}} for each in messages]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    cloud: RecordedCloud

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Tests look at `requests`, not at a log."""

    def do_GET(self) -> None:
        self._reply(404, "<html><body>not here</body></html>", "text/html")

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        variables = content.get("variables")
        if isinstance(variables, str):
            variables = json.loads(variables)
        headers = {key.lower(): value for key, value in self.headers.items()}
        request = Request(self.path, headers, content["query"], variables or {})
        cloud = self.cloud
        with cloud.arrived:
            cloud.requests.append(request)
            cloud.arrived.notify_all()
        if self.path.rstrip("/") not in {path.rstrip("/") for path in cloud.paths}:
            self._reply(404, "<html><body>not here</body></html>", "text/html")
            return
        fault = cloud.fault(request)
        if fault is not None and not fault.after:
            self._fail(fault)
            return
        if cloud.token is not None and headers.get("authorization") != f"Bearer {cloud.token}":
            self._reply(401, json.dumps(_errors(["Unauthenticated"], "UNAUTHENTICATED")))
            return
        status, answer = cloud.answer(request)
        if fault is not None:
            self._fail(fault)
            return
        self._reply(status, json.dumps(answer))

    def _fail(self, fault: Fault) -> None:
        if fault.hold is not None:
            fault.hold.wait(30)
        if fault.status == 0:
            self.close_connection = True
            self.connection.close()
            return
        self._reply(fault.status, fault.body, headers=fault.headers)

    def _reply(
        self,
        status: int,
        body: str,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> None:
        content = body.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what some tests are about."""


@contextmanager
def recorded_cloud(
    *,
    camel: bool = False,
    paths: tuple[str, ...] | None = None,
    token: str | None = TOKEN,
    tls: ssl.SSLContext | None = None,
) -> Iterator[RecordedCloud]:
    """A running stand-in on a free loopback port; `cloud.url` is the server's root."""
    default = ("/graphql/alpha",) if camel else ("/", "/graphql")
    cloud = RecordedCloud(camel=camel, paths=paths or default, token=token)
    handler = type("Handler", (_Handler,), {"cloud": cloud})
    server = _Server(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls is not None else "http"
    cloud.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
