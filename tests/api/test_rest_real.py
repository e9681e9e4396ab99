"""The connection to real Prefect servers: Basic auth, CSRF tokens, one that is often busy."""

from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from flowtui.api.opening import connect, token_kind
from flowtui.api.rest import RestControlPlane
from flowtui.api.rest.connection import LARGEST_PAGE, Connection
from flowtui.api.rest.refusals import RefusedError
from flowtui.cli import run
from flowtui.credentials import Secret, TokenKind
from flowtui.errors import CredentialsError, ExitCode
from flowtui.json_shapes import mapping
from flowtui.models import Project
from flowtui.run_models import RunRequest
from tests.parts.faulty_proxy import faulty_proxy
from tests.parts.prefect_server import PREFECT2, PREFECT3, PrefectServer, running_prefect_server

pytestmark = pytest.mark.real

LIMIT = 60.0
AUTH = "ada:correct horse"


@pytest.fixture(scope="module")
def guarded() -> Iterator[PrefectServer]:
    """Wants a user and a password, and CSRF tokens."""
    settings = {"PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true"}
    with running_prefect_server(PREFECT3, auth=AUTH, settings=settings) as server:
        yield server


@pytest.fixture
async def api(guarded: PrefectServer) -> AsyncIterator[Connection]:
    made = Connection(guarded.api_url, Secret(AUTH), ca_file=None, timeout=LIMIT)
    yield made
    await made.close()


def named(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


# ------------------------------------------------------------------------------ the guarded server


@pytest.mark.parametrize("suffix", ["", "/api"])
async def test_who_has_the_password_gets_in(guarded: PrefectServer, suffix: str) -> None:
    address = guarded.api_url.removesuffix("/api") + suffix
    plane, identity = await connect(address, Secret(AUTH), timeout=LIMIT)
    await plane.close()
    assert (identity.api_url, identity.server) == (guarded.api_url, f"Prefect {PREFECT3}")
    assert token_kind(address) is TokenKind.PASSWORD


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (None, "asks for a user and password, and there is none"),
        ("ada:wrong horse", "does not accept this user and password"),
        ("pnu_0123456789", "wants a user and password, and was sent an API key"),
    ],
)
async def test_who_has_not_is_told_what_is_wanted(
    guarded: PrefectServer, token: str | None, words: str
) -> None:
    with pytest.raises(CredentialsError, match=words):
        await connect(guarded.api_url, Secret(token) if token else None, timeout=LIMIT)


