"""Which addresses have a token in the keyring is known without asking the keyring."""

from __future__ import annotations

import pytest

from flowtui import keyring_index
from flowtui.credentials import CredentialStore, Where, token
from flowtui.os_keyring import KeyringStatus, OsKeyring

URL = "https://prefect.example.com"
SECRET = "tok-in-the-keyring-5512"


class CountingKeyring(OsKeyring):
    """Keeps tokens in memory and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, str] = {}
        self.asked = 0

    async def status(self) -> KeyringStatus:
        return KeyringStatus("Counting", True)

    async def get(self, address: str) -> tuple[str | None, str]:
        self.asked += 1
        return self.tokens.get(address), "Counting"

    async def set(self, address: str, reveal) -> str:  # type: ignore[no-untyped-def]
        self.tokens[address] = reveal()
        return "Counting"

    async def delete(self, address: str) -> str | None:
        return "Counting" if self.tokens.pop(address, None) is not None else None


async def test_storing_finding_and_forgetting_keep_it_current() -> None:
    keyring = CountingKeyring()
    store = CredentialStore({}, keyring)
    assert await store.kept([URL]) == {URL: ()}
    await store.store(URL, token(SECRET), Where.KEYRING)
    assert await store.kept([URL, f"{URL}/"]) == {URL: ("keyring",), f"{URL}/": ("keyring",)}
    assert keyring.asked == 0
    assert SECRET not in keyring_index.index_file().read_text()
    await store.forget(URL)
    assert await store.kept([URL]) == {URL: ()}


async def test_the_keyring_is_asked_where_it_may_hold_a_token() -> None:
    keyring = CountingKeyring()
    store = CredentialStore({}, keyring)
    keyring.tokens[URL] = SECRET
    assert await store.find("https://other.example.com") is None
    assert keyring.asked == 1  # nothing was noted yet
    assert await store.find("https://other.example.com") is None
    assert await store.find(URL) is None
    assert keyring.asked == 1
    assert await store.find(URL, everywhere=True) is not None
    assert await store.kept([URL]) == {URL: ("keyring",)}
    assert await store.find(URL) is not None


async def test_a_token_kept_elsewhere_leaves_it() -> None:
    store = CredentialStore({}, CountingKeyring())
    await store.store(URL, token(SECRET), Where.KEYRING)
    await store.store(URL, token(SECRET), Where.FILE)
    assert await store.kept([URL]) == {URL: ("file",)}


async def test_a_token_of_the_environment_counts_for_its_own_address() -> None:
    environ = {"FLOWTUI_API_KEY": SECRET, "FLOWTUI_API_URL": URL}
    store = CredentialStore(environ, CountingKeyring())
    other = "https://other.example.com"
    assert await store.kept([URL, other]) == {URL: ("environment (FLOWTUI_API_KEY)",), other: ()}


@pytest.mark.parametrize(
    ("content", "known"),
    [("", None), ("{}", None), ("\xff", None), ("[1, null]", frozenset[str]())],
)
def test_a_damaged_file_says_nothing(content: str, known: frozenset[str] | None) -> None:
    file = keyring_index.index_file()
    file.parent.mkdir(parents=True)
    file.write_bytes(content.encode("latin-1"))
    assert keyring_index.read() == known
