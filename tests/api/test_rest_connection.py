"""The connection to a REST API, against a small server that answers what the test says."""

from __future__ import annotations

import asyncio
import base64
import traceback
from collections.abc import AsyncIterator, Iterator

import pytest

from flowtui.api import http
from flowtui.api.causes import OutcomeUnknownError
from flowtui.api.http import Patience
from flowtui.api.rest import connection
from flowtui.api.rest.connection import API_VERSION, LARGEST_PAGE, Connection
from flowtui.api.rest.refusals import NotRestError, RefusedError
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError, CredentialsError, FlowtuiError
from flowtui.text import redact
from tests.parts.registry import free_port
from tests.parts.stand_in import Asked, Reply, StandIn, stand_in

pytestmark = pytest.mark.slow

BUSY = Reply(503, {"exception_message": "Service Unavailable"})
PASSWORD = "ada:correct-horse"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as in earnest, without the waiting."""
    known = connection.PATIENCE
    pauses = tuple(0.001 for _ in known.pauses)
    monkeypatch.setattr(
        connection,
        "PATIENCE",
        Patience(pauses, known.longest_pause, known.busy, known.turned_away),
    )


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in(lambda _: Reply(200, {})) as running:
        yield running


@pytest.fixture
async def api(server: StandIn) -> AsyncIterator[Connection]:
    made = Connection(f"{server.url}/api", Secret(PASSWORD), ca_file=None, timeout=15)
    yield made
    await made.close()


def failing(server: StandIn, *replies: Reply) -> None:
    """These first, one for each request, and then a plain yes."""
    left = list(replies)
    server.answer = lambda _: left.pop(0) if left else Reply(200, {"done": True})


# ----------------------------------------------------------------------------------- what is sent


async def test_a_user_and_password_go_by_basic_and_the_api_version_goes_along(
    server: StandIn, api: Connection
) -> None:
    await api.post("/flows/filter", {"limit": 1}, safe=True)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/api/flows/filter", {"limit": 1})
    assert asked.headers["authorization"] == f"Basic {base64.b64encode(PASSWORD.encode()).decode()}"
    assert asked.headers["x-prefect-api-version"] == API_VERSION
    assert "prefect-csrf-token" not in asked.headers


async def test_a_key_goes_as_bearer_and_nothing_where_there_is_none(server: StandIn) -> None:
    for secret, expected in ((Secret("pnu_abcdefgh"), "Bearer pnu_abcdefgh"), (None, None)):
        api = Connection(server.url, secret, ca_file=None, timeout=15)
        await api.get("/x", params={"flow_run_id": "a b", "n": 2})
        await api.close()
        assert server.asked[-1].headers.get("authorization") == expected
        assert server.asked[-1].path == "/x?flow_run_id=a+b&n=2"


async def test_pages_are_put_together(server: StandIn, api: Connection) -> None:
    everything = [{"n": number} for number in range(2 * LARGEST_PAGE + 7)]

    def page(asked: Asked) -> Reply:
        offset, limit = asked.body["offset"], asked.body["limit"]
        assert limit <= LARGEST_PAGE and asked.body["sort"] == "NAME_ASC"
        return Reply(200, everything[offset : offset + limit])

    server.answer = page
    assert await api.rows("/flows/filter", {"sort": "NAME_ASC"}) == everything
    assert len(server.asked) == 3
    assert await api.rows("/x", {"sort": "NAME_ASC"}, limit=3, offset=5) == everything[5:8]
    assert await api.rows("/x", {"sort": "NAME_ASC"}, limit=0) == []


# --------------------------------------------------------------------------------- trying again


@pytest.mark.parametrize("status", [408, 429, 503])
async def test_a_server_that_did_nothing_is_asked_again_whatever_was_asked(
    server: StandIn, api: Connection, status: int
) -> None:
    failing(server, *[Reply(status, {"exception_message": "no"})] * 5)
    assert await api.post("/x", {"a": 1}, safe=False) == {"done": True}
    assert [asked.body for asked in server.asked] == [{"a": 1}] * 6


@pytest.mark.parametrize("status", [502, 504])
async def test_what_may_have_been_done_is_sent_again_only_where_that_is_safe(
    server: StandIn, api: Connection, status: int
) -> None:
    failing(server, Reply(status))
    assert await api.patch("/x", {}) == {"done": True}
    failing(server, Reply(status))
    with pytest.raises(OutcomeUnknownError, match="is not known"):
        await api.post("/x", {}, safe=False)


async def test_a_connection_that_breaks(server: StandIn, api: Connection) -> None:
    failing(server, Reply(hang_up=True), Reply(hang_up=True))
    assert await api.get("/x") == {"done": True}
    failing(server, Reply(hang_up=True))
    with pytest.raises(OutcomeUnknownError):
        await api.post("/x", {}, safe=False)


async def test_a_server_that_stays_busy_is_told(server: StandIn, api: Connection) -> None:
    server.answer = lambda _: BUSY
    with pytest.raises(ControlPlaneError, match="trouble: HTTP 503: Service Unavailable"):
        await api.get("/x")
    assert len(server.asked) == 1 + len(connection.PATIENCE.pauses)


async def test_the_time_that_a_server_asks_for_is_kept(
    server: StandIn, api: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(http.asyncio, "sleep", sleep)
    failing(server, Reply(429, {}, {"Retry-After": "3"}), Reply(503))
    assert await api.get("/x") == {"done": True}
    assert waited[0] == 3 and waited[1] < 1

    failing(server, Reply(429, {}, {"Retry-After": "60"}))
    with pytest.raises(ControlPlaneError, match="asked too often") as caught:
        await api.get("/x")
    assert "in 60 seconds" in caught.value.problem.fix


async def test_no_pause_outlasts_the_time_limit(server: StandIn) -> None:
    server.answer = lambda _: Reply(503, {"detail": "later"}, {"Retry-After": "9"})
    api = Connection(server.url, None, ca_file=None, timeout=2)
    with pytest.raises(ControlPlaneError, match="HTTP 503: later"):
        await api.get("/x")
    await api.close()
    assert len(server.asked) == 1


async def test_maintenance_is_told_as_such(server: StandIn, api: Connection) -> None:
    server.answer = lambda _: Reply(503, "down", {"Prefect-Maintenance": "true"})
    with pytest.raises(ControlPlaneError, match="under maintenance"):
        await api.get("/x")


async def test_a_server_that_restarts_is_waited_for(server: StandIn, api: Connection) -> None:
    assert await api.get("/x") == {}
    failing(server, *[Reply(hang_up=True)] * len(connection.PATIENCE.pauses))
    assert await api.get("/x") == {"done": True}


async def test_a_server_that_never_answered_is_not_waited_for_long(
    server: StandIn, api: Connection
) -> None:
    failing(server, *[Reply(hang_up=True)] * 4)
    with pytest.raises(ControlPlaneError, match="broke before the answer"):
        await api.get("/x")
    assert len(server.asked) == 4


async def test_nobody_there() -> None:
    api = Connection(f"http://127.0.0.1:{free_port()}/api", None, ca_file=None, timeout=15)
    with pytest.raises(ControlPlaneError, match="connection refused"):
        await api.get("/x")
    await api.close()


# ------------------------------------------------------------------------------------------- CSRF


class GuardedServer:
    """Wants a CSRF token for everything but GET, as `prefect server` does."""

    def __init__(self) -> None:
        self.valid: dict[str, str] = {}
        self.made = 0

    def __call__(self, asked: Asked) -> Reply:
        if asked.path.startswith("/api/csrf-token?client="):
            self.made += 1
            client = asked.path.partition("=")[2]
            self.valid[client] = f"csrf-{self.made}"
            return Reply(200, {"token": self.valid[client], "client": client, "expiration": "x"})
        token = asked.headers.get("prefect-csrf-token")
        if token is None:
            return Reply(403, {"detail": "Missing CSRF token."})
        if self.valid.get(asked.headers.get("prefect-csrf-client", "")) != token:
            return Reply(403, {"detail": "Invalid CSRF token or client identifier."})
        return Reply(200, [])


async def test_a_csrf_token_is_got_once_for_all_that_need_it(
    server: StandIn, api: Connection
) -> None:
    server.answer = guard = GuardedServer()
    await asyncio.gather(*(api.post("/flows/filter", {}, safe=True) for _ in range(8)))
    await api.patch("/deployments/1", {})
    await api.delete("/deployments/1")
    assert guard.made == 1
    assert server.paths()[-2:] == ["PATCH /api/deployments/1", "DELETE /api/deployments/1"]


async def test_a_csrf_token_that_expired_is_renewed(server: StandIn, api: Connection) -> None:
    server.answer = guard = GuardedServer()
    await api.post("/flows/filter", {}, safe=True)
    guard.valid.clear()
    assert await api.post("/work_pools/", {"name": "x"}, safe=False) == []
    assert guard.made == 2


async def test_a_refusal_that_is_not_about_csrf_asks_for_no_token(
    server: StandIn, api: Connection
) -> None:
    server.answer = lambda _: Reply(403, {"detail": "Viewers may not do this"})
    with pytest.raises(CredentialsError, match="user and password may not do this: Viewers may"):
        await api.post("/x", {}, safe=True)
    assert server.paths() == ["POST /api/x"]


async def test_a_server_that_wants_a_token_and_gives_none(server: StandIn, api: Connection) -> None:
    def answer(asked: Asked) -> Reply:
        missing = Reply(403, {"detail": "Missing CSRF token."})
        return missing if asked.method == "POST" else Reply(422, {"detail": "disabled"})

    server.answer = answer
    with pytest.raises(CredentialsError, match="Missing CSRF token"):
        await api.post("/x", {}, safe=True)


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, {"detail": "Flow not found"}, "refused: Flow not found"),
        (404, {"exception_message": "no pool \x1b[31mx"}, "refused: no pool x"),
        (409, {"detail": "Work pool exists"}, "refused: Work pool exists"),
        (
            422,
            {
                "exception_message": "Invalid request received.",
                "exception_detail": [
                    {"loc": ["body", "work_pool", "name"], "msg": "Field required", "type": "x"},
                    {"loc": ["body"], "msg": "wrong", "type": "x"},
                ],
                "request_body": {"secret": "not shown"},
            },
            "refused: work_pool.name: Field required; wrong",
        ),
        (422, {"detail": [{"loc": ["query", "limit"], "msg": "too big"}]}, "limit: too big"),
        (
            422,
            {"detail": [{"loc": ["body", str(number)], "msg": "no"} for number in range(9)]},
            r"5: no; and 3 more",
        ),
    ],
)
async def test_both_shapes_of_an_error_in_words(
    server: StandIn, api: Connection, status: int, body: object, words: str
) -> None:
    server.answer = lambda _: Reply(status, body)
    with pytest.raises(RefusedError, match=words) as caught:
        await api.post("/x", {}, safe=True)
    assert caught.value.status == status
    assert "not shown" not in str(caught.value) and "\x1b" not in str(caught.value)


async def test_what_is_not_there_can_be_an_answer(server: StandIn, api: Connection) -> None:
    server.answer = lambda _: Reply(404, {"detail": "Deployment not found"})
    assert await api.get("/deployments/1", missing_ok=True) is None
    await api.delete("/deployments/1")
    with pytest.raises(RefusedError):
        await api.get("/deployments/1")


async def test_no_answer_at_all_is_one(server: StandIn, api: Connection) -> None:
    server.answer = lambda _: Reply(204)
    assert await api.patch("/deployments/1", {}) is None


@pytest.mark.parametrize(
    ("secret", "is_cloud", "words"),
    [
        (None, False, "the control plane asks for a user and password, and there is none"),
        (PASSWORD, False, "does not accept this user and password"),
        ("pnu_1234567890", False, "wants a user and password, and was sent an API key"),
        (None, True, "Prefect Cloud asks for an API key, and there is none"),
        ("pnu_1234567890", True, "does not accept this API key: it is wrong, expired or revoked"),
        (PASSWORD, True, "Prefect Cloud wants an API key, and was sent a user and password"),
    ],
)
async def test_what_a_wrong_credential_says(
    server: StandIn, secret: str | None, is_cloud: bool, words: str
) -> None:
    server.answer = lambda _: Reply(401, {"exception_message": "Unauthorized"})
    token = Secret(secret) if secret else None
    api = Connection(server.url, token, ca_file=None, timeout=15, is_cloud=is_cloud)
    with pytest.raises(CredentialsError, match=words) as caught:
        await api.get("/x")
    assert caught.value.problem.fix
    await api.close()


async def test_a_redirect_is_not_followed(server: StandIn, api: Connection) -> None:
    server.answer = lambda _: Reply(307, "", {"Location": f"{server.url}/elsewhere"})
    with pytest.raises(NotRestError, match="answers with a redirect"):
        await api.get("/x")
    assert len(server.asked) == 1


@pytest.mark.parametrize("reply", [Reply(200, "<html>"), Reply(404, "<html>"), Reply(405)])
async def test_something_else_answers(server: StandIn, api: Connection, reply: Reply) -> None:
    server.answer = lambda _: reply
    with pytest.raises(NotRestError, match="no Prefect REST API at this address") as caught:
        await api.post("/x", {}, safe=True)
    assert "/api" in caught.value.problem.fix


async def test_no_password_comes_through(server: StandIn, api: Connection) -> None:
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    server.answer = lambda asked: Reply(
        422, {"detail": f"{PASSWORD} correct-horse {asked.headers['authorization']}"}
    )
    with pytest.raises(FlowtuiError) as echoed:
        await api.get("/x")
    server.answer = lambda _: Reply(500)
    with pytest.raises(FlowtuiError) as caught:
        await api.get("/x")
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = told.stack[1:]  # without this very test
    assert frames
    for text in (
        str(echoed.value),
        str([frame.locals for frame in frames]),
        redact(f"{encoded} correct-horse"),
    ):
        assert "correct-horse" not in text and encoded not in text


async def test_a_password_is_not_sent_over_plain_http_to_others() -> None:
    api = Connection("http://prefect.example.com/api", Secret(PASSWORD), ca_file=None, timeout=1)
    with pytest.raises(CredentialsError, match="plain http"):
        await api.get("/x")
    await api.close()
