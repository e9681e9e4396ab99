"""Where keys of Prefect Cloud belong, and a user and password of a `prefect server`."""

from __future__ import annotations

import base64

import pytest

from flowtui import addresses
from flowtui.credentials import CredentialStore, Secret, Source, Where, token
from flowtui.errors import CredentialsError
from flowtui.text import redact

USER = "pnu_of_a_person_0123456789"
SERVICE = "pnb_of_a_service_0123456789"
_ACCOUNT = f"{addresses.CLOUD}/accounts/11111111-1111-4111-8111-111111111111/workspaces"
ONE = f"{_ACCOUNT}/aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
OTHER = f"{_ACCOUNT}/bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
SERVER = "https://prefect.example.com"


@pytest.mark.parametrize("where", [Where.SESSION, Where.FILE])
async def test_a_persons_key_is_good_for_every_workspace(where: Where) -> None:
    store = CredentialStore({})
    await store.store(ONE, Secret(USER), where)
    for address in (ONE, OTHER, addresses.CLOUD):
        found = await store.find(address)
        assert found is not None and found.secret == Secret(USER)
    assert await store.find("https://prefect.example.com/api") is None
    assert set(await store.kept([ONE, OTHER, SERVER])) == {ONE, OTHER, SERVER}
    assert (await store.kept([OTHER]))[OTHER] and not (await store.kept([SERVER]))[SERVER]


async def test_a_service_accounts_key_stays_with_its_workspace() -> None:
    store = CredentialStore({})
    await store.store(ONE, Secret(SERVICE), Where.FILE)
    assert await store.find(ONE) is not None
    assert await store.find(OTHER) is None and await store.find(addresses.CLOUD) is None


async def test_the_narrower_key_is_used_until_a_person_logs_in_there() -> None:
    store = CredentialStore({})
    await store.store(addresses.CLOUD, Secret(USER), Where.FILE)
    await store.store(ONE, Secret(SERVICE), Where.FILE)
    found, other = await store.find(ONE), await store.find(OTHER)
    assert found is not None and found.secret == Secret(SERVICE)
    assert other is not None and other.secret == Secret(USER)
    await store.store(ONE, Secret(USER), Where.FILE)
    found = await store.find(ONE)
    assert found is not None and found.secret == Secret(USER)


async def test_logging_out_of_a_workspace_forgets_the_key_that_is_used_there() -> None:
    store = CredentialStore({})
    await store.store(ONE, Secret(USER), Where.SESSION)
    await store.store(ONE, Secret(SERVICE), Where.FILE)
    assert len(await store.forget(ONE)) == 2
    assert await store.find(ONE) is None and await store.find(OTHER) is None


@pytest.mark.parametrize(
    ("environ", "address", "found"),
    [
        ({"PREFECT_API_URL": ONE, "PREFECT_API_KEY": USER}, OTHER, USER),
        (
            {"PREFECT_API_URL": f"{SERVER}/api", "PREFECT_API_AUTH_STRING": "ada:horse-battery"},
            SERVER,
            "ada:horse-battery",
        ),
        ({"PREFECT_API_AUTH_STRING": "ada:horse-battery"}, addresses.CLOUD, None),
        (
            {
                "PREFECT_API_URL": SERVER,
                "PREFECT_API_AUTH_STRING": "ada:horse-battery",
                "PREFECT_API_KEY": USER,
            },
            SERVER,
            "ada:horse-battery",
        ),
    ],
)
async def test_prefects_own_variables(
    environ: dict[str, str], address: str, found: str | None
) -> None:
    credential = await CredentialStore(environ).find(address)
    assert (credential.secret.reveal() if credential is not None else None) == found
    assert credential is None or credential.source is Source.PREFECT


def test_a_password_may_have_what_no_token_has() -> None:
    assert token("ada:correct horse ü\n").reveal() == "ada:correct horse ü"
    with pytest.raises(CredentialsError):
        token("ada:two\nlines")


def test_a_password_is_masked_alone_too() -> None:
    secret = Secret("ada:battery-staple")
    sent = base64.b64encode(secret.reveal().encode()).decode()
    assert "battery" not in redact(f"{secret.reveal()} battery-staple")
    assert sent not in redact(f"Basic {sent}")
