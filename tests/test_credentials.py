from __future__ import annotations

import asyncio
import copy
import json
import os
import pickle
import stat
from pathlib import Path

import pytest

from flowtui import private_files
from flowtui.credentials import (
    CredentialStore,
    Secret,
    Source,
    Where,
    credentials_file,
    token,
)
from flowtui.errors import CredentialsError
from flowtui.text import MASK, redact

A = "https://a.example.com"
B = "https://b.example.com"
TOKEN = "a-token-of-twenty-chars"


def store(**environ: str) -> CredentialStore:
    return CredentialStore(environ)


# ----------------------------------------------------------------------------------------- secrets


def test_a_secret_is_shown_by_nothing() -> None:
    secret = Secret(TOKEN)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", "%s" % secret, repr([secret])]  # noqa: UP031
    assert [text for text in shown if TOKEN in text] == []
    assert secret.hint == f"{MASK}hars"
    assert Secret("short-token").hint == MASK
    assert copy.deepcopy(secret) is secret
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert redact(f"Bearer {TOKEN}") == f"Bearer {MASK}"
    assert secret == Secret(TOKEN)
    assert secret != Secret(TOKEN + "x")


@pytest.mark.parametrize(
    "text", ["", "  \n", "two words", "line\nbreak-in-it", "ümlaut", "x" * 70_000]
)
def test_what_cannot_be_a_token_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        token(text, where="here")
    assert text.strip() == "" or text.strip() not in str(caught.value)


def test_blanks_around_a_pasted_token_are_dropped() -> None:
    assert token(f"  {TOKEN}\r\n") == Secret(TOKEN)


# ------------------------------------------------------------------------------------- environment


async def test_the_order(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "-file\n")
    everything = {
        "FLOWTUI_API_KEY": TOKEN,
        "FLOWTUI_API_KEY_FILE": str(file),
        "PREFECT_API_KEY": TOKEN + "-prefect",
        "PREFECT_API_URL": A + "/api",
    }
    found: list[tuple[str, str]] = []
    for name in (
        "",
        "FLOWTUI_API_KEY",
        "FLOWTUI_API_KEY_FILE",
        "session",
        "file",
        "PREFECT_API_KEY",
    ):
        everything.pop(name, None)
        credentials = CredentialStore(everything)
        if name in ("", "FLOWTUI_API_KEY", "FLOWTUI_API_KEY_FILE"):
            await credentials.store(A, Secret(TOKEN + "-opt-in"), Where.FILE)
            await credentials.store(A, Secret(TOKEN + "-session"), Where.SESSION)
        if name == "file":
            await credentials.forget(A)
        credential = await credentials.find(A)
        found.append((credential.source, credential.secret.reveal()) if credential else ("", ""))
    assert found == [
        (Source.ENVIRONMENT, TOKEN),
        (Source.ENVIRONMENT, TOKEN + "-file"),
        (Source.SESSION, TOKEN + "-session"),
        (Source.FILE, TOKEN + "-opt-in"),
        (Source.PREFECT, TOKEN + "-prefect"),
        ("", ""),
    ]


async def test_a_token_goes_with_its_address_only() -> None:
    credentials = store()
    await credentials.store(A + "/", Secret(TOKEN), Where.FILE)
    assert await credentials.find("HTTPS://A.example.com:443") is not None
    assert await credentials.find(B) is None
    assert await credentials.find("http://a.example.com") is None


async def test_a_pair_in_the_environment_stays_together() -> None:
    credentials = store(FLOWTUI_API_KEY=TOKEN, FLOWTUI_API_URL=A)
    assert await credentials.find(A) is not None
    assert await credentials.find(B) is None
    assert "not sent to https://b.example.com" in credentials.notes[0]


@pytest.mark.parametrize(
    ("environ", "address", "found"),
    [
        ({"PREFECT_API_KEY": TOKEN}, "https://api.prefect.cloud/api/accounts/1", True),
        ({"PREFECT_API_KEY": TOKEN}, "http://127.0.0.1:4200", False),
        ({"PREFECT_API_KEY": TOKEN, "PREFECT_API_URL": A}, "https://api.prefect.cloud", False),
        ({"PREFECT__CLOUD__AUTH_TOKEN": TOKEN}, "https://api.prefect.io/graphql/alpha", True),
        ({"PREFECT__CLOUD__AUTH_TOKEN": TOKEN}, A, False),
        ({"PREFECT__CLOUD__API_KEY": TOKEN, "PREFECT__CLOUD__API": A}, A + "/graphql", True),
        ({"PREFECT__CLOUD__API_KEY": TOKEN, "PREFECT__CLOUD__API": "nonsense"}, A, False),
    ],
)
async def test_prefects_own_variables_go_to_prefects_own_address(
    environ: dict[str, str], address: str, found: bool
) -> None:
    credential = await CredentialStore(environ).find(address)
    assert (credential is not None) is found


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff\xfe"])
async def test_a_bad_token_file_is_an_error_not_a_surprise(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CredentialsError) as caught:
        await store(FLOWTUI_API_KEY_FILE=str(file)).find(A)
    assert str(file) in caught.value.problem.where


