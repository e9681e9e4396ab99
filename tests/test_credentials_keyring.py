"""The keyring, with a real Secret Service and with backends that fail in the ways seen."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.parts.keyring_service import KeyringHome, alternative_backends, keyring_home

pytestmark = pytest.mark.real

ADDRESS = "https://prefect.example.com/graphql"
TOKEN = "keyring-token-" + "é".encode().hex() + "x" * 4000

_START = f"""
import asyncio, json, subprocess, sys
from flowtui.credentials import *
from flowtui.errors import FlowtuiError
from flowtui.os_keyring import OsKeyring
ADDRESS, TOKEN = {ADDRESS!r}, {TOKEN!r}
answers = {{}}

def witness():
    command = ["secret-tool", "lookup", "service", "flowtui", "username", ADDRESS]
    return subprocess.run(command, capture_output=True, text=True).stdout

def shown(credential):
    return credential and [credential.secret.reveal(), credential.source, credential.detail]

"""
_END = """
asyncio.run(main())
print(json.dumps(answers))
"""


@pytest.fixture
def home(tmp_path: Path) -> KeyringHome:
    return keyring_home(tmp_path / "home")


def body(main: str) -> str:
    return _START + "async def main():\n" + textwrap.indent(textwrap.dedent(main), "    ") + _END


def answers(done: Any) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "nothing may be written over the screen"
    return json.loads(done.stdout)


STORE = """
store = CredentialStore({})
status = await store.keyring_status()
answers["status"] = [status.name, status.safe, status.reason]
try:
    answers["place"] = await store.store(ADDRESS, token(TOKEN), Where.KEYRING)
except FlowtuiError as error:
    answers["refused"] = str(error)
answers["found"] = shown(await store.find(ADDRESS))
answers["notes"] = store.notes
"""


def test_a_token_round_trips_and_an_independent_program_sees_it(home: KeyringHome) -> None:
    main = f"""
    {textwrap.indent(STORE, "    ").strip()}
    answers["witness"] = witness()
    answers["other"] = shown(await store.find("https://other.example.com"))
    answers["again"] = shown(await CredentialStore({{}}).find(ADDRESS + "/"))
    answers["forgotten"] = await store.forget(ADDRESS)
    answers["left"] = [witness(), shown(await store.find(ADDRESS)), await store.forget(ADDRESS)]
    """
    got = answers(home.run(body(main)))
    assert got["status"] == ["SecretService", True, ""]
    assert got["place"] == "keyring (SecretService)"
    assert got["found"] == got["again"] == [TOKEN, "keyring", "SecretService"]
    assert got["witness"] == TOKEN
    assert got["other"] is None
    assert got["forgotten"] == ["keyring (SecretService)"]
    assert got["left"] == ["", None, []]


def test_an_older_token_elsewhere_does_not_win(home: KeyringHome) -> None:
    main = """
    store = CredentialStore({})
    await store.store(ADDRESS, token("the-first-token"), Where.FILE)
    await store.store(ADDRESS, token("the-second-token"), Where.KEYRING)
    answers["keyring"] = shown(await store.find(ADDRESS))
    answers["file"] = credentials_file().exists()
    await store.store(ADDRESS, token("the-third-token"), Where.FILE)
    answers["after"] = shown(await store.find(ADDRESS))[:2]
    answers["witness"] = witness()
    """
    got = answers(home.run(body(main)))
    assert got["keyring"] == ["the-second-token", "keyring", "SecretService"]
    assert got["file"] is False
    assert got["after"] == ["the-third-token", "file"]
    assert got["witness"] == ""


def test_a_locked_keyring_is_said_and_the_file_is_still_read(home: KeyringHome) -> None:
    assert "place" in answers(home.run(body(STORE)))
    main = f"""
    {textwrap.indent(STORE, "    ").strip()}
    await store.store(ADDRESS, token("token-in-the-file"), Where.FILE)
    answers["file"] = shown(await store.find(ADDRESS))[:2]
    answers["forgotten"] = await store.forget(ADDRESS)
    answers["warned"] = store.notes
    """
    got = answers(home.run(body(main), unlocked=False))
    assert "the keyring is locked (KeyringLocked" in got["refused"]
    assert "--save file" in got["refused"]
    assert got["found"] is None
    assert "the keyring is locked" in got["notes"][0]
    assert got["file"] == ["token-in-the-file", "file"]
    assert "was not deleted" in got["warned"][0]
    assert got["forgotten"][0].startswith("file (")


@pytest.mark.parametrize("session", ["no service", "no bus", "dead bus"])
def test_no_keyring_here(home: KeyringHome, session: str) -> None:
    if session == "no service":
        done = home.run(body(STORE), service=False)
    else:
        gone = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={home.path}/gone"}
        done = home.run_without_bus(body(STORE), gone if session == "dead bus" else None)
    got = answers(done)
    assert got["status"] == ["none", False, "there is no keyring service here"]
    assert "the token was not saved: there is no keyring service here" in got["refused"]
    assert (got["found"], got["notes"]) == (None, []), "an ordinary server: nothing to report"


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        ("keyrings.alt.file.PlaintextKeyring", "plain text"),
        ("keyrings.alt.file.EncryptedKeyring", "asks for its passphrase on this terminal"),
        ("keyring.backends.null.Keyring", "keeps nothing"),
        ("keyring.backends.fail.Keyring", "no keyring service here"),
        ("no_such_package.Keyring", "not installed (ModuleNotFoundError"),
        ("forgetful.Keyring", "did not keep what was written"),
    ],
)
def test_backends_that_are_not_safe_get_no_token(
    home: KeyringHome, backend: str, reason: str
) -> None:
    (home.path / "forgetful.py").write_text(
        textwrap.dedent("""
        import keyring.backend
        class Keyring(keyring.backend.KeyringBackend):
            priority = 1
            def get_password(self, service, username): return None
            def set_password(self, service, username, password): pass
            def delete_password(self, service, username): pass
        """)
    )
    environ = {"PYTHON_KEYRING_BACKEND": backend, "PYTHONPATH": str(alternative_backends())}
    got = answers(home.run_without_bus(body(STORE), environ))
    assert reason in got["refused"]
    written = [path for path in home.path.rglob("*") if path.is_file()]
    assert [path for path in written if TOKEN in path.read_text(errors="ignore")] == []
    assert not (home.path / ".local").exists()


def test_a_chain_with_a_plain_text_keyring_in_it_is_not_safe(home: KeyringHome) -> None:
    (home.path / "second.py").write_text(
        textwrap.dedent("""
        import keyring.backend
        class Keyring(keyring.backend.KeyringBackend):
            priority = 2
            def get_password(self, service, username): return None
            def set_password(self, service, username, password): pass
        """)
    )
    main = f"""
    import second, keyrings.alt.file
    from keyring.backends.chainer import ChainerBackend
    from flowtui.os_keyring import judge
    status = judge(ChainerBackend())
    answers["judged"] = [status.name, status.safe, status.reason]
    {textwrap.indent(STORE, "    ").strip()}
    """
    environ = {"PYTHONPATH": str(alternative_backends())}
    got = answers(home.run_without_bus(body(main), environ))
    name, safe, reason = got["judged"]
    assert {"second", "PlaintextKeyring"} <= set(name.split(" + "))
    assert safe is False
    assert "plain text" in reason or "terminal" in reason
    assert "refused" in got


BLOCKING = """
import logging, os, pathlib, threading
import keyring.backend
CALLS = pathlib.Path(os.environ["HOME"]) / "calls"
class Keyring(keyring.backend.KeyringBackend):
    priority = 9
    def get_password(self, service, username):
        with CALLS.open("a") as calls:
            calls.write("get ")
        logging.getLogger("keyring.blocking").warning("noise on stderr")
        UNLOCKED.wait()
        return "unlocked-token"
    def set_password(self, service, username, password):
        raise RuntimeError(f"cannot keep {password}")
