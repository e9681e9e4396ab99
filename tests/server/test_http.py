"""What comes over HTTP: forms of requests, tokens, browsers, sizes. In-process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flowtui.server import app as app_module
from flowtui.server.app import Door, build_app, is_own_name
from flowtui.server.database import Database, open_database
from flowtui.server.execute import Executor

TOKEN = "a-token-long-enough"
JSON = {"content-type": "application/json"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "server.db")
    yield opened
    opened.close()


@pytest.fixture
def client(database: Database) -> TestClient:
    """Without a token, on loopback."""
    return TestClient(build_app(database, Door(None, check_host=True)), "http://127.0.0.1:4200")


@pytest.fixture
def guarded(database: Database) -> TestClient:
    return TestClient(build_app(database, Door(TOKEN, check_host=False)), "http://example.com")


def ask(client: TestClient, query: str = "{hello}", path: str = "/", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, json={"query": query}, headers=named)


@pytest.mark.parametrize("path", ["/", "/graphql", "/graphql/alpha", "/a/b/../c%20d", "/health"])
def test_post_is_answered_on_every_path(client: TestClient, path: str) -> None:
    answer = ask(client, path=path)
    assert (answer.status_code, answer.json()) == (200, {"data": {"hello": "👋"}})
    assert answer.headers["content-type"] == "application/json"


def test_get_says_what_this_is(client: TestClient) -> None:
    assert client.get("/").json()["name"] == "flowtui server"
    assert client.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("variables", [{"name": "a"}, '{"name": "a"}', {"name": "a", "unknown": 1}])
def test_variables_as_an_object_or_in_a_string(client: TestClient, variables: Any) -> None:
    query = "query($name: String) {project(where: {name: {_eq: $name}}) {id}}"
    body = {"query": query, "variables": variables}
    assert client.post("/", json=body).json() == {"data": {"project": []}}


@pytest.mark.parametrize("variables", ["null", "", None])
def test_no_variables(client: TestClient, variables: Any) -> None:
    answer = client.post("/", json={"query": "{hello}", "variables": variables})
    assert answer.json() == {"data": {"hello": "👋"}}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "JSON object"),
        (b"null", "JSON object"),
        (b"{}", "no query"),
        (b'{"query": 1}', "no query"),
        (b'{"query": "{hello}", "variables": "{"}', "not JSON"),
        (b'{"query": "{hello}", "variables": [1]}', "variables must be"),
        (b'{"query": "{hello}", "variables": {"a": NaN}}', "NaN"),
        (b"\xff\xfe\xfd", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"query": "{hello}", "variables": "' + b"[" * 100_000 + b'"}', "nested too deeply"),
        (b'{"query": "{hello}", "operationName": "none"}', "none"),
        (b'{"query": "{\\ud800}"}', "Syntax Error"),
    ],
)
def test_a_bad_request_is_a_graphql_error(client: TestClient, body: bytes, says: str) -> None:
    answer = client.post("/", content=body, headers=JSON)
    assert answer.status_code == 200
    assert says in answer.json()["errors"][0]["message"]


def test_a_body_that_is_too_large_is_refused_and_the_next_is_served(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "MAX_BODY_BYTES", 1024**2)
    body = json.dumps({"query": "{hello}", "variables": {"pad": "x" * 2 * 1024**2}})
    answer = client.post("/", content=body, headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["message"] == "a request may hold 1 MiB at most"
    assert ask(client).json() == {"data": {"hello": "👋"}}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example:4200"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": ""}, 403),
        ({"host": "[::1"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:8080"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "multipart/form-data; boundary=a"}, 415),
        ({"content-type": ""}, 415),
    ],
)
def test_a_web_page_cannot_drive_a_server_without_token(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    query = 'mutation {create_project(input: {name: "planted"}) {id}}'
    body = json.dumps({"query": query})
    answer = client.post("/", content=body, headers={**JSON, **headers})
    assert answer.status_code == status
    assert "errors" in answer.json()
    assert ask(client, "{project {name}}").json() == {"data": {"project": []}}


def test_a_preflight_allows_nothing(client: TestClient) -> None:
    answer = client.options(
        "/", headers={"origin": "http://evil.example", "access-control-request-method": "POST"}
    )
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:4200"},
        {"host": "[::1]:4200"},
        {"host": "127.8.8.8"},
        {"host": "host.docker.internal:4200"},
        {"origin": "http://127.0.0.1:4200"},
        {"content-type": "application/json; charset=utf-8"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer anything"},
    ],
)
def test_our_own_clients_pass(client: TestClient, headers: dict[str, str]) -> None:
    body = json.dumps({"query": "{hello}"})
    answer = client.post("/", content=body, headers={**JSON, **headers})
    assert answer.json() == {"data": {"hello": "👋"}}


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer ",
        "Bearer wrong-token-of-some-length",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
    ],
)
def test_a_wrong_token_is_unauthenticated(guarded: TestClient, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = guarded.post("/", json={"query": "{hello}"}, headers=headers)
    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}
    assert TOKEN not in answer.text
    assert "data" not in answer.json()


def test_the_right_token_opens(guarded: TestClient) -> None:
    answer = ask(guarded, authorization=f"Bearer {TOKEN}")
    assert answer.json() == {"data": {"hello": "👋"}}


def test_keys_made_here_open_until_they_are_revoked(guarded: TestClient) -> None:
    def mutate(name: str, given: str, wanted: str) -> Any:
        query = f"mutation {{{name}(input: {{{given}}}) {{{wanted}}}}}"
        return ask(guarded, query, authorization=f"Bearer {TOKEN}").json()["data"][name]

    def opens(secret: str) -> bool:
        return "data" in ask(guarded, authorization=f"Bearer {secret}").json()

    key = mutate("create_api_key", 'name: "k"', "id key")
    old = mutate("create_api_key", 'name: "k", expires_at: "2020-01-01T00:00:00"', "key")
    token = mutate("createAPIToken", 'name: "t", role: "RUNNER"', "id token")
    assert [opens(key["key"]), opens(old["key"]), opens(token["token"])] == [True, False, True]
    mutate("delete_api_key", f'key_id: "{key["id"]}"', "success")
    mutate("deleteAPIToken", f'tokenId: "{token["id"]}"', "success")
    assert [opens(key["key"]), opens(token["token"])] == [False, False]


def test_switching_tenants_hands_back_what_the_client_came_with(guarded: TestClient) -> None:
    tenant = ask(guarded, "{tenant {id}}", authorization=f"Bearer {TOKEN}").json()
    tenant_id = tenant["data"]["tenant"][0]["id"]
    query = f'mutation {{switchTenant(input: {{tenantId: "{tenant_id}"}}) {{accessToken}}}}'
    answer = ask(guarded, query, authorization=f"Bearer {TOKEN}").json()
    assert answer == {"data": {"switchTenant": {"accessToken": TOKEN}}}


def test_the_tenant_header_chooses_the_tenant(client: TestClient) -> None:
    query = 'mutation {create_tenant(input: {name: "Acme", slug: "acme"}) {id}}'
    acme = ask(client, query).json()["data"]["create_tenant"]["id"]
    chosen = ask(client, "{auth_info {tenant_id}}", x_prefect_tenant_id=acme).json()
    assert chosen["data"]["auth_info"]["tenant_id"] == acme
    default = ask(client, "{auth_info {tenant_id}}", x_prefect_tenant_id="nonsense").json()
    assert default["data"]["auth_info"]["tenant_id"] != acme


def test_an_unexpected_failure_tells_the_log_and_not_the_client(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("the inside story")

    monkeypatch.setattr(Executor, "_answer", fail)
    answer = ask(client)
    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert error == {
        "message": "internal server error",
        "extensions": {"code": "INTERNAL_SERVER_ERROR"},
    }
    assert "the inside story" in caplog.text


@pytest.mark.parametrize("levels", [100, 300, 450, 600, 800, 950])
def test_a_deep_document_never_breaks_the_connection(client: TestClient, levels: int) -> None:
    value = "[" * levels + "]" * levels
    query = "mutation($input: set_key_value_input!) {set_key_value(input: $input) {id}}"
    body = f'{{"query": "{query}", "variables": {{"input": {{"key": "k", "value": {value}}}}}}}'
    written = client.post("/", content=body, headers=JSON)
    read = ask(client, "{key_value {value}}")
    assert (written.status_code, read.status_code) == (200, 200)
    if "errors" not in written.json():
        assert json.dumps(read.json()["data"]["key_value"][0]["value"]) == value
    else:
        assert "deeply" in written.json()["errors"][0]["message"]


def test_an_agents_calls_are_seen(client: TestClient) -> None:
    query = 'mutation {register_agent(input: {type: "LocalAgent", name: "a"}) {id}}'
    agent = ask(client, query, x_prefect_core_version="1.4.1").json()["data"]["register_agent"]
    ask(client, "mutation {get_runs_in_queue(input: {}) {flow_run_ids}}",
        x_prefect_agent_id=agent["id"])  # fmt: skip
    (known,) = ask(client, "{agent {id core_version anonymous}}").json()["data"]["agent"]
    assert known == {"id": agent["id"], "core_version": "1.4.1", "anonymous": False}
    ask(client, "mutation {get_runs_in_queue(input: {}) {flow_run_ids}}",
        x_prefect_core_version="0.9.8")  # fmt: skip
    query = "{agent(where: {anonymous: {_eq: true}}) {core_version last_queried}}"
    (other,) = ask(client, query).json()["data"]["agent"]
    assert other["core_version"] == "0.9.8"
    assert other["last_queried"]


@pytest.mark.parametrize(
    ("name", "own"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("0.0.0.0", False),
     ("192.168.1.2", False), ("example.com", False), ("localhost.example.com", False)],
)  # fmt: skip
def test_own_names(name: str, own: bool) -> None:
    assert is_own_name(name) is own