async def test_a_token_file_that_is_a_pipe_does_not_hold_the_event_loop(tmp_path: Path) -> None:
    """As a shell's `<(command)` gives it: the writer comes when it comes."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    finding = asyncio.create_task(
        CredentialStore({"FLOWTUI_API_KEY_FILE": str(pipe)}).find("https://a.example")
    )
    await asyncio.sleep(0)
    await asyncio.to_thread(pipe.write_text, "token-of-a-pipe\n")
    found = await finding
    assert found is not None
    assert found.secret.reveal() == "token-of-a-pipe"


async def test_a_mounted_token_file_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "data").write_text(TOKEN)
    (tmp_path / "token").symlink_to(tmp_path / "data")
    credential = await store(FLOWTUI_API_KEY_FILE=str(tmp_path / "token")).find(A)
    assert credential is not None
    assert credential.secret == Secret(TOKEN)


# ------------------------------------------------------------------------------------ the own file


async def test_the_file_is_private_from_its_first_moment() -> None:
    old = os.umask(0)
    try:
        place = await store().store(A, Secret(TOKEN), Where.FILE)
    finally:
        os.umask(old)
    file = credentials_file()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert str(file) in place
    assert "plain text" in place
    assert sorted(each.name for each in file.parent.iterdir()) == [".lock", file.name]


async def test_tokens_of_two_addresses_live_side_by_side() -> None:
    credentials = store()
    await credentials.store(A, Secret(TOKEN + "a"), Where.FILE)
    await credentials.store(B, Secret(TOKEN + "b"), Where.FILE)
    assert await credentials.forget(A) == (f"file ({credentials_file()})",)
    remaining = await credentials.find(B)
    assert remaining is not None
    assert remaining.secret == Secret(TOKEN + "b")
    await credentials.forget(B)
    assert not credentials_file().exists()
    assert await credentials.forget(B) == ()


@pytest.mark.parametrize("how", ["group", "others", "link", "owner", "folder", "pipe", "damaged"])
async def test_a_file_that_is_not_only_ours_is_not_read(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = store()
    await credentials.store(A, Secret(TOKEN), Where.FILE)
    file = credentials_file()
    if how == "group":
        file.chmod(0o640)
    elif how == "others":
        file.chmod(0o602)
    elif how == "link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    elif how == "owner":
        monkeypatch.setattr(private_files.os, "geteuid", lambda: os.getuid() + 1)
    elif how == "folder":
        file.unlink()
        file.mkdir()
    elif how == "pipe":
        file.unlink()
        os.mkfifo(file, 0o600)
    else:
        file.write_text(TOKEN)
    assert await credentials.find(A) is None
    assert str(file) in credentials.notes[0]
    assert TOKEN not in credentials.notes[0]
    with pytest.raises(CredentialsError) as caught:
        await credentials.store(B, Secret(TOKEN), Where.FILE)
    assert TOKEN not in str(caught.value)


async def test_a_crash_while_writing_keeps_the_old_content(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = store()
    await credentials.store(A, Secret(TOKEN), Where.FILE)
    before = credentials_file().read_text()

    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_files.os, "fsync", crash)
    with pytest.raises(CredentialsError, match="No space left"):
        await credentials.store(B, Secret(TOKEN), Where.FILE)
    assert credentials_file().read_text() == before
    assert json.loads(before) == {A: TOKEN}
    assert sorted(each.name for each in credentials_file().parent.iterdir()) == [
        ".lock",
        credentials_file().name,
    ]


async def test_without_a_safe_keyring_the_choices_are_named() -> None:
    credentials = store()
    status = await credentials.keyring_status()
    assert (status.safe, status.reason) == (False, "there is no keyring service here")
    with pytest.raises(CredentialsError) as caught:
        await credentials.store(A, Secret(TOKEN), Where.KEYRING)
    assert "--save file" in caught.value.problem.fix
    assert not credentials_file().exists(), "never a fallback that nobody asked for"


async def test_logout_says_what_it_cannot_take_back() -> None:
    credentials = store(FLOWTUI_API_KEY=TOKEN)
    await credentials.store(A, Secret(TOKEN), Where.SESSION)
    assert await credentials.forget(A) == ("this session",)
    assert credentials.notes == (
        "FLOWTUI_API_KEY is still set in the environment and will be used",
    )