UNLOCKED = threading.Event()
"""


def test_a_keyring_that_waits_for_a_person_stops_neither_the_app_nor_its_exit(
    home: KeyringHome,
) -> None:
    (home.path / "blocking.py").write_text(BLOCKING)
    main = """
    store = CredentialStore({}, OsKeyring(limit=0.5))
    await CredentialStore({}).store(ADDRESS, token("token-in-the-file"), Where.SESSION)
    credentials_file().parent.mkdir(parents=True)
    credentials_file().write_text(json.dumps({ADDRESS: "token-in-the-file"}))
    credentials_file().chmod(0o600)
    answers["found"] = shown(await store.find(ADDRESS))[:2]
    answers["notes"] = store.notes
    answers["second"] = shown(await store.find(ADDRESS))[:2]
    answers["waited"] = await store.wait_for_keyring(0.2)
    """
    environ = {"PYTHON_KEYRING_BACKEND": "blocking.Keyring"}
    got = answers(home.run_without_bus(body(main), environ))
    assert got["found"] == got["second"] == ["token-in-the-file", "file"]
    assert got["notes"] == ["the keyring is waiting for an unlock on the desktop"]
    assert got["waited"] is False
    assert (home.path / "calls").read_text() == "get ", "no second call is made while one waits"


def test_a_chain_whose_keyrings_do_not_answer_is_judged_off_the_event_loop(
    home: KeyringHome,
) -> None:
    (home.path / "hanging.py").write_text(
        textwrap.dedent("""
        import threading
        import keyring.backend
        class Keyring(keyring.backend.KeyringBackend):
            priority = 9
            @property
            def backends(self):
                threading.Event().wait()
            def get_password(self, service, username): return None
            def set_password(self, service, username, password): pass
        """)
    )
    main = """
    status = await CredentialStore({}, OsKeyring(limit=0.5)).keyring_status()
    answers["status"] = [status.name, status.safe, status.reason]
    """
    environ = {"PYTHON_KEYRING_BACKEND": "hanging.Keyring"}
    got = answers(home.run_without_bus(body(main), environ))
    assert got["status"] == ["none", False, "the keyring is waiting for an unlock on the desktop"]


def test_after_the_unlock_the_keyring_is_asked_again(home: KeyringHome) -> None:
    (home.path / "blocking.py").write_text(BLOCKING)
    main = """
    store = CredentialStore({}, OsKeyring(limit=0.5))
    answers["first"] = await store.find(ADDRESS)
    import blocking
    blocking.UNLOCKED.set()
    answers["waited"] = await store.wait_for_keyring(30)
    answers["found"] = shown(await store.find(ADDRESS))
    try:
        await store.store(ADDRESS, token("token-that-leaks"), Where.KEYRING)
    except FlowtuiError as error:
        import traceback
        shown_to_all = traceback.TracebackException.from_exception(error, capture_locals=True)
        answers["error"] = "".join(shown_to_all.format())
    """
    environ = {"PYTHON_KEYRING_BACKEND": "blocking.Keyring"}
    got = answers(home.run_without_bus(body(main), environ))
    assert got["first"] is None
    assert got["waited"] is True
    assert got["found"] == ["unlocked-token", "keyring", "blocking"]
    assert "the keyring failed (RuntimeError" in got["error"]
    leaks = [line for line in got["error"].splitlines() if "token-that-leaks" in line]
    assert [line for line in leaks if 'token("token-that-leaks")' not in line] == []