def test_a_password_is_typed_once_and_kept(
    guarded: PrefectServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def flowtui(*words: str, typed: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
        capsys.readouterr()
        code, said = run(words), capsys.readouterr()
        assert "correct horse" not in said.out + said.err
        return code, said.out + said.err

    address = guarded.api_url.removesuffix("/api")
    wrong = flowtui("login", "--save", "file", "--api-url", address, typed="ada:wrong horse")
    assert wrong[0] == ExitCode.CREDENTIALS and "does not accept this user and password" in wrong[1]
    assert flowtui("whoami", "--api-url", address)[0] == ExitCode.CREDENTIALS
    assert flowtui("login", "--save", "file", "--api-url", address, typed=AUTH)[0] == ExitCode.OK
    code, said = flowtui("whoami", "--api-url", address)
    assert code == ExitCode.OK and f"Prefect {PREFECT3}" in said and "file (" in said
    assert flowtui("profiles", "check", address)[1].endswith("wants a user and password\n")


async def test_reading_and_changing_go_with_a_csrf_token(
    guarded: PrefectServer, api: Connection
) -> None:
    with guarded.client() as witness:
        assert witness.post("/flows/filter", json={}).status_code == 403
    name = named("csrf")
    made = mapping(await api.post("/flows/", {"name": name}, safe=True))
    found = await api.rows("/flows/filter", {"flows": {"name": {"any_": [name]}}})
    assert [row["id"] for row in found] == [made["id"]]
    await api.patch(f"/flows/{made['id']}", {"tags": ["x"]})
    assert mapping(await api.get(f"/flows/{made['id']}"))["tags"] == ["x"]
    await api.delete(f"/flows/{made['id']}")
    assert await api.get(f"/flows/{made['id']}", missing_ok=True) is None
    await api.delete(f"/flows/{made['id']}")


async def test_a_csrf_token_that_somebody_replaced_is_renewed(
    guarded: PrefectServer, api: Connection
) -> None:
    await api.post("/flows/count", safe=True)
    client = api._csrf.headers["Prefect-Csrf-Client"]
    with guarded.client() as witness:
        witness.get("/csrf-token", params={"client": client}).raise_for_status()
    counts = await asyncio.gather(*(api.post("/flows/count", safe=True) for _ in range(8)))
    assert len(set(counts)) == 1


async def test_changes_of_runs_are_told_to_who_has_the_password(guarded: PrefectServer) -> None:
    plane = RestControlPlane(guarded.api_url, Secret(AUTH), timeout=LIMIT)
    made = await plane.register(Project("", ""), {"flow_name": named("flow"), "name": "events"})
    run = await plane.start_run(RunRequest(made.id, {}))
    async with asyncio.timeout(LIMIT), aclosing(plane.run_changes(run.id)) as stream:  # type: ignore[type-var]
        assert await anext(stream) == run.id
        change = asyncio.ensure_future(anext(stream))
        await plane.cancel_run(run.id)
        assert await change == run.id
    await plane.close()
    stranger = RestControlPlane(guarded.api_url, Secret("ada:wrong horse"), timeout=LIMIT)
    with pytest.raises(CredentialsError, match="does not accept"):
        await anext(stranger.run_changes(run.id))
    await stranger.close()


async def test_what_is_wrong_with_a_field_is_said(api: Connection) -> None:
    with pytest.raises(RefusedError, match="name: Field required") as caught:
        await api.post("/flows/", {}, safe=True)
    assert caught.value.status == 422
    with pytest.raises(RefusedError, match="limit: must be less than or equal to 200"):
        await api.post("/flows/filter", {"limit": LARGEST_PAGE + 1}, safe=True)
    with pytest.raises(RefusedError) as caught:
        await api.get(f"/flows/name/{named('nobody')}")
    assert caught.value.status == 404


# --------------------------------------------------------------------------------- busy and broken


@pytest.mark.parametrize("fixture", ["prefect3_server", "prefect2_server"])
async def test_a_server_that_is_often_busy_loses_nothing_and_does_nothing_twice(
    request: pytest.FixtureRequest, fixture: str
) -> None:
    server: PrefectServer = request.getfixturevalue(fixture)
    prefix = named("busy")
    with faulty_proxy(server.port, unavailable=0.2, dropped=0.1, seed=5) as proxy:
        plane, identity = await connect(proxy.api_url, None, timeout=LIMIT)
        await plane.close()
        expected = PREFECT3 if fixture == "prefect3_server" else PREFECT2
        assert identity.server == f"Prefect {expected}"
        api = Connection(proxy.api_url, None, ca_file=None, timeout=LIMIT)
        for number in range(30):
            await api.post("/flows/", {"name": f"{prefix}-{number}"}, safe=True)
        wanted = {"flows": {"name": {"like_": prefix}}, "sort": "NAME_ASC"}
        rows = await api.rows("/flows/filter", wanted)
        await asyncio.gather(*(api.delete(f"/flows/{row['id']}") for row in rows))
        assert await api.rows("/flows/filter", wanted) == []
        await api.close()
        assert sum(proxy.refused.values()) > 5
    assert sorted(str(row["name"]) for row in rows) == sorted(f"{prefix}-{n}" for n in range(30))


async def test_a_refusal_without_an_effect_is_sent_again_even_where_twice_is_not_once(
    prefect3_server: PrefectServer,
) -> None:
    """A work pool is there already when it is made a second time."""
    with faulty_proxy(prefect3_server.port, unavailable=0.3, dropped=0, seed=3) as proxy:
        api = Connection(proxy.api_url, None, ca_file=None, timeout=LIMIT)
        for _ in range(10):
            name = named("pool")
            await api.post("/work_pools/", {"name": name, "type": "process"}, safe=False)
            with pytest.raises(RefusedError) as caught:
                await api.post("/work_pools/", {"name": name, "type": "process"}, safe=False)
            assert caught.value.status == 409
            await api.delete(f"/work_pools/{name}")
        await api.close()
        assert proxy.refused["POST /api/work_pools/"] > 2
