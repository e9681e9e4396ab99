"""Credentials for one registry: Docker's configuration, and helpers that answer, fail and hang."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowtui.deploy.docker import registry_credentials
from flowtui.deploy.docker.registry_credentials import Credentials, find_credentials
from flowtui.errors import EngineError
from flowtui.text import redact
from tests.deploy.docker_logins import configure, entry, log_in, with_helper
from tests.parts.registry import PASSWORD, USER

HOST = "registry.example:5000"


async def test_without_a_configuration_there_are_no_credentials(own_home: Path) -> None:
    assert await find_credentials(HOST) is None
    configure(own_home, auths={}, currentContext="default", HttpHeaders={"X": "y"})
    assert await find_credentials(HOST) is None


async def test_a_configuration_of_another_folder_is_not_read(
    own_home: Path, tmp_path: Path
) -> None:
    log_in(own_home, HOST)
    assert await find_credentials(HOST, {"DOCKER_CONFIG": str(tmp_path)}) is None


@pytest.mark.parametrize("name", [HOST, f"https://{HOST}", f"http://{HOST}/v1/", f"{HOST}/team"])
async def test_an_entry_is_found_by_its_host(name: str, own_home: Path) -> None:
    configure(own_home, auths={"other.example": entry("x", "y"), name: entry()})
    found = await find_credentials(HOST)
    assert found is not None
    assert (found.username, found.password) == (USER, PASSWORD)
    assert found.source == str(own_home / ".docker/config.json")
    assert await find_credentials("registry.example") is None


@pytest.mark.parametrize("name", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
async def test_every_name_of_the_hub_is_known(name: str, own_home: Path) -> None:
    log_in(own_home, name)
    found = await find_credentials("docker.io")
    assert found is not None and found.username == USER


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"identitytoken": "the-token", "auth": "ignored"}, ("", "", "the-token")),
        ({"username": "me", "password": "pass:word"}, ("me", "pass:word", "")),
        ({"auth": "", "username": "me", "password": "secret"}, ("me", "secret", "")),
        (entry("me", "with:colon"), ("me", "with:colon", "")),
        (entry("me", "padded\0\0"), ("me", "padded", "")),
        ({"identitytoken": "", **entry("me", "secret")}, ("me", "secret", "")),
    ],
)
async def test_entries_in_all_their_forms(
    stored: dict[str, str], expected: tuple[str, str, str], own_home: Path
) -> None:
    configure(own_home, auths={HOST: stored})
    found = await find_credentials(HOST)
    assert found is not None
    assert (found.username, found.password, found.identity_token) == expected


async def test_an_empty_entry_is_none_and_hides_no_other(own_home: Path) -> None:
    configure(own_home, auths={HOST: {}})
    assert await find_credentials(HOST) is None
    configure(own_home, auths={HOST: {}, f"https://{HOST}": entry()})
    assert await find_credentials(HOST) is not None


@pytest.mark.parametrize("broken", [{"auth": "no colon"}, {"auth": "ü"}, {"auth": 7}, "text"])
async def test_an_entry_that_cannot_be_read_is_told_and_stops_no_other(
    broken: Any, own_home: Path
) -> None:
    configure(own_home, auths={HOST: broken, "other.example": entry()})
    with pytest.raises(EngineError, match=f"credentials for {HOST} .* cannot be read") as caught:
        await find_credentials(HOST)
    assert caught.value.problem.where == str(own_home / ".docker/config.json")
    assert caught.value.problem.fix == f"run `docker login {HOST}` again"
    assert await find_credentials("other.example") is not None


@pytest.mark.parametrize(
    "sections", [{"auths": []}, {"auths": None}, {"credHelpers": []}, {"credHelpers": {HOST: ""}}]
)
async def test_sections_of_another_shape_are_passed_over(
    sections: dict[str, Any], own_home: Path
) -> None:
    configure(own_home, **sections)
    assert await find_credentials(HOST) is None


async def test_a_broken_configuration_is_an_error(own_home: Path) -> None:
    configure(own_home).write_text("{nonsense")
    with pytest.raises(EngineError, match="not JSON"):
        await find_credentials(HOST)


async def test_secrets_of_the_configuration_are_masked(own_home: Path) -> None:
    stored = entry(password="the-secret-word")
    configure(own_home, auths={HOST: stored})
    found = await find_credentials(HOST)
    assert "the-secret-word" not in repr(found)
    told = redact(f"the-secret-word {stored['auth']}")
    assert "the-secret-word" not in told and stored["auth"] not in told


async def test_a_helper_that_is_not_installed_is_named(
    own_home: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    configure(own_home, credsStore="nowhere")
    with pytest.raises(EngineError, match="docker-credential-nowhere, and it is not installed"):
        await find_credentials(HOST)
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


async def test_the_store_serves_registries_without_a_helper_of_their_own(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.dumps({"Username": "<token>", "Secret": "identity"})
    with_helper(own_home, "elsewhere", f"echo '{answer}'", monkeypatch)
    configure(own_home, credsStore="sample", credHelpers={"own.example": "nowhere"})
    found = await find_credentials(HOST)
    assert found is not None and found.identity_token == "identity" and not found.username
    with pytest.raises(EngineError, match="docker-credential-nowhere"):
        await find_credentials("own.example")


async def test_the_hubs_helper_is_asked_by_its_address(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'read -r server; echo "{\\"Username\\": \\"$server\\", \\"Secret\\": \\"secret\\"}"'
    with_helper(own_home, "https://index.docker.io/v1/", script, monkeypatch)
    found = await find_credentials("docker.io")
    assert found is not None and found.username == "https://index.docker.io/v1/"


@pytest.mark.parametrize(
    "script",
    [
        "echo 'credentials not found in native keychain'; exit 1",
        """echo '{"Username": "", "Secret": ""}'""",
    ],
)
async def test_what_a_helper_does_not_have_may_be_in_the_file(
    script: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_helper(own_home, HOST, script, monkeypatch)
    assert await find_credentials(HOST) is None
    configure(own_home, credHelpers={HOST: "sample"}, auths={HOST: entry()})
    found = await find_credentials(HOST)
    assert found is not None and found.source.endswith("config.json")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'vault is locked'; exit 1", "vault is locked"),
        ("kill -9 $$", "failed: no message"),
        ("echo nonsense", "gave no JSON"),
    ],
)
async def test_a_helper_that_fails_is_quoted_and_stays_off_the_terminal(
    script: str,
    said: str,
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with_helper(own_home, HOST, f"echo noise >&2; {script}", monkeypatch)
    with pytest.raises(EngineError, match=said) as caught:
        await find_credentials(HOST)
    assert "docker-credential-sample" in caught.value.problem.what
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("hang", ["exec sleep 300", "sleep 300"])
async def test_a_helper_that_hangs_is_ended_with_what_it_started(
    hang: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_helper(own_home, HOST, f"ps -o pgid= $$ > {own_home}/group; {hang}", monkeypatch)
    monkeypatch.setattr(registry_credentials, "_HELPER_SECONDS", 0.5)
    with pytest.raises(EngineError, match="did not answer"):
        await find_credentials(HOST)
    assert not _running((own_home / "group").read_text())


async def test_a_cancelled_lookup_ends_its_helper(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(own_home / "group")
    fifo = os.open(own_home / "group", os.O_RDWR | os.O_NONBLOCK)
    started = asyncio.Event()
    asyncio.get_running_loop().add_reader(fifo, started.set)
    with_helper(own_home, HOST, f"ps -o pgid= $$ > {own_home}/group; sleep 300", monkeypatch)
    task = asyncio.create_task(find_credentials(HOST))
    await asyncio.wait_for(started.wait(), 20)
    asyncio.get_running_loop().remove_reader(fifo)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _running(os.read(fifo, 100).decode())
    os.close(fifo)


def test_a_helper_that_hangs_does_not_keep_the_process_from_ending(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_helper(own_home, HOST, "sleep 300", monkeypatch)
    code = (
        "import asyncio\n"
        "from flowtui.deploy.docker import registry_credentials as asked\n"
        "asked._HELPER_SECONDS = 0.5\n"
        f"asyncio.run(asked.find_credentials({HOST!r}))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "did not answer" in ended.stderr


def _running(group: str) -> bool:
    """True when a process of this group lives; one that waits to be reaped does not."""
    found = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True)
    states = [line.split() for line in found.stdout.splitlines()]
    return any(pgid == group.strip() and not state.startswith("Z") for pgid, state in states)


def test_the_header_names_one_registry_only() -> None:
    header = Credentials("me", "pw-123456").header("reg.example.com")
    assert json.loads(base64.urlsafe_b64decode(header)) == {
        "serveraddress": "reg.example.com",
        "username": "me",
        "password": "pw-123456",
    }


def test_the_header_of_a_token_names_no_user() -> None:
    header = Credentials(identity_token="token").header("docker.io")
    assert json.loads(base64.urlsafe_b64decode(header)) == {
        "serveraddress": "https://index.docker.io/v1/",
        "identitytoken": "token",
    }
